"""A margin says how far is too far; one that says nothing is refused."""

import math

import pytest

from heorsynth.checks.core.margin import Margin, as_margin
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.core.errors import MarginError


def test_a_ratio_margin_is_as_wide_as_the_log_of_its_upper_bound():
    assert as_margin("x", {"ratio": [0.8, 1.25]}, {}).width == pytest.approx(math.log(1.25))


def test_settings_not_given_take_their_defaults():
    margin = as_margin("x", {"absolute": 2, "at": 5.0}, {"at": None, "endpoint": "os"})
    assert dict(margin.settings) == {"at": 5.0, "endpoint": "os"}


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"absolute": 1, "relative": 0.1},
        {"absolute": 0},
        {"absolute": -1},
        {"absolute": float("nan")},
        {"absolute": True},
        {"absolute": "5"},
        {"relative": 1.0},
        {"relative": -0.05},
        {"ratio": 1.25},
        {"ratio": [1.25, 0.8]},
        {"ratio": [0.8, 2.0]},
        {"ratio": [0.1, 10]},
        {"ratio": [0.8, "1.25"]},
        {"relative": 0.05, "horizn": 3},
    ],
)
def test_a_malformed_or_vacuous_margin_is_refused(declared):
    with pytest.raises(MarginError):
        as_margin("survival.rmst", declared, {"horizon": None})


def test_a_mistyped_setting_names_the_nearest_one():
    with pytest.raises(MarginError, match="did you mean 'horizon'"):
        as_margin("survival.rmst", {"relative": 0.05, "horizn": 3}, {"horizon": None})


def test_an_unknown_estimand_names_the_nearest_one():
    with pytest.raises(MarginError, match=r"did you mean 'survival\.rmst'"):
        margin_for("survival.rmts", {"relative": 0.05})


def test_a_scale_an_estimand_does_not_have_is_refused():
    with pytest.raises(MarginError, match="use ratio"):
        margin_for("subgroups.representation", {"absolute": 0.1})


@pytest.mark.parametrize("key", [key for key, estimand in ESTIMANDS.items() if math.isfinite(estimand.limit)])
def test_a_margin_that_no_cohort_could_miss_is_refused(key):
    declared = {"ratio": [0.2, 5]} if ESTIMANDS[key].scales == ("ratio",) else {"absolute": ESTIMANDS[key].limit}
    with pytest.raises(MarginError, match="vacuous"):
        margin_for(key, declared)


def test_a_ready_margin_is_held_to_the_same_rules():
    with pytest.raises(MarginError, match="vacuous"):
        margin_for("survival.km_gap", Margin("absolute", 0.9))
    with pytest.raises(MarginError, match="above 0"):
        margin_for("survival.rmst", Margin("relative", -0.05))


def test_a_relative_margin_resolves_to_a_share_of_its_reference():
    assert Margin("relative", 0.1).resolved(-200.0) == Margin("absolute", 20.0)
    assert Margin("absolute", 3.0).resolved(100.0) == Margin("absolute", 3.0)
