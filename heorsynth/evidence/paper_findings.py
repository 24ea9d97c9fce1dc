"""Findings on the survival facts of a paper: curves, numbers at risk, events, medians and hazard ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, SUBGROUP
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.survival.estimands import EVENTS, FOLLOW_UP, HAZARD_RATIO, KM_GAP, MEDIAN, RMST, RMST_DIFFERENCE
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.estimators.survival.estimates import kaplan_meier
from heorsynth.estimators.survival.summaries import curve_quantile, restricted_mean
from heorsynth.evidence.paper_questions import Asking, Stated, of_arm
from heorsynth.published.covariates.threshold import above_or_below, is_threshold
from heorsynth.published.schema.document import RatioSection
from heorsynth.published.schema.facts import Fact, ratio_name
from heorsynth.published.trial.reference import ClickedCurve

_NOT_REACHED = Margin("absolute", 0.2, reason="a median that is not reached in four of five cohorts is not reached")


def survival_findings(asking: Asking) -> list[Finding]:
    """Return the findings on every endpoint of the trial, and on what the paper determines of each quantity."""
    found: list[Finding] = []
    for endpoint in asking.trial.options.endpoints:
        facts = {one.fact: one for one in asking.trial.facts if one.endpoint == endpoint}
        curves = asking.trial.clicked(endpoint)
        found += _of_curves(asking, endpoint, curves, facts)
        found += _of_at_risk(asking, endpoint, facts)
        found += _of_events(asking, endpoint, facts)
        found += _of_medians(asking, endpoint, facts)
        found += _of_ratios(asking, endpoint, facts)
        found += _determined(asking, endpoint, curves)
    return found


def _rows_of(cohort: Cohort, endpoint: str, levels: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return times and events of the patients with these levels, such as ``{"arm": "drug"}`` or ``{"age": "<65"}``."""
    time, event, _ = cohort.outcome(endpoint)
    kept = np.ones(cohort.n, dtype=bool)
    for column, level in levels.items():
        own = cohort.rows[column]
        is_cut = pd.api.types.is_numeric_dtype(own) and is_threshold(level)
        kept &= above_or_below(level, own.to_numpy(float)) if is_cut else own.astype(str).to_numpy() == level
    return time[kept], event[kept]


def _horizon(margin: Margin, curves: dict[str, ClickedCurve]) -> float:
    """The declared horizon, else the end of the shortest curve."""
    declared = margin.settings.get("horizon")
    return min(one.last for one in curves.values()) if declared is None else float(declared)  # type: ignore[arg-type]


def _mean_to(cohort: Cohort, endpoint: str, arm: str, horizon: float) -> float:
    return restricted_mean(kaplan_meier(*_rows_of(cohort, endpoint, {"arm": arm})), horizon).value


def _of_curves(
    asking: Asking, endpoint: str, curves: dict[str, ClickedCurve], facts: dict[str, Fact]
) -> Iterator[Finding]:
    unit = asking.trial.schema.unit
    for arm, curve in curves.items():
        stated = Stated.of(facts[f"{endpoint}.curve.{arm}"])
        about = {"endpoint": endpoint, "n_real": asking.patients(arm)}

        def gap(cohort: Cohort, arm: str = arm, curve: ClickedCurve = curve) -> float:
            return curve.gap(*_rows_of(cohort, endpoint, {"arm": arm}))

        if (margin := asking.margin(KM_GAP, endpoint)) is not None:
            label = f"largest distance of curves of {endpoint} from the clicked points"
            yield asking.distance(KM_GAP, label, of_arm(arm), stated, gap, margin, **about)
        if (margin := asking.margin(RMST, endpoint)) is not None:
            horizon = _horizon(margin, curves)
            if horizon > curve.last * (1 + 1e-9):
                label = f"rmst of {endpoint} to {significant(horizon)} {unit}"
                question = asking.question(RMST, label, of_arm(arm), margin, stated.place, **about)
                yield question.refuse(f"the published curve ends at {significant(curve.last)} {unit}")
                continue
            area = replace(stated, value=curve.area(horizon))
            label = f"rmst of {endpoint} to {significant(horizon)} {unit}"
            estimate = partial(_mean_to, endpoint=endpoint, arm=arm, horizon=horizon)
            yield asking.faithful(RMST, label, of_arm(arm), area, estimate, margin, unit=unit, **about)


