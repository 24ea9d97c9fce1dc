"""A truth that no trial can be drawn from is refused when it is made."""

import pytest

import heorsynth as hs
from heorsynth.core import errors


@pytest.mark.parametrize(("settings", "told"), [
    ({"stage_shares": (0.5, 0.5, 0.5, 0.5)}, "add up to 2"),
    ({"stage_shares": (1.5, -0.5, 0.0, 0.0)}, "a share lies outside 0 to 1"),
    ({"qaly_usual": (0.8, 0.7, 0.6)}, "3 values, expected 4"),
    ({"drug_zero": {"usual": 0.1}}, "does not name both arms"),
    ({"scale": -1.0}, "scale: is not positive"),
    ({"qaly_gain": 0.5}, "out of reach"),
    ({"full_health": (1.0, 0.1, 0.05, 0.0)}, "out of reach"),
])  # fmt: skip
def test_an_impossible_truth_is_refused_by_the_name_of_its_setting(settings: dict, told: str) -> None:
    with pytest.raises(errors.CohortError, match=told):
        hs.datasets.Truth(**settings)


def test_a_truth_shows_plain_numbers() -> None:
    assert "np." not in repr(hs.datasets.Truth())
