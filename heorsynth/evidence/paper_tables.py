"""Findings on Table 1 of a paper, for the columns that its cohorts have, and what is not compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from heorsynth.checks.core.finding import LEVEL, Finding
from heorsynth.checks.core.groups import SUBGROUP
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.structure.characteristics import spread_of_share
from heorsynth.checks.structure.estimands import CHARACTERISTICS
from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.paper_questions import Asking, Stated, of_arm
from heorsynth.published.covariates.published_cohorts import PublishedCohorts
from heorsynth.published.schema.document import CharacteristicSection, MomentsSection
from heorsynth.published.schema.facts import Fact

_IQR_OF_NORMAL = 1.349
"""Width between the quartiles of a normal law, in standard deviations."""

_COMPARED = ("arm", "curve", "at risk", "events", "median", "hazard ratio")
"""Kinds of fact that need no further column of the cohorts."""

_OF_COLUMNS = ("table 1", "cost", "utility")
"""Kinds of fact on a column, whose name is the second part of that of the fact."""


def table_findings(asking: Asking) -> list[Finding]:
    """Return the findings on means, standard deviations, medians and shares of Table 1, costs and utilities, by arm."""
    margin, document = asking.margin(CHARACTERISTICS), asking.trial.paper.document
    if margin is None:
        return []
    facts = {one.fact: one for one in asking.trial.facts}
    found: list[Finding] = []
    for name, row in (document.table1.characteristics if document.table1 is not None else {}).items():
        if name in asking.cohorts[0].frame.columns:
            found += _of_moments(asking, f"table1.{name}", row.arms, margin, facts)
            found += _of_levels(asking, name, row, margin, facts)
    for kind, block in (("cost", document.costs), ("utility", document.utilities)):
        for name, amounts in block.items():
            if name in asking.cohorts[0].frame.columns:
                found += _of_moments(asking, f"{kind}.{name}", amounts.arms, margin, facts)
    return found


def _of_moments(
    asking: Asking, base: str, arms: Mapping[str, MomentsSection], margin: Margin, facts: dict[str, Fact]
) -> Iterator[Finding]:
    name = base.partition(".")[2]
    for arm, moments in arms.items():
        spread = _spread(moments)
        for what in ("mean", "sd", "median"):
            fact = facts.get(f"{base}.{what}.{arm}")
            if fact is None or arm not in asking.trial.arms:
                continue
            label, about = f"{what} of {name}", {"column": name, "unit": fact.unit, "n_real": asking.patients(arm)}
            if spread is None:
                question = asking.question(CHARACTERISTICS, label, of_arm(arm), margin, fact.place, **about)
                yield question.refuse("the paper states neither a standard deviation nor quartiles", real=fact.value)
                continue
            estimate = partial(_moment, name=name, arm=arm, what=what)
            scaled = replace(margin, width=margin.width * spread)
            yield asking.faithful(CHARACTERISTICS, label, of_arm(arm), Stated.of(fact), estimate, scaled, **about)


def _spread(moments: MomentsSection) -> float | None:
    """The standard deviation, else that of a normal law with these quartiles; None where neither is stated."""
    if moments.sd is not None and moments.sd.value > 0:
        return moments.sd.value
    if moments.iqr is not None and moments.iqr[1].value > moments.iqr[0].value:
        return (moments.iqr[1].value - moments.iqr[0].value) / _IQR_OF_NORMAL
    return None


def _moment(cohort: Cohort, name: str, arm: str, what: str) -> float:
    values = cohort.numbers(name)[cohort.frame["arm"].astype(str).to_numpy() == arm]
    known = values[np.isfinite(values)]
    if len(known) < 2:
        raise NotEstimableError("fewer than two known values")
    if what == "sd":
        return float(np.std(known, ddof=1))
    return float(np.mean(known) if what == "mean" else np.median(known))


def _of_levels(
    asking: Asking, name: str, row: CharacteristicSection, margin: Margin, facts: dict[str, Fact]
) -> Iterator[Finding]:
    for level, cells in row.levels.items():
        for arm, cell in cells.items():
            if arm not in asking.trial.arms:
                continue
            base, n = f"table1.{name}.{level}", asking.patients(arm)
            if cell.n is not None:
                stated = replace(Stated.of(facts[f"{base}.n.{arm}"]), value=cell.n / n)
            else:
                percent = Stated.of(facts[f"{base}.percent.{arm}"])
                stated = replace(percent, value=percent.value / 100, rounding=percent.rounding / 100)

            def share(cohort: Cohort, arm: str = arm, level: str = level) -> float:
                of_arm_ = cohort.frame["arm"].astype(str).to_numpy() == arm
                return float(np.mean(cohort.frame[name].astype(str).to_numpy()[of_arm_] == level))

            scaled = replace(margin, width=margin.width * spread_of_share(min(max(stated.value, 0.0), 1.0)))
            about = {"column": name, "n_real": n}
            yield asking.faithful(
                CHARACTERISTICS, f"share of {name}={level}", of_arm(arm), stated, share, scaled, **about
            )


def not_compared(asking: Asking, findings: list[Finding]) -> tuple[str, ...]:
    """Return a note on the facts that no finding compares: their columns are not in the cohorts, or correlations."""
    columns = set(map(str, asking.cohorts[0].frame.columns))
    left: Counter[str] = Counter()
    for one in asking.trial.facts:
        column = one.fact.split(".")[1] if one.kind in _OF_COLUMNS else ""
        if one.subgroup or one.kind not in (*_COMPARED, *_OF_COLUMNS) or (column and column not in columns):
            left["hazard ratio of a subgroup" if one.subgroup else one.kind] += 1
    if any(one.kind == SUBGROUP for one in findings):
        left.pop("hazard ratio of a subgroup", None)
    if not left:
        return ()
    told = ", ".join(f"{kind} ({counted(n, 'fact')})" for kind, n in left.items())
    return (f"Not compared with the cohorts: {told}.",)


def not_determined(cohorts: Sequence[Cohort]) -> tuple[str, ...]:
    """Return notes on what the paper leaves open of the characteristics, and on facts that the cohorts do not meet."""
    if not isinstance(cohorts, PublishedCohorts):
        return ()
    open_, prior = cohorts.not_determined, cohorts.prior
    listed = "; ".join(
        f"{quantity} ({', '.join(own['of'])})" for quantity, own in open_.groupby("quantity", sort=False)
    )
    told = f"correlation {prior.correlation:g}, effect {prior.effect:g}, interaction {prior.interaction:g}"
    notes = [f"Not determined by the paper, drawn from the prior ({told}): {listed}. No analysis can learn them."]
    table = cohorts.estimands(level=LEVEL)
    for row in table[table["estimand"] == "adjusted_hazard_ratio"].dropna(subset=["value"]).to_dict("records"):
        ends = f"{significant(row['low'])} to {significant(row['high'])}"
        notes.append(
            f"Hazard ratio of {row['arm']}, adjusted for Table 1: {significant(row['value'])} ({ends}); "
            f"{row['prior_in_interval']:.0%} of this interval is the prior's."
        )
    unused = cohorts[0].label.settings.get("not_used") if cohorts[0].label is not None else None
    notes += [f"Not used: {'; '.join(map(str, unused))}."] if isinstance(unused, list) and unused else []
    return tuple(notes)
