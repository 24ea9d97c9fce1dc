"""A share and its exact interval, against the closed form where none or all have the property."""

import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.basics.proportions import proportion


def test_none_of_ten_leaves_an_upper_limit_of_1_less_the_tenth_root_of_the_tail() -> None:
    found = proportion(0, 10)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025**0.1, abs=1e-12)
    assert found.se == pytest.approx(found.high / (2 * 1.959963985), abs=1e-9)


def test_all_of_ten_is_the_mirror_image() -> None:
    found = proportion(10, 10)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025**0.1, abs=1e-12)


def test_five_of_ten_has_the_limits_of_the_tables() -> None:
    found = proportion(5, 10, n_total=12)
    assert (found.low, found.high) == pytest.approx((0.18709, 0.81291), abs=5e-6)
    assert found.se == pytest.approx(0.158114, abs=1e-6)
    assert (found.n_used, found.n_total) == (10, 12)


def test_a_share_of_nobody_is_not_estimable() -> None:
    with pytest.raises(NotEstimableError, match="no patient in whom it is known"):
        proportion(0, 0)
