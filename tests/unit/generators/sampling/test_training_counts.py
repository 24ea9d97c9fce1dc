"""Training patients counted by cells of arm and subgroup levels."""

from __future__ import annotations

import pandas as pd
import pytest

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.sampling.training_counts import TrainingCounts

CELLS = {("new", "f", "I"): 4, ("new", "m", "I"): 1, ("usual", "f", "II"): 3, ("usual", "f", "I"): 2}
"""Of ten patients: arm, sex and stage."""

LEARNT = {("new", "f", "I"): 2, ("usual", "f", "II"): 1}

ROWS = pd.DataFrame([cell for cell, count in CELLS.items() for _ in range(count)], columns=["arm", "sex", "stage"])


def counts(learnt: dict[tuple[str, ...], int] | None = None, **roles: object) -> TrainingCounts:
    schema = Schema({}, **{"arm": "arm", "subgroups": ("sex", "stage"), **roles})  # type: ignore[arg-type]
    return TrainingCounts(Domain.of(Cohort.derive(schema, ROWS, label=None)), CELLS, learnt or {})


def test_all_patients_of_the_source_are_learnt_from_unless_a_sample_was_used() -> None:
    assert (counts().n_source, counts().n_learnt) == (10, 10)
    assert (counts(LEARNT).n_source, counts(LEARNT).n_learnt) == (10, 3)


def test_shares_are_of_the_source_over_all_arms_in_the_order_of_levels() -> None:
    expected = {("f", "I"): 0.6, ("f", "II"): 0.3, ("m", "I"): 0.1}
    for one in (counts(), counts(LEARNT)):
        assert one.shares == pytest.approx(expected) and list(one.shares) == list(expected)


def test_an_arm_that_is_a_subgroup_too_is_counted_once() -> None:
    both = counts(subgroups=("arm", "sex", "stage"))
    assert both.domain.schema.strata == ("arm", "sex", "stage")
    assert both.shares[("usual", "f", "II")] == pytest.approx(0.3) and len(both.shares) == 4


@pytest.mark.parametrize(
    ("levels", "of_all", "of_sample"),
    [
        ({}, 10, 3),
        ({"arm": "new"}, 5, 2),
        ({"stage": "I"}, 7, 2),
        ({"arm": "usual", "sex": "f"}, 5, 1),
        ({"stage": "II", "sex": "f", "arm": "usual"}, 3, 1),
        ({"arm": "usual", "sex": "m"}, 0, 0),
        ({"sex": "unknown"}, 0, 0),
    ],
)
def test_patients_with_these_levels_are_counted_among_those_learnt_from(
    levels: dict[str, str], of_all: int, of_sample: int
) -> None:
    assert counts().n_with(levels) == of_all
    assert counts(LEARNT).n_with(levels) == of_sample


def test_a_level_is_looked_up_in_its_own_column() -> None:
    same = {("I", "II"): 3, ("II", "I"): 5}
    frame = pd.DataFrame({"first": ["I"] * 3 + ["II"] * 5, "second": ["II"] * 3 + ["I"] * 5})
    schema = Schema({}, subgroups=("first", "second"))
    found = TrainingCounts(Domain.of(Cohort.derive(schema, frame, label=None)), same, {})
    assert (found.n_with({"first": "I"}), found.n_with({"second": "I"})) == (3, 5)
    assert found.shares == {("I", "II"): 3 / 8, ("II", "I"): 5 / 8}
