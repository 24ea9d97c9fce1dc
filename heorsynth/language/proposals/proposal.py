"""`Proposal`: facts that a model proposed, with their quotes and checks, and which of them a person accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.display import Card, counted
from heorsynth.core.errors import HeorsynthError, OutputError, Problem, ProposalError, unknown_name
from heorsynth.core.yaml_lines import Path_
from heorsynth.language.proposals.answer import document_of
from heorsynth.language.proposals.yaml_text import yaml_text
from heorsynth.published.quotes.accepted import is_day

REFUSED, PROPOSED, ACCEPTED = "refused", "proposed", "accepted"


@dataclass(frozen=True)
class ProposedFact:
    """A fact that a model proposed.

    Attributes
    ----------
    fact : str                   its name, as in `Paper.to_frame`
    numbers : Mapping            place in the file to the number as printed
    quotes : tuple of str        sentences of the text that hold the numbers
    refused : str                why it cannot be accepted, such as a number that no quoted sentence has; "" if none
    impossible : tuple of str    rules by which no patients have this fact and the others
    to_check : tuple of str      what a person should look at: the quote names no arm, or another unit; unlikely numbers
    """

    fact: str
    numbers: Mapping[Path_, str]
    quotes: tuple[str, ...]
    refused: str = ""
    impossible: tuple[str, ...] = ()
    to_check: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The numbers as printed: "0.62 (0.43 to 0.89)"."""
        first, *others = self.numbers.values()
        return f"{first} ({' to '.join(others)})" if others else first

    @property
    def checks(self) -> str:
        """What the checks found, in words; "" if nothing."""
        return "; ".join(filter(None, (self.refused, *self.impossible, *self.to_check)))


@dataclass(frozen=True)
class Proposal:
    """A paper file proposed by a language model. Nothing of it is used before a person accepts it.

    Attributes
    ----------
    file : Mapping          the proposed file as plain data
    facts : tuple           each proposed fact with its quotes and checks
    made_by, call : str     the model, and the key of its recorded call
    accepted : Mapping      fact to the person who accepted it and the day
    """

    file: Mapping[str, Any] = field(repr=False)
    facts: tuple[ProposedFact, ...]
    made_by: str
    call: str
    accepted: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a fact: fact, value, quote, checks, state ("refused", "proposed" or "accepted")."""
        rows = [(one.fact, one.value, " … ".join(one.quotes), one.checks, self._state(one)) for one in self.facts]
        return pd.DataFrame(rows, columns=["fact", "value", "quote", "checks", "state"])

    def accept(self, facts: str | Sequence[str] = "all", *, by: str, on: str) -> Proposal:
        """Return the proposal with facts that a person has compared with the paper.

        Parameters
        ----------
        facts : str or sequence     names of facts; "all" takes all but refused and impossible ones
        by : str                    the person
        on : str                    the day, such as "2026-11-30"; no clock is asked, so a file is the same each time

        Raises
        ------
        ProposalError               a fact is refused, or person or day are missing
        UnknownNameError            a name that is no fact of the proposal
        """
        known = {one.fact: one for one in self.facts}
        if facts == "all":
            names = [one.fact for one in self.facts if not one.refused and not one.impossible]
        else:
            names = [facts] if isinstance(facts, str) else list(facts)
        if strange := next((name for name in names if name not in known), None):
            raise unknown_name("fact", strange, known)
        problems = [Problem(name, known[name].refused, "type it from the paper, with its source, into the file")
                    for name in names if known[name].refused]  # fmt: skip
        if not by.strip():
            problems.append(Problem("by", "is empty", "give the name of the person who compared it with the paper"))
        if not is_day(on):
            problems.append(Problem("on", "is not a day", "write it as 2026-11-30"))
        if problems:
            raise ProposalError("acceptance", problems)
        return replace(self, accepted={**self.accepted, **dict.fromkeys(names, (by.strip(), on))})

    def draft(self) -> str:
        """Return the paper file of every fact that is not refused. `published.read` refuses what nobody accepted."""
        return self._text([one for one in self.facts if not one.refused])

    def write(self, path: str | Path) -> Path:
        """Write the accepted facts as a paper file that `heorsynth.published.read` reads.

        Raises
        ------
        ProposalError      nothing is accepted, or accepted facts need others: a median needs the patients of its arm
        OutputError        the file cannot be written
        """
        kept = [one for one in self.facts if one.fact in self.accepted]
        if not kept:
            raise ProposalError("proposal", Problem("", "nobody accepted a fact of it", "proposal.accept(by=…, on=…)"))
        text = self._text(kept)
        file = Path(path)
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            problem = Problem("", f"cannot be written ({error.strerror})", "check the folder")
            raise OutputError(f"paper {file.name!r}", problem) from None
        return file

    def _text(self, kept: Sequence[ProposedFact]) -> str:
        numbers = {at for one in kept for at in one.numbers}
        every = {at for one in self.facts for at in one.numbers}
        plain = _only(dict(self.file), (), numbers, every)
        try:
            document_of(plain or {})
        except HeorsynthError as error:
            raise ProposalError("paper file of the accepted facts", error.problems) from None
        facts = []
        for one in kept:
            by, on = self.accepted.get(one.fact, (None, None))
            facts.append({"fact": one.fact, "quotes": list(one.quotes), "accepted_by": by, "accepted_on": on})
        return yaml_text({**(plain or {}), "proposal": {"made_by": self.made_by, "call": self.call, "facts": facts}})

    def _state(self, one: ProposedFact) -> str:
        return ACCEPTED if one.fact in self.accepted else REFUSED if one.refused else PROPOSED

    def card(self) -> Card:
        """Return the table that is shown."""
        frame = self.to_frame()
        counts = frame["state"].value_counts()
        note = ", ".join(f"{counts[state]:,} {state}" for state in (PROPOSED, ACCEPTED, REFUSED) if state in counts)
        n = sum(bool(one.impossible) for one in self.facts)
        note += f"; {counted(n, 'impossible fact')}" if n else ""
        rows = tuple(tuple(map(str, row)) for row in frame.itertuples(index=False))
        return Card(f"Proposed by {self.made_by}", tuple(frame.columns), rows, f"{note}.")

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _only(node: Any, at: Path_, kept: set[Path_], every: set[Path_]) -> Any:
    """Return the file without the numbers that are not kept, and without sections that held only such; else None."""
    if at in every:
        return node if at in kept else None
    if not isinstance(node, Mapping | list):
        return node
    items = node.items() if isinstance(node, Mapping) else enumerate(node)
    parts = {key: _only(value, (*at, key), kept, every) for key, value in items}
    had = any(one[: len(at)] == at for one in every)
    if had and not any(one[: len(at)] == at for one in kept):
        return None
    left = {key: value for key, value in parts.items() if value is not None}
    return left if isinstance(node, Mapping) else list(left.values())
