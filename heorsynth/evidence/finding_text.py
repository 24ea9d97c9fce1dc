"""A finding in words: the one description that a terminal, a notebook and the dossier show."""

from __future__ import annotations

import math
from collections.abc import Iterable

from heorsynth.checks.core.finding import LEVEL, Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import small
from heorsynth.data.columns.levels import SMALL_COUNT

SYMBOLS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not estimable": "–", "fit": "✓", "not fit": "✗"}
"""A sign beside every verdict, so that no reader depends on its colour."""

CALIBRATED = "†"
"""Marks a finding on what the generator set equal to the source's."""

MEANING = {
    "✓": "✓ the whole interval lies inside the margin",
    "✗": "✗ it lies outside",
    "?": "? it crosses the edge: too uncertain to say",
    "–": "– it cannot be estimated",
}

CALIBRATED_MEANING = "† calibrated: set equal to the patients' own by the generator, so no evidence of fidelity"

SET_EQUAL = "Set equal to the source, and so no evidence of fidelity: "
"""What the note on calibrated quantities begins with."""

HEADER = (
    "verdict",
    "quantity",
    "group",
    "real",
    "synthetic",
    f"difference ({LEVEL:.0%} interval)",
    "margin",
    "real patients",
    "remark",
)


def cells(finding: Finding) -> tuple[str, ...]:
    """A finding as the cells under `HEADER`.

    Differences are a percentage of the real value, a ratio or an amount, as the margin is written. What rests on
    one to four real patients is not given.
    """
    amounts = [_amount(number, finding.scale) for number in (finding.difference, finding.lower, finding.upper)]
    unknown, few = math.isnan(finding.difference), 0 < finding.n_real < SMALL_COUNT
    sign = f"\N{NO-BREAK SPACE}{CALIBRATED}" if finding.constructed else ""
    return (
        f"{SYMBOLS[finding.verdict]}\N{NO-BREAK SPACE}{finding.verdict}{sign}",
        quantity(finding),
        finding.group,
        "not given" if few else _with_unit(finding.real, finding.unit),
        _with_unit(finding.synthetic, finding.unit),
        significant(math.nan) if unknown else f"{amounts[0]} ({amounts[1]} to {amounts[2]})",
        _width(finding),
        small(finding.n_real),
        finding.remark,
    )


def quantity(finding: Finding) -> str:
    """What was estimated: its plain name, and in brackets the estimand as a statistician calls it."""
    plain = ESTIMANDS[finding.key].plain if finding.key in ESTIMANDS else ""
    return finding.estimand if finding.estimand.startswith(plain) else f"{plain} ({finding.estimand})"


def legend(findings: Iterable[Finding]) -> str:
    """What the signs mean that these findings carry, once for a whole table."""
    shown = list(findings)
    signs = {SYMBOLS[finding.verdict] for finding in shown}
    told = [meaning for sign, meaning in MEANING.items() if sign in signs]
    marked = [CALIBRATED_MEANING] if any(finding.constructed for finding in shown) else []
    return "; ".join([*told, *marked]) + "." if told else ""


def _with_unit(value: float, unit: str) -> str:
    return significant(value) + (f" {unit}" if unit and not math.isnan(value) else "")


def _amount(value: float, scale: str) -> str:
    """A number on a margin's scale as a reader expects it: a percentage, a ratio, or a signed amount."""
    if scale == "relative":
        shown = f"{value:+.1%}"
        return "0.0%" if shown in ("+0.0%", "-0.0%") else shown
    if scale == "ratio":
        return f"{math.exp(value):.3g}"
    amount = significant(value, 3)
    return f"+{amount}" if value > 0 and amount != "0" else amount


def _width(finding: Finding) -> str:
    if math.isnan(finding.margin):
        return "none"
    if finding.scale == "relative":
        return f"±{finding.margin:.1%} of the real value"
    return str(Margin(finding.scale, finding.margin))
