"""The panel on simulated truths: it passes resamples of the patients and finds relations that a copy has lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, NOT_ESTIMABLE, PASS, Finding, fails_among
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.structure.panel import ONE_RESAMPLE, PanelResult, panel_result
from heorsynth.checks.structure.panel_analyses import CONTRAST, INTERACTION, KINDS
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

KEY = "structure.panel"
Spoil = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


@cache
def linked_trial() -> Cohort:
    """A trial in which a marker and age drive cost and utility, and treatment works by the marker only."""
    rng = np.random.default_rng(1)
    n = 300
    arm, marker, age = rng.permutation(np.arange(n) % 2), rng.normal(size=n), rng.normal(60, 10, n)
    stage = np.digitize(marker + rng.normal(size=n), [-0.8, 0.8])
    time = rng.exponential(np.exp(1 - 0.4 * marker + 0.8 * arm * marker))
    censored = rng.uniform(1, 6, n)
    frame = pd.DataFrame({
        "arm": np.where(arm, "new", "usual"),
        "marker": marker,
        "age": age,
        "stage": np.array(["I", "II", "III"])[stage],
        "time": np.minimum(time, censored).round(3) + 0.001,
        "event": (time <= censored).astype(int),
        "cost": 5000 + 1500 * marker + 60 * age - 1500 * arm * marker + rng.normal(0, 900, n),
        "utility": 0.7 - 0.05 * marker - 0.004 * (age - 60) + 0.15 * arm * marker + rng.normal(0, 0.08, n),
    })  # fmt: skip
    return Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="arm", arm_reference="usual", costs="cost",
        utilities="utility", subgroups="stage", unit="year",
    )  # fmt: skip


def copies(spoil: Spoil, m: int = 20) -> list[Cohort]:
    """Bootstrap resamples of the patients, each spoilt."""
    rng = np.random.default_rng(7)
    real = linked_trial()
    drawn = (real.frame.iloc[rng.integers(real.n, size=real.n)].reset_index(drop=True) for _ in range(m))
    return [Cohort.derive(real.schema, spoil(rows, rng), label=None) for rows in drawn]


def faithful(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return rows


def drawn_apart(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Independent marginals; follow-up stays with its event."""
    spoilt = rows.copy()
    for name in ("arm", "marker", "age", "stage", "cost", "utility"):
        spoilt[name] = rng.permutation(rows[name].to_numpy())
    return spoilt


