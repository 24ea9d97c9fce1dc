"""What the panel may hold, and what is left out because it says nothing or too much."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.structure.panel_analyses import ADJUSTED, CONTRAST, INTERACTION, KINDS, DrawnPanel, drawn_panel
from heorsynth.checks.structure.panel_columns import FEWEST, High, Level, values_of
from heorsynth.data.cohort.cohort import Cohort


@cache
def everything() -> DrawnPanel:
    trial, _ = hs.datasets.simulated_trial(300)
    return drawn_panel(trial, np.random.default_rng(1), most=3000)


def together(drawn: DrawnPanel) -> set[frozenset[str]]:
    """The pairs of an outcome and a column of its analysis."""
    return {
        frozenset((one.outcome.source, column.source))
        for one in drawn.analyses for term in one.terms for column in term
    }  # fmt: skip


def test_all_three_kinds_are_drawn_up_to_the_size_and_each_analysis_once() -> None:
    trial, _ = hs.datasets.simulated_trial(300)
    drawn = drawn_panel(trial, np.random.default_rng(1), most=60)
    kinds = Counter(one.kind for one in drawn.analyses)
    assert tuple(kinds) == KINDS and sum(kinds.values()) == 60 and min(kinds.values()) == 20
    assert len(set(drawn.analyses)) == 60 and len(drawn.models) == 60
    assert drawn_panel(trial, np.random.default_rng(1), most=60) == drawn
    assert drawn_panel(trial, np.random.default_rng(2), most=60) != drawn


def test_a_total_is_apart_from_its_parts_and_an_endpoint_from_its_follow_up() -> None:
    pairs = together(everything())
    for one, other in (("cost", "drug"), ("cost", "hospital"), ("os", "time"), ("os", "event")):
        assert frozenset((one, other)) not in pairs
    assert frozenset(("cost", "stage")) in pairs and frozenset(("os", "age")) in pairs


def test_treatment_by_covariate_is_asked_of_outcomes_and_not_of_covariates() -> None:
    found = [one for one in everything().analyses if one.kind == INTERACTION]
    assert {one.outcome.source for one in found} == {"cost", "drug", "hospital", "qaly", "os"}
    assert {one.terms[0][1].source for one in found} == {"age", "sex", "stage"}
    assert all(one.terms == (one.terms[0], (one.terms[0][0],), (one.terms[0][1],)) for one in found)


def test_an_adjusted_analysis_has_the_arm_and_two_or_three_other_columns() -> None:
    found = [one for one in everything().analyses if one.kind == ADJUSTED]
    for one in found:
        sources = {column.source for term in one.terms for column in term}
        assert "arm" in sources and 3 <= len(sources) <= 4 and one.outcome.source not in sources
    assert any(isinstance(one.outcome, Level) for one in found), "shares of levels are outcomes too"


def test_every_group_has_enough_patients() -> None:
    trial, _ = hs.datasets.simulated_trial(60)
    drawn = drawn_panel(trial, np.random.default_rng(1), most=3000)
    assert drawn.analyses
    for one in drawn.analyses:
        for column in (column for term in one.terms for column in term if isinstance(column, (High, Level))):
            held = np.array(values_of(trial, [one.outcome, column])).T
            known = held[np.isfinite(held).all(axis=1), 1]
            assert FEWEST <= known.sum() <= len(known) - FEWEST


def test_columns_of_which_one_determines_the_other_are_apart_declared_or_not() -> None:
    rng = np.random.default_rng(1)
    age = rng.uniform(40, 80, 120).round(1)
    frame = pd.DataFrame({
        "time": rng.exponential(5, 120).round(2) + 0.01, "event": [0, 1] * 60, "age": age, "months": 12 * age + 1,
        "band": pd.cut(age, [0, 50, 60, 99], labels=["a", "b", "c"]).astype(str), "score": age + rng.normal(0, 20, 120),
        "sex": list("fm") * 60, "woman": ["yes", "no"] * 60,
    })  # fmt: skip
    real = Cohort(frame, endpoints={"os": ("time", "event")}, bands={"old": ("age", (60,), ("no", "yes"))})
    pairs = together(drawn_panel(real, np.random.default_rng(1), most=3000))
    for one, other in (("age", "months"), ("age", "band"), ("age", "old"), ("sex", "woman")):
        assert frozenset((one, other)) not in pairs
    assert frozenset(("score", "band")) in pairs and frozenset(("score", "age")) in pairs


def test_the_id_of_a_patient_is_in_no_analysis() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({
        "patient": np.arange(80), "time": rng.exponential(5, 80) + 0.1, "event": [0, 1] * 40,
        "x": rng.normal(size=80), "y": rng.normal(size=80),
    })  # fmt: skip
    drawn = drawn_panel(Cohort(frame, endpoints={"os": ("time", "event")}, id="patient"), np.random.default_rng(1))
    assert drawn.analyses and {column.source for column in drawn.columns} <= {"os", "time", "event", "x", "y"}


@pytest.mark.parametrize("kind", [CONTRAST, ADJUSTED, INTERACTION])
def test_an_outcome_that_does_not_vary_in_a_group_has_no_analysis_there(kind: str) -> None:
    trial, _ = hs.datasets.simulated_trial(200)
    rows = trial.frame.drop(columns=["drug", "hospital"])
    rows.loc[rows["sex"] == "m", "cost"] = 0.0
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": "cost"}
    drawn = drawn_panel(Cohort(rows, **roles, utilities="qaly"), np.random.default_rng(1), most=3000)  # type: ignore[arg-type]
    found = [one for one in drawn.analyses if one.kind == kind]
    assert found
    for one in found:
        sources = {column.source for term in one.terms for column in term}
        assert not (one.outcome.source == "cost" and "sex" in sources)


def test_of_many_columns_those_with_a_role_and_some_at_random_are_analysed() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(60, 130)), columns=[f"x{place}" for place in range(130)])
    frame["cost"], frame["arm"] = rng.gamma(2, 100, 60), np.arange(60) % 2
    real = Cohort(frame, endpoints={}, arm="arm", costs="cost", currency="EUR")
    first, other = (drawn_panel(real, np.random.default_rng(seed)) for seed in (1, 2))
    used = [{column.source for column in drawn.columns} for drawn in (first, other)]
    assert first.told == "of 100 of 132 columns, drawn at random: " and len(used[0]) <= 100
    assert {"cost", "arm"} <= used[0] & used[1] and used[0] != used[1]
    assert len(first.analyses) == 300
    few = Cohort(frame[["cost", "arm", *frame.columns[:98]]], endpoints={}, arm="arm", costs="cost", currency="EUR")
    assert drawn_panel(few, np.random.default_rng(1)).told == ""
