"""Tables of what was found: the verdict, finding by finding, and the margins with their reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from heorsynth.checks.estimands import ESTIMANDS
from heorsynth.checks.finding import LEVEL, NOT_ESTIMABLE, Finding, because
from heorsynth.checks.margin import Margin
from heorsynth.checks.purposes import PURPOSES
from heorsynth.core.display import Card
from heorsynth.core.estimate import significant
from heorsynth.data.cohort import SMALL_COUNT, small
from heorsynth.evidence.evidence import Evidence
from heorsynth.report.table import FOOTNOTE, Table

SYMBOLS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not estimable": "–", "fit": "✓", "not fit": "✗"}
"""A sign beside every verdict, so that no reader depends on its colour."""

HEADER = (
    "verdict",
    "estimand",
    "group",
    "real",
    "synthetic",
    f"difference ({LEVEL:.0%} interval)",
    "margin",
    "real patients",
    "remark",
)

MARGIN_COLUMNS = ("estimand", "what it is", "margin", "reason", "set by")


def verdict_table(evidence: Evidence, supporting: bool = False) -> Table:
    """The findings on which the verdict rests, worst first, each in the words of its margin.

    Parameters
    ----------
    evidence : Evidence      what was found
    supporting : bool        the findings beside them instead, which have no say in the verdict

    Returns
    -------
    Table      differences as a percentage of the real value, a ratio, or an amount, as the margin is written;
               `frame` has the columns of `Evidence.to_frame`
    """
    findings = [finding for finding in evidence.findings if finding.decisive is not supporting]
    title = (
        "Supporting findings: no say in the verdict" if supporting else "Decisive findings: the verdict rests on these"
    )
    decisive = [finding.decisive is not supporting for finding in evidence.findings]
    frame = evidence.to_frame()[pd.Series(decisive, dtype=bool)].reset_index(drop=True)
    note = FOOTNOTE if supporting else f"{evidence.sentence} {FOOTNOTE}"
    return Table(Card(title, HEADER, tuple(cells(finding) for finding in findings), note), frame)


def cells(finding: Finding) -> tuple[str, ...]:
    """A finding as the cells under `HEADER`."""
    named = f"{SYMBOLS[finding.verdict]}\N{NO-BREAK SPACE}{finding.verdict}" + (
        " (calibrated)" if finding.calibrated else ""
    )
    amounts = [_amount(number, finding.scale) for number in (finding.difference, finding.lower, finding.upper)]
    unknown, few = math.isnan(finding.difference), 0 < finding.n_real < SMALL_COUNT
    return (
        named,
        finding.estimand,
        finding.group,
        "not given" if few else _with_unit(finding.real, finding.unit),
        _with_unit(finding.synthetic, finding.unit),
        significant(math.nan) if unknown else f"{amounts[0]} ({amounts[1]} to {amounts[2]})",
        _width(finding),
        small(finding.n_real),
        _remark(finding),
    )


def _remark(finding: Finding) -> str:
    """Why, where the interval and the margin beside it do not say it already."""
    if finding.verdict == NOT_ESTIMABLE:
        return finding.because
    said = because(finding.verdict, finding.lower, finding.upper, Margin(finding.scale, finding.margin))
    return "" if finding.because == said else finding.because


def _with_unit(value: float, unit: str) -> str:
    return significant(value) + (f" {unit}" if unit and not math.isnan(value) else "")


def _amount(value: float, scale: str) -> str:
    """A number on a margin's scale as a reader expects it: a percentage, a ratio, or a signed amount."""
    if scale == "relative":
        return f"{value:+.1%}"
    return f"{math.exp(value):.3g}" if scale == "ratio" else ("+" if value > 0 else "") + significant(value, 3)


def _width(finding: Finding) -> str:
    if math.isnan(finding.margin):
        return "none"
    if finding.scale == "relative":
        return f"±{finding.margin:.1%} of the real value"
    return str(Margin(finding.scale, finding.margin))


def margins_table(declared: Mapping[str, Mapping[str, object]], evidence: Evidence) -> Table:
    """Every margin the findings were held against, with what it is of, its reason, and who set it.

    Parameters
    ----------
    declared : Mapping       the protocol's own margins, such as ``{"survival.rmst": {"relative": 0.05}}``
    evidence : Evidence      what was found; quantities that were not declared have their purpose's default

    Returns
    -------
    Table                    `frame`: estimand, what it is, margin, reason, set by
    """
    purpose = PURPOSES.get(evidence.purpose)
    asked = () if purpose is None else (*purpose.decisive, *purpose.supporting)
    defaults = {item.key: {**item.margin, "reason": item.reason} for item in asked}
    rows = []
    for key in dict.fromkeys(finding.key for finding in evidence.findings if finding.key):
        margin = declared.get(key, defaults.get(key, {}))
        settings = {name: value for name, value in margin.items() if name not in ("reason", "amended")}
        shown = plain(settings) + (" (amended)" if margin.get("amended") else "")
        what = ESTIMANDS[key].what if key in ESTIMANDS else ""
        reason = str(margin.get("reason") or "no reason was given")
        rows.append((key, what, shown, reason, "protocol" if key in declared else "default of the purpose"))
    card = Card("Margins and their reasons", MARGIN_COLUMNS, tuple(rows), FOOTNOTE)
    return Table(card, pd.DataFrame(rows, columns=list(MARGIN_COLUMNS)))


def plain(value: object) -> str:
    """Settings in one line, without braces.

    Examples
    --------
    >>> plain({"relative": 0.05, "horizon": 3650}), plain({"ratio": [0.8, 1.25]})
    ('relative: 0.05, horizon: 3650', 'ratio: 0.8 to 1.25')
    """
    if isinstance(value, Mapping):
        told = {key: plain(item).replace(", ", " to " if key == "ratio" else ", ") for key, item in value.items()}
        return ", ".join(f"{key}: {told[key]}" for key, item in value.items() if item is not None) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
