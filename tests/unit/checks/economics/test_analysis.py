"""The adjusted analysis of a cohort: what it reads, refuses and leaves out, and the reversal that it finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, NOT_ESTIMABLE, PASS, Finding
from heorsynth.checks.economics.analysis import Analysis, analysis_of, covariate, imputations, names_in, rows_of
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.core.errors import NotEstimableError, RoleError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.economics.regression import adjusted_means

SCHEMA = Schema({}, arm="arm", arm_reference="usual", costs=("cost",), utilities=("qaly",), subgroups=("sex",))
PLAIN = Analysis(("usual", "new"), ("cost",), "qaly")


def trial(seed: int, n: int = 600, linked: bool = True) -> pd.DataFrame:
    """Baseline utility is 0.05 higher in the new arm, by chance. A gain of 0.01 QALY costs 400: at 20,000 not worth it.

    Without the link to baseline utility the unadjusted gain is the same, 0.055, and so is its variance.
    """
    rng = np.random.default_rng(seed)
    new = np.repeat([True, False], n // 2)
    u0 = rng.normal(0, 0.15, n)
    for part, centre in ((new, 0.625), (~new, 0.575)):
        u0[part] += centre - u0[part].mean()
    noise = rng.normal(0, 1, n)
    linear = 0.9 * (u0 - 0.6) + 0.05 * noise if linked else 0.045 * new + 0.144 * noise
    frame = pd.DataFrame({"arm": np.where(new, "new", "usual"), "u0": u0, "age": rng.normal(60, 10, n)})
    frame["sex"] = np.resize(["f", "m"], n)
    frame["qaly"] = 0.6 + 0.01 * new + linear
    frame["cost"] = 2000 + 400 * new + rng.gamma(4, 100, n)
    return frame


def cohort(frame: pd.DataFrame, schema: Schema = SCHEMA) -> Cohort:
    return Cohort.derive(schema, frame, label=None)


def asked(key: str, real: Cohort, synthetic: Sequence[Cohort], **settings: object) -> Finding:
    width = {"economics.inmb": 500.0}.get(key, 0.05)
    margins = {key: margin_for(key, {"absolute": width}, {"wtp": (20_000.0,), **settings})}
    return registry.findings("economics", real, synthetic, margins, np.random.default_rng(1))[0]


def test_a_reversal_that_only_the_adjusted_evaluation_shows_is_found() -> None:
    real, cut = cohort(trial(1)), [cohort(trial(50 + part, linked=False)) for part in range(12)]
    plain, adjusted = (asked("economics.pooled_decision", real, cut, **how) for how in ({}, {"baseline": "u0"}))
    assert (plain.verdict, adjusted.verdict) == (PASS, FAIL)
    unadjusted, corrected = (asked("economics.inmb", real, cut, **how) for how in ({}, {"baseline": "u0"}))
    assert abs(unadjusted.difference) < 0.5 * unadjusted.margin
    assert corrected.difference > corrected.margin
    assert corrected.real < 0 < corrected.synthetic
    assert corrected.estimand == "INMB at 20,000 per QALY, adjusted for u0"
    assert unadjusted.estimand == "INMB at 20,000 per QALY"


def test_a_copy_that_keeps_the_link_agrees_when_adjusted() -> None:
    real = cohort(trial(1))
    kept = [cohort(trial(50 + part)) for part in range(12)]
    found = asked("economics.inmb", real, kept, baseline="u0", adjust=("age", "sex"))
    assert abs(found.difference) < 0.5 * found.margin
    assert found.estimand.endswith("adjusted for u0, age, sex")


@pytest.mark.parametrize("key", ["economics.incremental_cost", "economics.incremental_qaly", "economics.ceac",
                                 "economics.decision_agreement"])  # fmt: skip
def test_every_economic_finding_is_that_of_the_adjusted_analysis_and_says_so(key: str) -> None:
    real = cohort(trial(1))
    found = asked(key, real, [cohort(trial(9))], adjust=("u0",), cluster="age")
    assert found.estimand.endswith(", adjusted for u0, clustered by age")
    frame = real.rows
    outcome = frame["cost"].to_numpy(), frame["qaly"].to_numpy(), (frame["arm"] == "new").to_numpy().astype(int), 2
    u0 = frame["u0"].to_numpy()
    expected = adjusted_means(*outcome, u0, u0, real.levels("age")).increments(1)
    values = {"economics.incremental_cost": expected.cost, "economics.incremental_qaly": expected.effect}
    assert found.real == pytest.approx(values.get(key, found.real))
    assert found.verdict != NOT_ESTIMABLE


def test_within_a_subgroup_its_own_column_is_no_covariate() -> None:
    frame = trial(2)
    women = cohort(frame[frame["sex"] == "f"].reset_index(drop=True))
    both = Analysis(**{**vars(PLAIN), "adjust": ("sex", "u0")}).of(women, np.random.default_rng(1))
    one = Analysis(**{**vars(PLAIN), "adjust": ("u0",)}).of(women, np.random.default_rng(1))
    assert both.means == pytest.approx(one.means)


def test_a_number_that_is_a_code_enters_as_levels() -> None:
    frame = pd.DataFrame({"arm": list("abab"), "site": [1, 2, 3, 3]})
    schema = Schema({}, arm="arm", subgroups=("site",))
    assert covariate(cohort(frame, schema), "site").tolist() == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    assert covariate(cohort(frame, Schema({}, arm="arm")), "site").ravel().tolist() == [1, 2, 3, 3]


def test_a_copy_without_the_covariate_is_not_estimable() -> None:
    real = cohort(trial(1))
    found = asked("economics.inmb", real, [cohort(trial(2).drop(columns="u0"))], baseline="u0")
    assert found.verdict == NOT_ESTIMABLE and "there is no column 'u0'" in found.because


def test_missing_outcomes_are_imputed_alike_whatever_the_order_of_the_questions() -> None:
    frame = trial(3, n=80)
    frame.loc[::7, "qaly"] = np.nan
    real, drawn = cohort(frame), [cohort(trial(4, n=80))]
    settings = {"baseline": "u0", "impute": 2}
    alone = asked("economics.inmb", real, drawn, **settings)
    keys = ("economics.incremental_qaly", "economics.inmb")
    margins = {key: margin_for(key, {"absolute": 500.0 if key.endswith("inmb") else 0.05},
                               {"wtp": (20_000.0,), **settings}) for key in keys}  # fmt: skip
    after = registry.findings("economics", real, drawn, margins, np.random.default_rng(1))
    again = next(one for one in after if one.key == "economics.inmb" and one.kind == "all")
    assert again.real == alone.real and alone.estimand.endswith("adjusted for u0, missing values imputed")


@pytest.mark.parametrize(
    ("settings", "role", "found"),
    [
        ({"baseline": "uo"}, "baseline", "no column 'uo'"),
        ({"baseline": "sex"}, "baseline", "'sex' is not a number"),
        ({"adjust": ("qaly",)}, "adjust", "'qaly' is an outcome or the arm, or the id"),
        ({"adjust": ("cost",)}, "adjust", "'cost' is an outcome or the arm, or the id"),
        ({"cluster": "arm"}, "cluster", "'arm' is an outcome or the arm, or the id"),
        ({"adjust": ("age",), "cluster": "age"}, "adjust", "'age' is the cluster"),
    ],
)
def test_impossible_columns_are_refused(settings: dict[str, object], role: str, found: str) -> None:
    analysis = analysis_of(("usual", "new"), ("cost",), "qaly", settings)
    assert analysis is not None
    (problem,) = analysis.problems(cohort(trial(1)))
    assert (problem.where, problem.found) == (role, found) and problem.fix


def test_an_unknown_covariate_gets_the_nearest_name() -> None:
    analysis = analysis_of(("usual", "new"), ("cost",), "qaly", {"adjust": ["aeg"]})
    assert analysis is not None and "'age'" in analysis.problems(cohort(trial(1)))[0].fix


def test_patients_without_a_covariate_are_counted_and_left_out() -> None:
    frame = trial(1)
    frame.loc[:11, "u0"] = np.nan
    frame.loc[:1, "qaly"] = np.nan
    analysis = Analysis(("usual", "new"), ("cost",), "qaly", baseline="u0")
    assert analysis.left_out(cohort(frame)) == 10
    assert analysis.of(cohort(frame), np.random.default_rng(1)).n_used == 588


@pytest.mark.parametrize(
    ("declared", "number"), [(None, None), (False, None), ("complete", None), (True, 20), ("impute", 20), (5, 5)]
)
def test_impute_is_a_choice_or_a_number(declared: object, number: int | None) -> None:
    assert imputations(declared) == number


@pytest.mark.parametrize("declared", [1, 0, "mean", 2.5, [5]])
def test_another_way_to_impute_is_refused(declared: object) -> None:
    with pytest.raises(RoleError, match="not a method for missing values"):
        imputations(declared)


def test_names_are_a_column_or_a_list() -> None:
    assert names_in("adjust", "age") == ("age",) and names_in("adjust", ["age", "sex", "age"]) == ("age", "sex")
    with pytest.raises(RoleError, match="expected a list of columns"):
        names_in("adjust", {"age": 1})


def test_counts_cannot_be_adjusted() -> None:
    with pytest.raises(NotEstimableError, match="needs rows"):
        rows_of(Tally.of(cohort(trial(1))))


def test_an_analysis_without_settings_is_plain() -> None:
    assert PLAIN.plain and PLAIN.told == "" and analysis_of(PLAIN.arms, PLAIN.costs, PLAIN.effect, {}) is None
