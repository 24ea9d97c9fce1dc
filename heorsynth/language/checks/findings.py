"""`TextFinding` and `TextReport`: what the checks of texts found, each with the error rates of the check itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.estimate import Estimate, significant

ANY_FAULT = "facts: texts with any fault"
"""The check of how many texts have a fault of any kind in any slot."""


@dataclass(frozen=True)
class TextFinding:
    """One result of a check of texts.

    Attributes
    ----------
    check : str                     such as "facts omitted", "near duplicates"
    slot : str                      of a check of facts; "" for others
    estimate : Estimate             a share of texts, or what `unit` says
    recall : Estimate or None       share of planted faults that the check finds
    false_alarms : Estimate or None share of right texts in which it finds one
    note : str
    of_sets : bool                  the rates are shares of sets of texts in which a difference is found, not of texts
    """

    check: str
    slot: str
    estimate: Estimate
    recall: Estimate | None = None
    false_alarms: Estimate | None = None
    note: str = ""
    of_sets: bool = False

    @property
    def adjusted(self) -> float:
        """The share corrected for the errors of the check: (p - f) / (r - f), within 0 and 1 (Rogan & Gladen 1978).

        The share itself where the rates are of sets.
        """
        if (
            self.recall is None
            or self.false_alarms is None
            or self.of_sets
            or self.recall.value <= self.false_alarms.value
        ):
            return self.estimate.value
        corrected = self.estimate.value - self.false_alarms.value
        return min(1.0, max(0.0, corrected / (self.recall.value - self.false_alarms.value)))

    def to_dict(self) -> dict[str, object]:
        """Return the finding as one flat row."""
        row: dict[str, object] = {"check": self.check, "slot": self.slot}
        row |= {"value": self.estimate.value, "low": self.estimate.low, "high": self.estimate.high}
        row |= {"unit": self.estimate.unit, "n_texts": self.estimate.n_used, "n_patients": self.estimate.n_total}
        for name, rate in (("recall", self.recall), ("false_alarms", self.false_alarms)):
            for part, value in (("", "value"), ("_low", "low"), ("_high", "high")):
                row[f"{name}{part}"] = None if rate is None else getattr(rate, value)
        return {**row, "adjusted": self.adjusted, "note": self.note}


@dataclass(frozen=True)
class TextReport:
    """The findings of `check_text`.

    Attributes
    ----------
    findings : tuple of TextFinding
    ids, texts : tuple of str        whom each text is about; the texts
    faults : tuple of tuple          faults of each text, such as ("age contradicted",)
    maker : str                      of the texts, if known
    """

    findings: tuple[TextFinding, ...]
    ids: tuple[str, ...]
    texts: tuple[str, ...] = field(repr=False)
    faults: tuple[tuple[str, ...], ...] = field(repr=False)
    maker: str = ""

    def __getitem__(self, name: str) -> TextFinding:
        """Return the finding of a check, or of "check slot"."""
        return next(one for one in self.findings if name in (one.check, f"{one.check} {one.slot}"))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding, with its interval, and the error rates of its check."""
        return pd.DataFrame([one.to_dict() for one in self.findings])

    def faulty(self) -> pd.DataFrame:
        """Return one row a fault: id, place of the text, fault."""
        rows = [(self.ids[at], at, fault) for at, found in enumerate(self.faults) for fault in found]
        return pd.DataFrame(rows, columns=["synthetic_id", "text", "fault"])

    def card(self) -> Card:
        """Return the findings as a card, faults of facts from the most frequent on."""
        rows = [_row(one) for one in _ordered(self.findings)]
        note = (
            "Beside each finding: the share of planted faults that its check finds, and of right texts in which it "
            "finds one. Both were measured on forms that the rules were not written for (docs/language.md)."
        )
        maker = f" by {self.maker}" if self.maker else ""
        return Card(
            f"Checks of {len(self.texts):,} texts{maker}", ("check", "found", "recall", "alarms"), tuple(rows), note
        )

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _ordered(findings: Sequence[TextFinding]) -> list[TextFinding]:
    facts = [one for one in findings if one.slot]
    return [*sorted(facts, key=lambda one: -one.estimate.value), *(one for one in findings if not one.slot)]


def _row(one: TextFinding) -> tuple[str, str, str, str]:
    rates = ["–" if rate is None else _shown(rate) for rate in (one.recall, one.false_alarms)]
    return f"{one.check} {one.slot}".strip(), _shown(one.estimate), rates[0], rates[1]


def _shown(one: Estimate) -> str:
    value, low, high = (significant(number, 3) for number in (one.value, one.low, one.high))
    return f"{value} {one.unit}".rstrip() + f" ({low} to {high})"
