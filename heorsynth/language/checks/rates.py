"""The error rates of the checks, measured by benchmarks/text_checks.py and stored beside them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.language.checks.findings import TextFinding

_FORMS = "held-out"
"""The set of forms whose rates are shown: those the rules were not written for."""


@cache
def stored() -> dict[str, Any]:
    """Return the stored counts: set of forms to {"found": …, "alarms": …}."""
    text = files("heorsynth.language.checks").joinpath("error_rates.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def recall(kind: str, fault: str = "") -> Estimate:
    """Return how many planted faults of a kind of slot a check found.

    Parameters
    ----------
    kind : str       kind of slot, "other" for inventions without a slot; or the name of another check, such as
                     "duplicates"
    fault : str      "omitted", "contradicted" or "fabricated"; "" for another check

    Examples
    --------
    >>> recall("age", "contradicted").value > 0.95
    True
    """
    found = stored()[_FORMS]["found"]
    name = f"{kind} {fault}".strip()
    if name in found:
        return proportion(*found[name], method="planted faults found")
    parts = [held for key, held in found.items() if key.endswith(f" {fault}")]
    return proportion(sum(one[0] for one in parts), sum(one[1] for one in parts), method="planted faults found")


def false_alarms(kind: str) -> Estimate:
    """Return how often a check of a kind of slot found a fault where none was planted; "text": in any slot."""
    alarms = stored()[_FORMS]["alarms"]
    held = alarms.get(kind) or alarms["text"]
    return proportion(*held, method="false alarms")


def of_sets(check: str, estimate: Estimate, note: str = "") -> TextFinding:
    """Return a finding on a set of texts, with how often its check finds a planted difference, and one where none is.

    Recall holds for the planted difference and number of texts of `benchmarks/text_set_checks.py`: docs/language.md.
    """
    parts = [stored()[_FORMS][part].get(check) for part in ("found", "alarms")]
    rates = [None if held is None else proportion(*held, method="sets of texts") for held in parts]
    return TextFinding(check, "", estimate, rates[0], rates[1], note, of_sets=True)
