"""An estimate: its normal interval, its text, and numbers as they are written."""

import math

import pytest

from heorsynth.core.estimate import Estimate, normal_quantile, significant, stable


def test_the_normal_interval_is_the_value_and_1_96_standard_errors() -> None:
    found = Estimate.normal(10.0, 2.0, unit="day", n_used=40)
    assert (found.low, found.high) == pytest.approx((10 - 2 * 1.959963985, 10 + 2 * 1.959963985), abs=1e-8)
    assert found.n_total == 40
    assert normal_quantile(0.90) == pytest.approx(1.644853627, abs=1e-9)


def test_another_level_changes_the_interval_alone() -> None:
    found = Estimate.normal(10.0, 2.0).at_level(0.90)
    assert (found.value, found.se, found.level) == (10.0, 2.0, 0.90)
    assert found.high == pytest.approx(10 + 2 * 1.644853627, abs=1e-8)


def test_the_text_has_unit_interval_and_what_synthetic_rows_rest_on() -> None:
    found = Estimate(1234.56, 1000, 1500, level=0.9, unit="EUR", n_used=1418, synthetic=True)
    assert str(found) == "1,235 EUR (90% interval 1,000 to 1,500; from synthetic rows of 1,418 patients)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5678, "1,235"), (12.3456, "12.35"), (0.0123456, "0.01235"), (5.0, "5"), (1e-13, "0"), (-0.5, "-0.5"),
     (math.nan, "not estimable"), (math.inf, "inf"), (2.5e6, "2,500,000")],
)  # fmt: skip
def test_a_number_is_shown_with_four_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_a_written_number_has_no_digit_that_a_processor_decides() -> None:
    assert stable(2 / 3) == 0.666666667
    assert stable(1e-17, size=1.0) == 0.0 and math.copysign(1, stable(-1e-17, size=1.0)) == 1
    assert math.isnan(stable(math.nan)) and stable(math.inf) == math.inf


def test_an_estimate_is_had_as_plain_data() -> None:
    assert Estimate(1.0, 0.0, 2.0, 0.5).to_dict()["high"] == 2.0
