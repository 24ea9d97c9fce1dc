"""The sizes that absolute margins of costs and utilities are compared with, from a table of six patients."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.estimand import Reference
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.costs import references
from heorsynth.checks.planning.catalogue import margin_for, vacuous
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.tally import Tally

SCHEMA = Schema({}, costs=("drugs", "stay", "none"), utilities=("start", "end"))
ROWS = pd.DataFrame({
    "drugs": [0.0, 20.0, 40.0, 60.0, 80.0, np.nan], "stay": [1000.0, 1000.0, 2000.0, 2000.0, 3000.0, 3000.0],
    "none": [np.nan] * 6, "start": [-0.5, -0.4, -0.6, -0.5, -0.5, -0.5], "end": [0.5, 0.7, 0.8, 0.9, 1.0, 0.9],
})  # fmt: skip
PATIENTS = Cohort.derive(SCHEMA, ROWS, label=None)


def sizes(reference: Reference, patients: Cohort | Tally = PATIENTS, **settings: object) -> list[float]:
    return list(reference.sizes(Margin("absolute", 1.0, settings), patients))


def test_the_mean_of_every_cost_that_is_known_or_of_the_one_that_is_named() -> None:
    assert sizes(references.OF_MEAN_COST) == pytest.approx([40.0, 2000.0])
    assert sizes(references.OF_MEAN_COST, cost="stay") == pytest.approx([2000.0])
    assert sizes(references.OF_MEAN_COST, cost="none") == []


def test_each_quantile_of_each_cost() -> None:
    assert sizes(references.OF_QUANTILE, quantile=[0.25, 0.5]) == pytest.approx([20.0, 40.0, 1250.0, 2000.0])
    assert sizes(references.OF_QUANTILE, quantile=0.75, cost="drugs") == pytest.approx([60.0])


def test_the_coefficient_of_variation_of_a_cost_whose_mean_is_above_nothing() -> None:
    assert sizes(references.OF_VARIATION, cost="drugs") == pytest.approx([math.sqrt(1000) / 40])
    free = Cohort.derive(SCHEMA, ROWS.assign(drugs=0.0), label=None)
    assert sizes(references.OF_VARIATION, free, cost="drugs") == []
    alone = Cohort.derive(SCHEMA, ROWS[:1].assign(drugs=5.0), label=None)
    assert sizes(references.OF_VARIATION, alone, cost="drugs") == [], "one patient has no spread"


def test_the_mean_utility_without_its_sign_by_the_name_of_a_utility_or_of_an_effect() -> None:
    assert sizes(references.OF_MEAN_UTILITY, utility=None) == pytest.approx([0.5, 0.8])
    assert sizes(references.OF_MEAN_UTILITY, utility="start") == pytest.approx([0.5])
    assert sizes(references.OF_MEAN_UTILITY, effect="end") == pytest.approx([0.8])


def test_mean_qalys_are_the_area_under_the_mean_utilities() -> None:
    """From 0.8 to -0.5 over two years: an area of 0.3."""
    settings = {"measures": ["end", "start"], "times": [0.0, 2.0], "rate": 0.0}
    assert sizes(references.OF_MEAN_QALY, **settings) == pytest.approx([0.3])
    assert sizes(references.OF_MEAN_QALY, **{**settings, "measures": ["start", "start"]}) == pytest.approx([1.0])
    unknown = Cohort.derive(SCHEMA, ROWS.assign(end=np.nan), label=None)
    assert sizes(references.OF_MEAN_QALY, unknown, **settings) == []


@pytest.mark.parametrize(
    ("reference", "settings"),
    [(references.OF_MEAN_COST, {}), (references.OF_QUANTILE, {"quantile": 0.5}), (references.OF_VARIATION, {}),
     (references.OF_MEAN_UTILITY, {"utility": None})],
)  # fmt: skip
def test_a_tally_has_the_same_sizes_as_the_rows(reference: Reference, settings: dict[str, object]) -> None:
    frame = ROWS.drop(columns="none")
    rows = Cohort.derive(Schema({}, costs=("drugs", "stay"), utilities=("start", "end")), frame, label=None)
    assert sizes(reference, Tally.of(rows), **settings) == pytest.approx(sizes(reference, rows, **settings))


@pytest.mark.parametrize(("width", "refused"), [(19.9, False), (20.0, True)])
def test_a_margin_of_half_the_smallest_mean_is_vacuous(width: float, refused: bool) -> None:
    problems = vacuous("costs.mean", margin_for("costs.mean", {"absolute": width}), PATIENTS)
    assert bool(problems) is refused
    assert all("half of the real mean" in problem.found and problem.fix == "give less than 20" for problem in problems)
