"""Levels are those of the patients in every cohort, and what rests on a few patients is hidden."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.design import Design
from heorsynth.core.errors import NotEstimableError


def cohort(stages: str) -> hs.Cohort:
    n = len(stages)
    frame = pd.DataFrame({"time": np.arange(1.0, n + 1), "event": 1, "y": np.arange(n) % 7.0, "stage": list(stages)})
    return hs.Cohort(frame, endpoints={"os": ("time", "event")})


def design(stages: str, terms: str = "stage") -> tuple[Design, hs.Cohort]:
    real = cohort(stages)
    return Design.of(Analysis("a", model="ols", formula=f"y ~ {terms}").parsed, real), real


def test_a_lost_level_keeps_its_column_and_a_new_level_is_not_estimable() -> None:
    made, _ = design("a" * 10 + "b" * 10 + "c" * 10)
    assert made.focus(()) == ("stage[T.b]", "stage[T.c]")
    assert made.matrix(cohort("a" * 10 + "b" * 10))["stage[T.c]"].sum() == 0
    with pytest.raises(NotEstimableError, match="a level that no patient has"):
        made.matrix(cohort("a" * 10 + "d" * 10))


def test_a_level_of_four_patients_is_hidden_and_not_named() -> None:
    made, real = design("a" * 20 + "b" * 20 + "c" * 4)
    matrix = made.matrix(real)
    assert made.rare(matrix) == {"stage[T.c]"}
    assert made.shown(matrix)["stage[T.c]"] == "stage, rare level 1"


def test_a_reference_of_four_patients_hides_all_comparisons_with_it() -> None:
    made, real = design("a" * 4 + "b" * 20 + "c" * 20)
    assert made.rare(made.matrix(real)) == {"stage[T.b]", "stage[T.c]"}


def test_a_term_that_is_not_finite_is_not_estimable() -> None:
    made, real = design("a" * 10 + "b" * 10, "log(y)")
    with pytest.raises(NotEstimableError, match="finite"):
        made.matrix(real)
