"""Covariates keep Table 1 and a stated correlation; the others are drawn."""

import numpy as np
import pytest

from heorsynth.published.covariates.columns import Column
from heorsynth.published.covariates.copula import Stated, correlation, draw, scores
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.schema.document import MomentsSection
from heorsynth.published.schema.printed import printed

AGE = Column("age", cells={arm: MomentsSection(mean=printed("61.2"), sd=printed("9.8")) for arm in "ab"})
MARKER = Column("marker", cells={arm: MomentsSection(mean=printed("4.1"), sd=printed("6.0")) for arm in "ab"})
SEX = Column("sex", levels=("female", "male"), counts={"a": ((30, 30), (50, 50)), "b": ((40, 40), (35, 35))})
COLUMNS, SIZES = (AGE, MARKER, SEX), {"a": 80, "b": 80}


@pytest.mark.parametrize("kind", ["pearson", "spearman"])
@pytest.mark.parametrize(("places", "arm"), [((0, 1), ""), ((0, 1), "b"), ((0, 2), "")])
def test_a_stated_correlation_is_met(kind: str, places: tuple[int, int], arm: str) -> None:
    stated = Stated("correlation.1", places, 0.40, 0.005, kind, arm)
    for seed in range(4):
        drawn = draw(COLUMNS, SIZES, [stated], Prior(), np.random.default_rng(seed))
        assert correlation(drawn.values, stated) == pytest.approx(0.40, abs=0.0025)


def test_table_1_is_met_whatever_the_correlation() -> None:
    drawn = draw(COLUMNS, SIZES, [], Prior(), np.random.default_rng(1))
    ages, sexes = drawn.values["b"][:, 0], drawn.values["b"][:, 2]
    assert ages.mean() == pytest.approx(61.2, abs=0.05)
    assert [(sexes == level).sum() for level in (0, 1)] == [40, 35]
    assert np.isnan(sexes).sum() == 5


def test_a_correlation_that_is_not_stated_varies_as_the_prior_says() -> None:
    pair = Stated("", (0, 1), 0.0, 0.0, "spearman", "a")
    found = [
        correlation(draw(COLUMNS, SIZES, [], Prior(0.3), np.random.default_rng(s)).values, pair) for s in range(150)
    ]
    assert np.std(found) == pytest.approx(0.3, rel=0.2)  # the error of an SD of 150 draws is 6%


def test_correlations_that_cannot_all_be_true_are_met_as_nearly_as_they_allow() -> None:
    pairs = [((0, 1), 0.9), ((0, 2), 0.9), ((1, 2), -0.9)]
    stated = [Stated(f"correlation.{i}", places, r, 0.05, "spearman", "") for i, (places, r) in enumerate(pairs)]
    drawn = draw(COLUMNS, SIZES, stated, Prior(), np.random.default_rng(1))
    assert np.isfinite([correlation(drawn.values, one) for one in stated]).all()
    assert max(abs(correlation(drawn.values, one) - one.value) for one in stated) > 0.1


def test_scores_are_zero_where_a_value_is_missing() -> None:
    values = np.array([[50.0, np.nan, 1.0], [70.0, 2.0, np.nan]])
    age, marker, sex = scores(values, COLUMNS)
    assert age[0] == -age[1] < 0
    assert marker.tolist() == [0.0, 0.0]
    assert sex.tolist() == [[0.0, 1.0], [0.0, 0.0]]