def _of_at_risk(asking: Asking, endpoint: str, facts: dict[str, Fact]) -> Iterator[Finding]:
    margin = asking.margin(FOLLOW_UP, endpoint)
    table = asking.trial.paper.data[endpoint].at_risk
    if margin is None or table.empty:
        return
    first = next(one for one in facts.values() if one.kind == "at risk")
    for arm, time, count in zip(table["arm"], table["time"], table["at_risk"], strict=True):
        if arm not in asking.trial.arms:
            continue
        n = asking.patients(arm)
        fact = facts.get(f"{endpoint}.at_risk.{arm}.{time:g}", first)
        stated = replace(Stated.of(fact), value=count / n, rounding=0.0)

        def share(cohort: Cohort, arm: str = arm, time: float = time) -> float:
            return float(np.mean(_rows_of(cohort, endpoint, {"arm": arm})[0] >= time * (1 - 1e-12)))

        label = f"share at risk for {endpoint} at {significant(time)} {asking.trial.schema.unit}"
        about = {"endpoint": endpoint, "n_real": n}
        yield asking.faithful(FOLLOW_UP, label, of_arm(arm), stated, share, margin, **about)


def _of_events(asking: Asking, endpoint: str, facts: dict[str, Fact]) -> Iterator[Finding]:
    margin = asking.margin(EVENTS, endpoint)
    for fact in facts.values():
        if margin is None or fact.kind != "events" or fact.arm not in asking.trial.arms:
            continue
        n = asking.patients(fact.arm)

        def share(cohort: Cohort, arm: str = fact.arm) -> float:
            return float(np.mean(_rows_of(cohort, endpoint, {"arm": arm})[1] == 1))

        about = {"endpoint": endpoint, "n_real": n}
        stated = replace(Stated.of(fact), value=fact.value / n)
        yield asking.faithful(
            EVENTS, f"share with the event {endpoint}", of_arm(fact.arm), stated, share, margin, **about
        )


def _median(cohort: Cohort, endpoint: str, arm: str) -> float:
    return curve_quantile(kaplan_meier(*_rows_of(cohort, endpoint, {"arm": arm})), 0.5).value


def _not_reached(cohort: Cohort, endpoint: str, arm: str) -> bool:
    try:
        return not math.isfinite(_median(cohort, endpoint, arm))
    except NotEstimableError:
        return True


def _of_medians(asking: Asking, endpoint: str, facts: dict[str, Fact]) -> Iterator[Finding]:
    margin = asking.margin(MEDIAN, endpoint)
    for fact in facts.values():
        if margin is None or fact.kind != "median" or fact.arm not in asking.trial.arms:
            continue
        about = {"endpoint": endpoint, "n_real": asking.patients(fact.arm)}
        group, stated = of_arm(fact.arm), Stated.of(fact)
        if math.isinf(fact.value):
            label = f"median of {endpoint} is not reached (share of the cohorts)"
            kept = partial(_not_reached, endpoint=endpoint, arm=fact.arm)
            yield asking.agreement(MEDIAN, label, group, stated, kept, _NOT_REACHED, **about)
            continue
        estimate, unit = partial(_median, endpoint=endpoint, arm=fact.arm), asking.trial.schema.unit
        yield asking.faithful(MEDIAN, f"median of {endpoint}", group, stated, estimate, margin, unit=unit, **about)


def _ratio(
    cohort: Cohort, endpoint: str, arm: str, reference: str, levels: Mapping[str, str] = MappingProxyType({})
) -> float:
    parts = [_rows_of(cohort, endpoint, {**levels, "arm": one}) for one in (reference, arm)]
    time, event = (np.concatenate(both) for both in zip(*parts, strict=True))
    treated = np.repeat([False, True], [len(part[0]) for part in parts])
    return math.exp(hazard_ratio_of_rows(time, event == 1, treated).value)


