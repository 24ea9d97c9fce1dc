"""The rules by which results on few patients are shown."""

import math

import numpy as np
import pytest

from heorsynth.core.disclosure import RULES, determined, is_exact, shown_counts, small, tidy


@pytest.mark.parametrize("error", [1e-7, 0.013, 0.7, 1.0, 3.999, 4.0, 90.0, 123456.7])
def test_a_step_is_between_a_tenth_and_a_quarter_of_the_standard_error(error: float) -> None:
    step = RULES.step(error)
    assert error / 10 <= step * (1 + 1e-9) and step <= error / 4 * (1 + 1e-9)
    mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert round(mantissa, 6) in (1, 2, 5)


def test_without_an_error_a_value_has_four_digits_and_no_value_stays_none() -> None:
    assert RULES.step(0.0) == RULES.step(math.nan) == RULES.step(math.inf) == 0.0
    assert RULES.rounded(123456.0, 0.0) == 123500.0
    assert math.isnan(RULES.rounded(math.nan, 1.0)) and RULES.rounded(math.inf, 1.0) == math.inf


def test_a_standard_error_is_shown_within_ten_percent() -> None:
    for value in np.geomspace(1e-5, 1e6, 400):
        assert RULES.spread(value) == pytest.approx(value, rel=0.125)
    assert RULES.spread(0.0) == 0.0
    assert len({RULES.spread(value) for value in np.geomspace(1, 9.999, 500)}) <= 13


def test_a_sum_leaves_the_dominant_patient_within_five_percent_at_best() -> None:
    """Whoever knows all others, and the published mean, knows his distance from the mean within 5% and no better."""
    rng = np.random.default_rng(3)
    for n in (5, 12, 60, 201, 1000):
        for _ in range(30):
            values = rng.lognormal(8, rng.uniform(0.1, 2.5), n)
            error = RULES.spread(float(values.std(ddof=1)) / math.sqrt(n))
            unsure = n * RULES.step(error) / 2
            assert unsure >= 0.05 / 1.13 * float(np.max(np.abs(values - values.mean())))


def test_a_quantile_is_the_mean_of_five_order_statistics() -> None:
    ordered = np.arange(1.0, 12.0) ** 2
    middle, error = RULES.interpolated(ordered, 0.5)
    assert middle == np.mean([16, 25, 36, 49, 64])
    assert error == pytest.approx(np.std([16, 25, 36, 49, 64], ddof=1) / math.sqrt(5))
    assert RULES.interpolated(ordered, 1.0)[0] == np.mean([49, 64, 81, 100, 121])
    assert all(math.isnan(one) for one in RULES.interpolated(ordered[:4], 0.5))
    assert math.isnan(RULES.quantile(ordered[:4], 0.5)) and RULES.quantile(ordered, 0.5) not in ordered
    assert RULES.places(0, 5).tolist() == [0, 1, 2, 3, 4] and RULES.places(1, 4).tolist() == []


def test_an_outlier_among_the_five_makes_the_step_wider() -> None:
    values = np.concatenate([np.linspace(1, 2, 200), [1e6]])
    shown = RULES.quantile(values, 0.999)
    assert shown % 10_000 == 0, "the largest would be five times the mean less the other four"


def test_a_count_of_one_to_four_or_a_complement_is_one_class() -> None:
    assert {RULES.of_class(count, 201) for count in (1, 2, 3, 4)} == {2.5}
    assert {RULES.of_class(count, 201) for count in (197, 198, 199, 200)} == {198.5}
    assert [RULES.of_class(count, 201) for count in (0, 5, 196, 201)] == [0, 5, 196, 201]
    assert [RULES.floor(count) for count in (0, 2, 4, 5, 199)] == [0, 0, 0, 5, 195]
    assert [small(count) for count in (0, 1, 4, 5, 1234)] == ["0", "<5", "<5", "5", "1,234"]


def test_a_second_count_is_hidden_wherever_the_first_follows_from_the_rest() -> None:
    assert shown_counts([199, 2]) == ["≥5", "<5"]
    assert shown_counts([150, 49, 1, 1]) == ["150", "≥5", "<5", "<5"], "two hidden that add up to 2 are 1 each"
    assert shown_counts([150, 43, 4, 4]) == ["150", "≥5", "<5", "<5"], "two hidden that add up to 8 are 4 each"
    assert shown_counts([150, 46, 2, 3]) == ["150", "46", "<5", "<5"]
    assert [determined(one) for one in ([3], [1, 1], [4, 4], [1, 2], [2, 3])] == [True, True, True, False, False]
    assert [is_exact(text) for text in ("12", "≥5", "<5")] == [True, False, False]


def test_a_sum_is_dominated_by_one_of_70_or_two_of_85_percent() -> None:
    assert RULES.dominated(np.array([71.0, 20.0, 9.0])) and not RULES.dominated(np.array([69.0, 15.0, 16.0]))
    assert RULES.dominated(np.array([45.0, 41.0, 14.0])) and not RULES.dominated(np.array([45.0, 39.0, 16.0]))
    assert not RULES.dominated(np.zeros(5))
    assert all(math.isnan(one) for one in RULES.moments(np.array([1000.0, 1.0, 1.0, 1.0, 1.0, 1.0])))
    assert not any(math.isnan(one) for one in RULES.moments(np.arange(10.0)))


def test_a_rounded_effect_keeps_its_sign() -> None:
    assert RULES.signed(0.007, 0.15) == 0.01 and RULES.signed(-0.001, 0.15) == -0.01 and RULES.signed(0.0, 0.15) == 0.0
    assert str(tidy(-0.0, 3)) == "0.0"
