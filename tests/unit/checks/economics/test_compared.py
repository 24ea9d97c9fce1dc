"""Arms evaluated once in each cohort, and questions at a threshold."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import NO_THRESHOLD, NOT_ESTIMABLE
from heorsynth.checks.core.groups import ALL, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.economics.arms import Evaluation
from heorsynth.checks.economics.compared import DECLARE_THRESHOLD, Compared, Options, Pair
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.core.errors import NotEstimableError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema

SCHEMA = Schema({}, arm="arm", arm_reference="B", costs=("cost",), utilities=("qaly",))


def evaluation(treatment: str) -> Evaluation:
    return Evaluation("B", treatment, ("cost",), "qaly")


def cohort(each: int = 2, **cost: float) -> Cohort:
    """So many patients of three arms; A costs 10, B 20 and C 60 on average, and they give 0.1, 0.2 and 0.3."""
    costs = {"A": 10.0, "B": 20.0, "C": 60.0} | cost
    side = np.linspace(-1, 1, each)
    parts = [
        pd.DataFrame({"arm": arm, "cost": costs[arm] + side, "qaly": effect + side / 100})
        for arm, effect in [("A", 0.1), ("B", 0.2), ("C", 0.3)]
    ]
    return Cohort.derive(SCHEMA, pd.concat(parts, ignore_index=True), label=None)


def group(real: Cohort, *synthetic: Cohort) -> Group[Cohort]:
    return Group("all", ALL, real, synthetic)


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each cohort was evaluated, by its identity."""
    counted: Counter[int] = Counter()
    plain = Evaluation.increments

    def counting(self: Evaluation, data: Cohort) -> object:
        counted[id(data)] += 1
        return plain(self, data)

    monkeypatch.setattr(Evaluation, "increments", counting)
    return counted


def test_each_cohort_is_evaluated_once(evaluated: Counter[int]) -> None:
    real, drawn = cohort(), [cohort(C=70.0), cohort(C=80.0)]
    compared = Compared(group(real, *drawn), evaluation("C"))
    for _ in range(3):
        assert compared.real.cost == pytest.approx(40.0)
        assert [one.cost for one in compared.synthetic] == pytest.approx([50.0, 60.0])
    assert compared.of(real) is compared.real
    assert evaluated == {id(one): 1 for one in (real, *drawn)}


def test_all_estimands_of_a_check_share_one_evaluation_of_each_pair(evaluated: Counter[int]) -> None:
    real, drawn = cohort(), cohort()
    keys = ("economics.incremental_cost", "economics.inmb", "economics.ceac")
    margins = {key: margin_for(key, {"absolute": 0.2}, {"wtp": (100.0, 200.0)}) for key in keys}
    registry.findings("economics", real, [drawn], margins, np.random.default_rng(1))
    assert evaluated == {id(real): 2, id(drawn): 2}, "A against B, and C against B"


def test_too_few_patients_are_not_compared() -> None:
    few = cohort(each=1)
    with pytest.raises(NotEstimableError, match="fewer than 5 real patients"):
        _ = Compared(group(few, cohort()), evaluation("C")).real
    with pytest.raises(NotEstimableError, match="fewer than 5 real patients"):
        Options.of(group(few, cohort()), [evaluation("A"), evaluation("C")])
    assert len(Compared(group(few, cohort()), evaluation("C")).synthetic) == 1, "of rows there may be few"


def test_options_are_the_comparator_and_then_the_treatments_with_their_means() -> None:
    real, drawn = cohort(), cohort(A=15.0)
    found = Options.of(group(real, drawn, real), [evaluation("A"), evaluation("C")])
    assert found.arms == ("B", "A", "C")
    assert found.real.means.tolist() == pytest.approx(np.array([[20.0, 0.2], [10.0, 0.1], [60.0, 0.3]]))
    assert [one.means[1, 0] for one in found.synthetic] == pytest.approx([15.0, 10.0])
    assert (found.real.n_used, found.real.n_total) == (6, 6)
    pair = found.real.increments(2, 0)
    assert (pair.cost, pair.effect) == pytest.approx((40.0, 0.1))


def test_patients_of_an_arm_that_is_not_compared_count_in_no_total() -> None:
    found = Options.of(group(cohort(), cohort()), [evaluation("A")])
    assert (found.arms, found.real.n_total) == (("B", "A"), 4)


def pair() -> Pair:
    real = cohort()
    margin = Margin("absolute", 1.0)
    scope = registry.scope_of(real, [real], {"economics.inmb": margin}, np.random.default_rng(1))
    here = group(real, real)
    compared = Compared(here, evaluation("C"))
    return Pair(ESTIMANDS["economics.inmb"], margin, scope, here, per="QALY", compared=compared)


def test_a_question_at_a_threshold_knows_it_and_what_it_is_money_for() -> None:
    plain, other = pair().at(20_000.0, "label"), pair().at(1.0, "label", margin=Margin("absolute", 2.0), unit="EUR")
    assert (plain.threshold, plain.per, plain.margin.width, plain.label) == (20_000.0, "QALY", 1.0, "label")
    assert (other.threshold, other.margin.width, other.unit) == (1.0, 2.0, "EUR")


def test_without_a_threshold_the_finding_says_what_to_declare() -> None:
    found = pair().without_threshold("inmb")
    assert (found.verdict, found.obstacle, found.because) == (NOT_ESTIMABLE, NO_THRESHOLD, DECLARE_THRESHOLD)
    assert math.isnan(found.threshold) and "wtp" in DECLARE_THRESHOLD