def _of_ratios(asking: Asking, endpoint: str, facts: dict[str, Fact]) -> Iterator[Finding]:
    margin = asking.margin(HAZARD_RATIO, endpoint)
    section = asking.trial.paper.document.endpoints[endpoint]
    for ratio in section.hazard_ratios if margin is not None else ():
        if not {ratio.arm, ratio.reference} <= set(asking.trial.arms) or not _has(asking, ratio):
            continue
        assert margin is not None
        label = f"hazard ratio of {endpoint}" + (", adjusted in the paper" if ratio.adjusted else "")
        pair = f"arm={ratio.arm} vs {ratio.reference}"
        parts = ", ".join(f"{name}={level}" for name, level in ratio.subgroup.items())
        group = (f"{pair}, {parts}", SUBGROUP) if parts else (pair, ALL)
        estimate = partial(_ratio, endpoint=endpoint, arm=ratio.arm, reference=ratio.reference, levels=ratio.subgroup)
        stated = Stated.of(facts[ratio_name(endpoint, ratio)])
        about = {"endpoint": endpoint, "supports": ratio.adjusted, "n_real": _patients(asking, ratio)}
        yield asking.faithful(HAZARD_RATIO, label, group, stated, estimate, margin, **about)


def _has(asking: Asking, ratio: RatioSection) -> bool:
    """Whether the cohorts have the columns of a subgroup."""
    return set(ratio.subgroup) <= set(map(str, asking.cohorts[0].frame.columns))


def _patients(asking: Asking, ratio: RatioSection) -> int:
    if ratio.subgroup and set(ratio.n) < {ratio.arm, ratio.reference}:
        endpoint = asking.trial.options.endpoints[0]
        return sum(len(_rows_of(asking.cohorts[0], endpoint, {**ratio.subgroup, "arm": arm})[0])
                   for arm in (ratio.arm, ratio.reference))  # fmt: skip
    return sum(ratio.n.values()) if ratio.subgroup else asking.patients(ratio.arm, ratio.reference)


def _determined(asking: Asking, endpoint: str, curves: dict[str, ClickedCurve]) -> Iterator[Finding]:
    """Whether the paper determines restricted means, medians, hazard ratios and gains to the margins."""
    trial, unit = asking.trial, asking.trial.schema.unit
    others = [arm for arm in trial.arms if arm != trial.reference]
    if (margin := asking.margin(HAZARD_RATIO, endpoint)) is not None:
        for arm in others:
            about = {"endpoint": endpoint, "n_real": asking.patients(arm, trial.reference)}
            pair = (f"arm={arm} vs {trial.reference}", ALL)
            estimate = partial(_ratio, endpoint=endpoint, arm=arm, reference=trial.reference)
            yield asking.sufficient(HAZARD_RATIO, f"hazard ratio of {endpoint}", pair, estimate, margin, **about)
    if (margin := asking.margin(RMST, endpoint)) is not None:
        horizon = min(_horizon(margin, curves), *(one.last for one in curves.values()))
        for arm in trial.arms:
            about = {"endpoint": endpoint, "n_real": asking.patients(arm), "unit": unit}
            label = f"rmst of {endpoint} to {significant(horizon)} {unit}"
            estimate = partial(_mean_to, endpoint=endpoint, arm=arm, horizon=horizon)
            yield asking.sufficient(RMST, label, of_arm(arm), estimate, margin, **about)
    if (margin := asking.margin(MEDIAN, endpoint)) is not None:
        for arm in trial.arms:
            estimate = partial(_median, endpoint=endpoint, arm=arm)
            if asking.values(estimate)[1]:
                continue  # a curve that does not reach one half has no median to determine
            about = {"endpoint": endpoint, "n_real": asking.patients(arm), "unit": unit}
            yield asking.sufficient(MEDIAN, f"median of {endpoint}", of_arm(arm), estimate, margin, **about)
    if (margin := asking.margin(RMST_DIFFERENCE, endpoint)) is not None:
        yield from _gains(asking, endpoint, curves, margin, others)


def _gains(
    asking: Asking, endpoint: str, curves: dict[str, ClickedCurve], margin: Margin, others: list[str]
) -> Iterator[Finding]:
    """The gain of each arm in restricted mean; its margin is a share of the horizon."""
    trial, unit = asking.trial, asking.trial.schema.unit
    horizon = min(_horizon(margin, curves), *(one.last for one in curves.values()))
    for arm in others:

        def gain(cohort: Cohort, arm: str = arm) -> float:
            usual = _mean_to(cohort, endpoint, trial.reference, horizon)
            return _mean_to(cohort, endpoint, arm, horizon) - usual

        label = f"rmst difference of {endpoint} to {significant(horizon)} {unit}"
        about = {"endpoint": endpoint, "n_real": asking.patients(arm, trial.reference), "unit": unit}
        pair = (f"arm={arm} vs {trial.reference}", ALL)
        yield asking.sufficient(RMST_DIFFERENCE, label, pair, gain, margin.resolved(horizon), **about)