def arms_drawn_apart(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """As before within each arm: every mean of an arm stays."""
    parts = [drawn_apart(part, rng) for _, part in rows.groupby("arm")]
    return pd.concat(parts, ignore_index=True)


def treatment_by_marker_erased(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Arm is shuffled among patients: its main effects are 0 in this trial, its effects by the marker are not."""
    return rows.assign(arm=rng.permutation(rows["arm"].to_numpy()))


def result(spoil: Spoil, seed: int = 1, m: int = 20) -> PanelResult:
    return panel_result(linked_trial(), copies(spoil, m), stream(seed, "check", "structure"))


def finding(synthetic: list[Cohort], real: Cohort | None = None) -> Finding:
    margins = {KEY: margin_for(KEY, {"absolute": 0.1})}
    rng = stream(1, "check", "structure")
    (found,) = registry.findings("structure", real or linked_trial(), synthetic, margins, rng)
    return found


def test_resamples_of_the_patients_are_off_in_next_to_nothing_and_pass() -> None:
    found = finding(copies(faithful))
    assert found.verdict == PASS and found.synthetic < 0.05 and found.lower == 0 and found.upper <= 0.1
    assert found.floor == ONE_RESAMPLE == pytest.approx(0.3173, abs=1e-4)


def test_one_resample_is_off_in_about_a_third_which_is_the_floor_and_settles_nothing() -> None:
    shares = [
        panel_result(linked_trial(), [one], stream(1, "check", "structure")).off.mean() for one in copies(faithful)
    ]
    assert np.mean(shares) == pytest.approx(ONE_RESAMPLE, abs=0.08)  # 20 resamples of correlated analyses
    alone = finding(copies(faithful, m=1))
    assert alone.verdict == INCONCLUSIVE and (alone.lower, alone.upper) == (0.0, 1.0)


def test_independent_marginals_fail_and_the_worst_are_named_with_both_estimates() -> None:
    found = finding(copies(drawn_apart))
    assert found.verdict == FAIL and found.synthetic > 0.3 and found.lower > 0.1
    assert found.because.count("standard errors") == 3 and "worst: " in found.because
    assert found.worst in found.because and found.worst not in found.remark, "a cell of a table has no room for it"
    worst = result(drawn_apart)
    assert worst.analyses[worst.worst[0]].words in found.because
    assert worst.off[worst.shown].mean() > 0.9


def test_columns_drawn_apart_within_each_arm_fail_though_the_means_of_the_arms_are_kept() -> None:
    found = finding(copies(arms_drawn_apart))
    assert found.verdict == FAIL
    apart, alike = result(arms_drawn_apart), result(faithful)
    of_arms = [place for place, one in enumerate(apart.analyses) if one.words.endswith("by arm=usual and the rest")
               or one.words.endswith("by arm=new and the rest")]  # fmt: skip
    assert len(of_arms) >= 4
    np.testing.assert_array_less(np.abs(apart.difference[of_arms]), 1.0)
    np.testing.assert_array_less(np.abs(alike.difference[of_arms]), 1.0)


def test_an_erased_effect_of_treatment_by_a_marker_is_found_by_its_own_kind() -> None:
    found = result(treatment_by_marker_erased)
    by_marker = [place for place, one in enumerate(found.analyses)
                 if one.kind == INTERACTION and "treatment by marker" in one.words]  # fmt: skip
    assert len(by_marker) == 3, "cost, utility and the endpoint"
    assert (np.abs(found.difference) - found.half_width() > 1)[by_marker].all()
    words = [found.analyses[place].words for place in found.worst[:10]]
    assert "treatment by marker in a linear model of cost" in words
    assert not result(faithful).off[by_marker].any()


def test_more_cohorts_narrow_the_interval() -> None:
    few, many = result(arms_drawn_apart, m=4).numbers(), result(arms_drawn_apart, m=40).numbers()
    assert many.upper - many.lower < few.upper - few.lower
    assert many.lower <= many.difference <= many.upper


def test_the_order_of_the_cohorts_changes_nothing() -> None:
    synthetic = copies(arms_drawn_apart)
    ways = [
        panel_result(linked_trial(), held, stream(1, "check", "structure")) for held in (synthetic, synthetic[::-1])
    ]
    assert ways[0].analyses == ways[1].analyses
    np.testing.assert_allclose(ways[0].difference, ways[1].difference, atol=1e-9)
    np.testing.assert_allclose(ways[0].chance, ways[1].chance, atol=1e-9)


def test_the_panel_depends_on_the_seed_and_never_on_the_synthetic_rows_or_on_earlier_draws() -> None:
    one = result(faithful)
    assert result(drawn_apart).analyses == one.analyses
    assert result(faithful, seed=2).analyses != one.analyses
    used = stream(1, "check", "structure")
    used.normal(size=100)
    before = used.bit_generator.state
    assert panel_result(linked_trial(), copies(faithful), used).analyses == one.analyses
    assert used.bit_generator.state == before


def test_estimates_are_in_the_units_of_the_columns() -> None:
    found, rows = result(faithful), linked_trial().frame
    place = [one.words for one in found.analyses].index("mean of cost by high and low age")
    high = rows["age"] > rows["age"].median()
    groups = [rows.loc[side, "cost"] for side in (high, ~high)]
    assert found.real[place] == pytest.approx(groups[0].mean() - groups[1].mean())
    assert found.error[place] ** 2 == pytest.approx(sum(group.var() / len(group) for group in groups))
    assert found.synthetic[place] == pytest.approx(found.real[place] + found.difference[place] * found.error[place])


def test_an_analysis_that_most_cohorts_do_not_allow_is_off_and_says_so() -> None:
    lost = copies(lambda rows, rng: rows.assign(age=np.nan))
    found = finding(lost)
    assert found.verdict == FAIL and "not estimable in most synthetic cohorts" in found.because
    some = copies(faithful)
    few = panel_result(linked_trial(), [*some, *lost[:5]], stream(1, "check", "structure"))
    np.testing.assert_allclose(few.synthetic, result(faithful).synthetic, rtol=0.5, atol=few.error.max())
    assert np.isfinite(few.difference).all()
    many = panel_result(linked_trial(), [*some[:5], *lost], stream(1, "check", "structure"))
    assert (
        np.isinf(many.difference).sum() == np.isinf(result(lambda rows, rng: rows.assign(age=np.nan)).difference).sum()
    )


def test_a_cohort_without_two_columns_to_analyse_is_not_estimable() -> None:
    frame = pd.DataFrame({"time": np.arange(1.0, 31.0), "event": [0, 1] * 15})
    alone = Cohort(frame, endpoints={"os": ("time", "event")})
    found = finding([alone, alone], alone)
    assert found.verdict == NOT_ESTIMABLE and "no two columns" in found.because
    four = Cohort(frame.iloc[:4], endpoints={"os": ("time", "event")})
    assert "fewer than 5" in finding([four, four], four).because


def test_a_fail_rests_on_analyses_that_are_clearly_off_and_needs_no_correction_for_the_number_of_findings() -> None:
    found = result(arms_drawn_apart)
    kinds = [np.array([one.kind == kind for one in found.analyses]) for kind in KINDS]

    def largest(held: np.ndarray) -> float:
        shares = [held[kind].mean() for kind in kinds]
        assert len(set(shares)) == 3, "else the kinds could not be told apart"
        return max(shares)

    tails = {tail: largest(np.abs(found.difference) - found.half_width(tail) > 1) for tail in (0.05, 0.001)}
    assert tails[0.001] < tails[0.05], "else the two ends could not be told apart"
    numbers = found.numbers()
    assert numbers.lower == pytest.approx((tails[0.001] - 0.001) / 0.999) and numbers.for_many
    not_within = largest(np.abs(found.difference) + found.half_width(0.05) > 1)
    assert numbers.upper == pytest.approx(min(not_within / 0.95, 1))
    assert numbers.synthetic == largest(found.off)
    assert found.numbers(0.99).upper > numbers.upper
    failed = finding(copies(arms_drawn_apart))
    assert failed.verdict == FAIL and fails_among(failed, 1) and fails_among(failed, 1000)


def test_a_model_that_fits_the_patients_exactly_is_left_out_as_it_has_no_standard_error() -> None:
    real = linked_trial()
    summed = real.frame.assign(total=lambda rows: rows["cost"] + 100 * rows["age"])
    whole = Cohort.derive(real.schema, summed, label=None)
    noise = np.random.default_rng(3).normal(0, 500, real.n)
    broken = [
        Cohort.derive(
            real.schema, one.frame.assign(total=lambda rows: rows["cost"] + 100 * rows["age"] + noise), label=None
        )
        for one in copies(faithful)
    ]
    found = panel_result(whole, broken, stream(1, "check", "structure"))
    assert any("total" in one.words for one in found.analyses), "else nothing is tested"
    assert np.abs(found.difference).max() < 1e4, "an exact model would be 1e10 standard errors off"


@cache
def trial_with_one_modifier() -> Cohort:
    """The marker modifies the effect of treatment on utility; fifteen other columns have to do with nothing."""
    rng, n = np.random.default_rng(5), 300
    arm, marker = rng.permutation(np.arange(n) % 2), rng.normal(size=n)
    utility = 0.7 + 0.05 * (arm - 0.5) * marker + rng.normal(0, 0.1, n)
    others = {f"x{place}": rng.normal(size=n) for place in range(15)}
    frame = pd.DataFrame({"arm": np.where(arm, "new", "usual"), "marker": marker, "utility": utility, **others})
    return Cohort(frame, arm="arm", arm_reference="usual", utilities="utility", endpoints={})


def one_effect_lost(rows: pd.DataFrame) -> pd.DataFrame:
    """The marker modifies nothing; what it does on average stays."""
    apart = (rows["arm"] == "new") - 0.5
    return rows.assign(utility=rows["utility"] - 0.05 * apart * rows["marker"])


@pytest.mark.parametrize(("spoil", "verdict"), [(lambda rows: rows, PASS), (one_effect_lost, INCONCLUSIVE)])
def test_a_copy_that_lost_one_effect_that_is_clearly_shown_does_not_pass_though_few_analyses_are_off(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], verdict: str
) -> None:
    real, rng = trial_with_one_modifier(), np.random.default_rng(7)
    drawn = (real.frame.iloc[rng.integers(real.n, size=real.n)].reset_index(drop=True) for _ in range(20))
    found = finding([Cohort.derive(real.schema, spoil(rows), label=None) for rows in drawn], real)
    assert found.upper <= 0.1, "few analyses of each kind are off"
    assert found.verdict == verdict
    lost = "an effect that the patients clearly show is lost: treatment by marker in a linear model of utility"
    assert (lost in found.because) == (verdict == INCONCLUSIVE)


@pytest.mark.parametrize(
    ("effect", "difference", "chance", "lost"),
    [(2.9, -2.9, 0.0, False),  # clear for one analysis, but not among twenty, where 3.02 standard errors are needed
     (3.05, -3.05, 0.0, True), (3.2, -3.2, 0.0, True), (-3.2, 3.2, 0.0, True), (3.2, 3.2, 0.0, False),
     (3.2, np.inf, 0.0, True),
     (3.2, -1.5, 0.0, False), (3.2, -1.7, 0.0, True),  # less than half of it is kept, or more
     (3.2, -1.7, 0.1, False)],  # not clearly
)  # fmt: skip
def test_an_effect_is_lost_if_it_is_clearly_shown_and_clearly_less_than_half_of_it_is_kept(
    effect: float, difference: float, chance: float, lost: bool
) -> None:
    others = np.zeros(19)
    analyses = result(faithful).analyses[:1] * 20
    found = PanelResult(
        analyses, np.array([2 * effect, *others]), np.full(20, 2.0), others, np.array([difference, *others]),
        np.array([chance, *others]), np.full(20, 19.0),
    )  # fmt: skip
    assert found.lost.tolist() == [lost, *[False] * 19]


def test_effects_that_several_analyses_of_a_kind_show_are_each_clearer_and_other_kinds_do_not_dilute_them() -> None:
    """Benjamini and Hochberg: the second of twenty needs 2 * 0.05 / 20, which is 2.81 standard errors."""
    one = result(faithful).analyses
    interactions = [each for each in one if each.kind == INTERACTION][:1] * 20
    contrasts = [each for each in one if each.kind == CONTRAST][:1] * 200
    effect = np.zeros(220)
    effect[:3] = 3.1, 2.9, 2.6
    found = PanelResult(
        (*interactions, *contrasts), effect, np.ones(220), 0 * effect, -effect, np.zeros(220), np.full(220, 19.0)
    )
    assert found.lost.tolist() == [True, True, *[False] * 218]


def test_the_share_is_of_the_kind_that_lost_most() -> None:
    """A copy that loses a tenth of few analyses of treatment by covariate is not hidden by many that it keeps."""
    one = result(faithful).analyses
    analyses = [each for kind in KINDS for each in [each for each in one if each.kind == kind][:1] * 100]
    difference = np.repeat([0.1, 0.2, 0.3, 2.0], [100, 100, 85, 15])
    found = PanelResult(
        tuple(analyses), np.zeros(300), np.ones(300), difference, difference, np.full(300, 0.01), np.full(300, 19.0)
    )
    numbers = found.numbers()
    assert (numbers.synthetic, numbers.upper) == (0.15, pytest.approx(0.15 / 0.95))
    assert numbers.lower == pytest.approx((0.15 - 0.001) / 0.999)


def test_the_difference_is_the_mean_over_the_cohorts_with_its_standard_error() -> None:
    several = copies(faithful, 4)
    together = panel_result(linked_trial(), several, stream(1, "check", "structure"))
    alone = np.array(
        [panel_result(linked_trial(), [one], stream(1, "check", "structure")).difference for one in several]
    )
    np.testing.assert_allclose(together.difference, alone.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(together.chance, alone.std(axis=0, ddof=1) / 2, rtol=1e-9)
    assert set(together.freedom) == {3}
