"""The truths of a trial with visits: closed forms where they exist, and a simulation that shares no code."""

from dataclasses import replace

import numpy as np
import pytest

from heorsynth.core.errors import CohortError, UnknownNameError
from heorsynth.data.datasets.visit_truth import Treatment, VisitTruth

TRUTH = VisitTruth()
IMMORTAL = VisitTruth(scale=1e9, rate=0.0)


def test_without_deaths_the_profile_is_a_line_and_the_qaly_its_area() -> None:
    base = float(np.dot(IMMORTAL.stage_shares, IMMORTAL.utility))
    assert IMMORTAL.profile("new") == pytest.approx([base, base + 0.0525, base + 0.045, base + 0.03])
    trapezium = np.trapezoid(IMMORTAL.profile("new"), IMMORTAL.times)
    assert IMMORTAL.mean_qaly("new") == pytest.approx(trapezium, abs=1e-6)
    assert IMMORTAL.cost_profile("usual")[0] == pytest.approx(IMMORTAL.cost_profile("usual")[1])


def test_without_dropout_all_attend_and_constant_dropout_is_a_power() -> None:
    assert replace(TRUTH, leaves=-60.0, gap=0.0).attending("usual") == pytest.approx(np.ones(4))
    constant = replace(IMMORTAL, leaves_by_utility=0.0, gap=0.0)
    stay = 1 - 1 / (1 + np.exp(2.4))
    assert constant.attending("usual") == pytest.approx([1, stay, stay**2, stay**3], abs=1e-8)


def test_a_gap_before_the_end_is_seen_as_attendance_and_at_the_end_as_dropout() -> None:
    only_gaps = replace(IMMORTAL, leaves=-60.0, gap=0.3)
    assert only_gaps.attending("usual") == pytest.approx(np.ones(4))


def test_the_mean_utility_of_the_law_is_the_mean_that_is_asked_for() -> None:
    latent = np.random.default_rng(1).standard_normal(200_000)
    drawn = TRUTH.utilities(latent, np.asarray(0.7), np.asarray(0.1))
    assert drawn.mean() == pytest.approx(0.7, abs=4 * drawn.std() / np.sqrt(200_000))
    assert (drawn == 1).mean() == pytest.approx(0.1, abs=0.003)
    assert drawn.min() >= -0.2


def test_dropout_and_qaly_are_those_of_a_simulation() -> None:
    """One stage, one arm, patient by patient in arrays, with 200,000 patients."""
    law = VisitTruth(
        arms={"one": Treatment(gain=0.05), "other": Treatment()}, stage_shares=(1.0,), log_hazard_stage=(1.8,),
        utility=(0.6,), full_health=(0.1,), hospital=(1000.0,), hospital_zero=(0.5,), gap=0.2, leaves=-1.5,
    )  # fmt: skip
    rng, n = np.random.default_rng(5), 200_000
    death = law.scale * (rng.exponential(size=n) / np.exp(1.8)) ** (1 / law.shape)
    z, values = rng.standard_normal(n), []
    for visit, time in enumerate(law.times):
        if visit:
            r = np.exp(-law.decay * (time - law.times[visit - 1]))
            z = r * z + np.sqrt(1 - r**2) * rng.standard_normal(n)
        values.append(law.utilities(z, np.asarray(law.means("one")[visit, 0]), np.asarray(0.1)))
    here, gone, seen = np.ones(n, bool), np.zeros(n, bool), []
    for visit in range(4):
        if visit:
            chance = 1 / (1 + np.exp(1.5 + 1.5 * (values[visit - 1] - 0.7)))
            gone = gone | ((rng.random(n) < chance) & here)
        here = ~gone & (rng.random(n) > (0.2 if visit in (1, 2) else 0.0))
        seen.append(here & (death >= law.times[visit]))
    later = np.logical_or.accumulate(np.array(seen)[::-1])[::-1]
    for visit, time in enumerate(law.times):
        alive = death >= time
        found, error = later[visit, alive].mean(), 0.5 / np.sqrt(alive.sum())
        assert law.attending("one")[visit] == pytest.approx(found, abs=4 * error)
    area = np.zeros(n)
    for start, end, first, last in zip(law.times, law.times[1:], values, values[1:], strict=False):
        grid = np.linspace(start, end, 31)
        middle, step = (grid[1:] + grid[:-1]) / 2, grid[1] - grid[0]
        for t in middle:
            line = np.where(death >= end, first + (last - first) * (t - start) / (end - start), first)
            area += np.where(death > t, line, 0.0) * 1.035**-t * step
    assert law.mean_qaly("one") == pytest.approx(area.mean(), abs=4 * area.std() / np.sqrt(n))


def test_increments_are_against_the_first_arm() -> None:
    assert TRUTH.comparator == "usual"
    assert TRUTH.incremental_qaly("usual") == 0
    assert TRUTH.icer("new") == pytest.approx(TRUTH.incremental_cost("new") / TRUTH.incremental_qaly("new"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"times": (0.1, 1.0)}, "increase"),
        ({"arms": {"usual": Treatment()}}, "fewer than two"),
        ({"utility": (0.5,)}, "each stage"),
        ({"gap": 1.5}, "outside 0 to 1"),
        ({"stage_shares": (0.5, 0.2, 0.1, 0.1)}, "add up"),
        ({"decay": 0.0}, "not positive"),
        ({"utility": (0.03, 0.7, 0.6, 0.45)}, "out of reach"),
    ],
)
def test_impossible_laws_are_refused(changed: dict, said: str) -> None:
    with pytest.raises(CohortError, match=said):
        VisitTruth(**changed)


def test_an_unknown_arm_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="new"):
        TRUTH.profile("neu")
