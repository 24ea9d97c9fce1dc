"""A finding in words, the same in a terminal, a notebook and the dossier."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from heorsynth.checks.core.finding import PASS, Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import coverage_under
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.core.disclosure import small
from heorsynth.core.estimate import significant
from heorsynth.data.columns.levels import SMALL_COUNT

SYMBOLS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not estimable": "–", "fit": "✓", "not fit": "✗"}
"""A sign for every verdict, so that no reader depends on its colour."""

_NOTED = 0.25
"""A bias of so many standard errors is noted: a 95% interval then covers 94.3%."""

_CONSTRUCTED = "†"
"""Marks a finding that equals the source by construction."""

_MEANING = {
    "✓": "✓ the whole interval lies inside the margin",
    "✗": "✗ the interval lies outside the margin",
    "?": "? the interval crosses the edge of the margin: inconclusive",
    "–": "– the quantity cannot be estimated",
}

_CONSTRUCTED_MEANING = "† constructed: equal to the source by construction, so no evidence of fidelity"

SET_EQUAL = "Equal to the source by construction, so no evidence of fidelity: "
"""The beginning of the note on quantities that are equal by construction."""

_HEADER = (
    "verdict",
    "quantity",
    "group",
    "real",
    "synthetic",
    "difference (interval)",
    "margin",
    "real patients",
    "remark",
)

_OF_PAPER = {"real": "published", "synthetic": "in the cohorts", "real patients": "patients"}
"""Headings that differ where a paper is the reference."""


_CONSTRAINT_MEANING = "† constructed: a constraint of the cohorts, so no evidence of fidelity"

_CONSTRAINTS = "Constraints of the cohorts, so no evidence of fidelity: "

_GROUP = _HEADER.index("group")

_MANY = 3
"""So many findings that pass and ask the same are one row in a terminal."""


def header(*, of_paper: bool = False) -> tuple[str, ...]:
    """Return the headings of the cells of a finding, for a paper or for patients as the reference."""
    return tuple(_OF_PAPER.get(name, name) for name in _HEADER) if of_paper else _HEADER


def set_equal(*, of_paper: bool = False) -> str:
    """Return the beginning of the note on quantities that are equal by construction."""
    return _CONSTRAINTS if of_paper else SET_EQUAL


def cells(finding: Finding, *, of_paper: bool = False) -> tuple[str, ...]:
    """Return the cells of a finding under `header`.

    Differences are percentages of the real value, ratios or amounts, like the margin.
    """
    sign = f"\N{NO-BREAK SPACE}{_CONSTRUCTED}" if finding.constructed else ""
    return (
        f"{SYMBOLS[finding.verdict]}\N{NO-BREAK SPACE}{finding.verdict}{sign}",
        quantity(finding),
        finding.group,
        real_text(finding),
        with_unit(finding.synthetic, finding.unit),
        amount_with_interval(finding),
        width_text(finding, of_paper=of_paper),
        small(finding.n_real),
        "; ".join(filter(None, [finding.remark, _bias(finding)])),
    )


def folded(findings: Sequence[Finding], *, of_paper: bool = False) -> tuple[tuple[str, ...], ...]:
    """Return the cells of findings for a terminal: of many that pass and ask the same, only the one that fits least."""
    alike: dict[tuple[str, bool], list[Finding]] = {}
    for one in findings:
        if one.verdict == PASS:
            alike.setdefault((one.key, one.constructed), []).append(one)
    rows, told = [], set()
    for one in findings:
        passing = alike.get((one.key, one.constructed), []) if one.verdict == PASS else []
        if len(passing) < _MANY:
            rows.append(cells(one, of_paper=of_paper))
        elif (one.key, one.constructed) not in told:
            told.add((one.key, one.constructed))
            worst = list(cells(max(passing, key=_share_of_margin), of_paper=of_paper))
            worst[_GROUP] += f" (of {len(passing)} that pass, the one nearest to its margin)"
            rows.append(tuple(worst))
    return tuple(rows)


def _share_of_margin(finding: Finding) -> float:
    """Return how far the interval reaches towards the margin: 1 at its edge, 0 if there is no interval."""
    reach = max(abs(finding.lower), abs(finding.upper)) / finding.margin if finding.margin else math.nan
    return 0.0 if math.isnan(reach) else reach


def _bias(finding: Finding) -> str:
    """Return a bias of a quarter of the patients' standard error or more, with what it does to a 95% interval."""
    size = abs(finding.standardised)
    if not _NOTED <= size < math.inf:
        return ""
    return f"off by {size:.2g} standard errors of the patients: a 95% interval covers {coverage_under(size):.0%}"


def amount_with_interval(finding: Finding) -> str:
    """Return the difference with its interval, on the scale of the margin."""
    if math.isnan(finding.difference):
        return significant(math.nan)
    value, lower, upper = (
        _amount(number, finding.scale) for number in (finding.difference, finding.lower, finding.upper)
    )
    return value if math.isnan(finding.lower) else f"{value} ({lower} to {upper})"


def quantity(finding: Finding) -> str:
    """Return the plain name of a quantity, followed in brackets by its statistical name."""
    plain = ESTIMANDS[finding.key].plain if finding.key in ESTIMANDS else ""
    return finding.estimand if finding.estimand.startswith(plain) else f"{plain} ({finding.estimand})"


def legend(findings: Iterable[Finding], *, of_paper: bool = False) -> str:
    """Return the meaning of the signs that these findings have."""
    shown = list(findings)
    signs = {SYMBOLS[finding.verdict] for finding in shown}
    meanings = [meaning for sign, meaning in _MEANING.items() if sign in signs]
    meaning = _CONSTRAINT_MEANING if of_paper else _CONSTRUCTED_MEANING
    marked = [meaning] if any(finding.constructed for finding in shown) else []
    return "; ".join([*meanings, *marked]) + "." if meanings else ""


def with_unit(value: float, unit: str) -> str:
    """Return a number with its unit."""
    return significant(value) + (f" {unit}" if unit and not math.isnan(value) else "")


def real_text(finding: Finding) -> str:
    """Return the real estimate with its unit; "not given" if it rests on one to four patients."""
    return "not given" if is_few(finding) else with_unit(finding.real, finding.unit)


def is_few(finding: Finding) -> bool:
    """Return whether a finding rests on one to four patients, whose own numbers are not shown."""
    return finding.n_real is None or 0 < finding.n_real < SMALL_COUNT


def _amount(value: float, scale: str) -> str:
    """Return a number on the scale of a margin as text: a percentage, a ratio, or a signed amount."""
    if scale == "relative":
        shown = f"{value:+.1%}"
        return "0.0%" if shown in ("+0.0%", "-0.0%") else shown
    if scale == "ratio":
        return f"{math.exp(value):.3g}"
    amount = significant(value, 3)
    return f"+{amount}" if value > 0 and amount != "0" else amount


def width_text(finding: Finding, *, of_paper: bool = False) -> str:
    """Return the margin of a finding as text."""
    if math.isnan(finding.margin):
        return "none"
    if finding.scale == "relative":
        return f"±{finding.margin:.1%} of the {'published' if of_paper else 'real'} value"
    return str(Margin(finding.scale, finding.margin))
