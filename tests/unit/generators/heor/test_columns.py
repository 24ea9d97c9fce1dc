"""The law of one column, of eight patients by hand: levels, shares, missing ones, latents."""

import numpy as np
import pytest

from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.groups import ALL

GROUPS = np.array(["f", "f", "f", "f", "m", "m", "m", "m"])


def test_levels_have_their_shares_among_the_known_within_each_group() -> None:
    values = np.array(["a", "a", "b", "", "b", "b", "b", "b"], dtype=object)
    law = ColumnLaw.of_levels("x", values, "sex", GROUPS)
    assert law.levels == ("b", "a")
    assert law.shares["f"] == pytest.approx((1 / 3, 2 / 3)) and law.shares["m"] == (1.0, 0.0)
    assert law.missing == {"f": 0.25, "m": 0.0}
    assert law.may_miss and law.width == 2


def test_a_group_in_which_nothing_is_known_has_the_shares_of_all() -> None:
    values = np.array(["a", "a", "a", "b", "", "", "", ""], dtype=object)
    law = ColumnLaw.of_levels("x", values, "sex", GROUPS)
    assert law.shares["m"] == law.shares["f"] == (0.75, 0.25)
    assert law.missing["m"] == 1.0 and not law.may_miss


def test_numbers_of_too_few_patients_have_the_law_of_all_or_the_value_that_stands_in() -> None:
    values = np.array([1.0, 2, 3, 4, 5, np.nan, np.nan, np.nan])
    law = ColumnLaw.of_numbers("x", values, "sex", GROUPS, least=4)
    assert law.missing == {"f": 0.0, "m": 0.75}
    instead = ColumnLaw.of_numbers("x", values, "sex", GROUPS, least=4, stand_in={"m": 9.0})
    assert law.quantiles["m"].rise.tolist() == [3.0]
    assert instead.quantiles["m"].left.tolist() == [9.0] and instead.quantiles["m"].rise.tolist() == [0.0]


def test_scores_of_levels_are_indicators_that_are_unknown_where_the_level_is_missing() -> None:
    values = np.array(["a", "a", "b", "", "b", "b", "b", "b"], dtype=object)
    scores, known = ColumnLaw.of_levels("x", values, ALL, np.array([ALL] * 8)).scores(values, np.array([ALL] * 8))
    assert scores[:, 0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0] and known[:, 0].all()
    assert (
        scores[:, 1].tolist() == [0, 0, 1, 0, 1, 1, 1, 1] and known[:, 1].tolist() == [True] * 3 + [False] + [True] * 4
    )


def test_a_share_that_lies_anywhere_is_never_missing() -> None:
    law = ColumnLaw.of_shares("u")
    assert law.missing == {ALL: 0.0} and law.width == 1 and not law.may_miss
