"""Figures show what the data say, align their counts, keep small groups hidden, and are the same bytes each time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_waltons
from matplotlib.axes import Axes

import heorsynth as hs
from heorsynth.checks.core.estimand import PRIVATE
from heorsynth.checks.core.finding import Finding
from heorsynth.core.errors import NotEstimableError, UnknownNameError
from heorsynth.data import datasets
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.evidence import Evidence
from heorsynth.report import figures
from heorsynth.report.figures.style import Picture

R_AT_RISK = {
    ("trt", "placebo"): [154, 140, 120, 92, 70, 51, 32, 19, 11],
    ("trt", "D-penicillamine"): [158, 147, 129, 99, 74, 49, 31, 18, 10],
    ("sex", "m"): [44, 42, 34, 22, 15, 12, 9, 6, 5],
    ("sex", "f"): [374, 341, 294, 218, 163, 111, 67, 37, 19],
}
"""R 4.2.2, survival 3.5-3: summary(survfit(Surv(time, status == 2) ~ g, pbc), times = seq(0, 4000, 500))$n.risk."""

R_SURVIVAL = {"placebo": [1, 0.90909, 0.79790, 0.73181, 0.70520, 0.66969, 0.60549, 0.45749, 0.36130]}
"""$surv of the same call, `trt=2`."""


def trial(n: int = 120, seed: int = 3, males: int = 30) -> Cohort:
    """A made-up trial with an arm, a sex, and costs of which some are 0."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "time": rng.exponential(10, n) + 0.1,
            "event": rng.choice([0, 1, 2], n, p=[0.3, 0.6, 0.1]),
            "trt": np.where(np.arange(n) % 2, "new", "old"),
            "sex": np.where(np.arange(n) < males, "m", "f"),
            "cost": np.where(rng.random(n) < 0.2, 0.0, rng.lognormal(7, 1, n)),
        }
    )
    causes = {1: "death", 2: "transplant"}
    return Cohort(
        frame, endpoints={"os": ("time", "event", causes)}, arm="trt", costs="cost", subgroups="sex", unit="month"
    )


def lines(axes: Axes) -> dict[str, tuple[str, bool]]:
    """Label to colour and whether it is dashed, of every labelled line."""
    return {str(line.get_label()): (str(line.get_color()), line.is_dashed()) for line in axes.get_lines()}


@pytest.mark.parametrize("draw", [figures.cost_quantiles, figures.lorenz], ids=lambda draw: draw.__name__)
def test_real_is_solid_black_and_synthetic_dashed_vermillion(draw: Callable[..., Picture]) -> None:
    shown = lines(draw(trial(), resamples(trial())).axes)
    assert shown["real"] == ("#000000", False) and shown["synthetic"] == ("#D55E00", True)


def test_where_colours_tell_groups_apart_dashes_alone_tell_synthetic() -> None:
    everyone = figures.km_overlay(trial(), resamples(trial()), "os").axes.get_lines()
    assert [(line.get_color(), line.is_dashed()) for line in everyone] == [("#000000", False), ("#D55E00", True)]
    by_sex = figures.km_overlay(trial(), resamples(trial()), "os", by="sex").axes.get_lines()
    assert [line.is_dashed() for line in by_sex] == [False, True, False, True]
    assert by_sex[0].get_color() == by_sex[1].get_color() != by_sex[2].get_color()


def test_no_line_is_dashed_in_a_picture_without_synthetic_curves() -> None:
    found = [replace(finding("pass", shift, 0.5), group=f"sex={sex}", kind="subgroup", standardised=0.0)
             for sex, shift in (("m", 0.1), ("f", -0.1))]  # fmt: skip
    evidence = Evidence.of("economic-evaluation", found, m=2, n_rows=50, n_source=50)
    drawn = figures.subgroup_forest(evidence, "survival.rmst").axes.get_lines()
    assert drawn and not any(line.is_dashed() for line in drawn)


def resamples(cohort: Cohort, m: int = 4) -> list[Cohort]:
    return [cohort.take(np.random.default_rng(i).integers(cohort.n, size=cohort.n)) for i in range(m)]


def finding(verdict: str, difference: float, half: float, margin: float = 2.0) -> Finding:
    return Finding(
        "survival.rmst", "rmst", verdict, 10.0, 10.0 + difference, difference, difference - half, difference + half,
        margin, 0.1, verdict, "", "absolute", "month", 100,
    )  # fmt: skip


@pytest.mark.parametrize(("by", "level"), list(R_AT_RISK))
def test_numbers_at_risk_equal_those_of_r(by: str, level: str) -> None:
    pbc = datasets.load("pbc")
    risk = figures.km_overlay(pbc, [pbc], "os", by=by, horizon=4000).tables["at_risk"]
    rows = risk[(risk["group"] == level) & (risk["time"] % 500 == 0)]
    for text, count in zip(rows["real_at_risk"], R_AT_RISK[by, level], strict=True):
        assert text in (f"{count:,}", f"{count // 5 * 5}", "<5")
    assert rows["real_at_risk"].iloc[0] == str(R_AT_RISK[by, level][0])
    assert rows["synthetic_at_risk"].tolist() == R_AT_RISK[by, level]


def test_the_real_curve_equals_r_at_the_ticks() -> None:
    pbc = datasets.load("pbc")
    frame = figures.km_overlay(pbc, [pbc], "os", by="arm", horizon=4000).frame
    shown = frame[(frame["group"] == "placebo") & (frame["time"] % 500 == 0)]["real"]
    assert shown.to_numpy() == pytest.approx(R_SURVIVAL["placebo"], abs=0.0051)  # half of a step of 0.01
    assert shown.to_numpy() == pytest.approx(np.round(shown.to_numpy(), 2))


def test_numbers_at_risk_are_right_where_lifelines_prints_others() -> None:
    waltons = load_waltons()
    cohort = Cohort(waltons, endpoints={"os": ("T", "E")})
    risk = figures.km_overlay(cohort, [cohort], "os", horizon=80).tables["at_risk"].set_index("time")
    assert risk.loc[[20, 40, 60, 80], "real_at_risk"].tolist() == ["148", "126", "65", "0"]


def test_the_real_curve_is_kaplan_meier_on_an_equal_grid() -> None:
    cohort = trial()
    frame = figures.km_overlay(cohort, resamples(cohort), "os", horizon=12).frame
    fitted = KaplanMeierFitter().fit(cohort.frame["time"], cohort.frame["event"] == 1)
    known = frame.dropna(subset=["real"])
    assert np.diff(frame["time"]) == pytest.approx(12 / 200)
    away = known["real"].to_numpy() - fitted.predict(known["time"]).to_numpy()
    largest = float(np.sqrt(0.25 / cohort.n))
    assert 0 < np.abs(away).max() <= largest / 8 * 1.5, "rounded to a step of at most a quarter of the standard error"


def test_a_curve_ends_where_fewer_than_ten_are_at_risk() -> None:
    cohort = trial()
    frame = figures.km_overlay(cohort, resamples(cohort), "os", horizon=100).frame
    times = cohort.frame["time"].to_numpy()
    at_risk = np.array([(times >= t).sum() for t in frame["time"]])
    assert (frame["real"].isna() == (at_risk < 10)).all()


def test_no_real_count_from_one_to_four_is_shown_or_can_be_worked_out() -> None:
    cohort = trial()
    risk = figures.km_overlay(cohort, resamples(cohort), "os", by="sex", horizon=60).tables["at_risk"]
    cells = risk[["real_at_risk", "real_censored", "real_events"]]
    assert not cells.isin(["1", "2", "3", "4"]).any().any()
    few = cells.eq("<5").any(axis=1).groupby(risk["time"]).transform("any")
    shown = cells[few & ~cells.eq("<5").any(axis=1)][["real_censored", "real_events"]].map(int)
    assert few.any() and len(shown) and (shown % 5 == 0).all().all(), "where one count is hidden, all are in fives"


def test_the_figure_of_a_level_of_two_rounds_the_other_level_that_would_give_it_away() -> None:
    cohort = trial()
    frame = cohort.frame.assign(sex=["m", "m"] + ["f"] * (cohort.n - 2))
    lopsided = Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["sex"])
    risk = figures.km_overlay(lopsided, [lopsided], "os", by="sex").tables["at_risk"]
    assert set(risk["group"]) == {"f"} and risk["real_at_risk"].iloc[0] == str((cohort.n - 2) // 5 * 5)


def test_real_is_solid_and_synthetic_dashed_in_one_colour_a_group() -> None:
    cohort = trial()
    axes, _ = figures.km_overlay(cohort, resamples(cohort), "os", by="arm")
    lines = axes.get_lines()
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-", "--"]
    colours = [line.get_color() for line in lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_every_count_stands_under_its_tick() -> None:
    cohort = trial()
    picture = figures.km_overlay(cohort, resamples(cohort), "os", by="arm")
    ticks = set(picture.axes.get_xticks())
    counts = [text for text in picture.axes.texts if " / " in text.get_text()]
    assert len(counts) == 2 * 3 * len(ticks)
    assert {text.get_position()[0] for text in counts} == ticks
    assert all(text.get_ha() == "center" for text in counts)


def test_bytes_do_not_depend_on_the_readers_settings_which_stay_as_they_were() -> None:
    cohort = trial()
    drawn = resamples(cohort)
    before = dict(mpl.rcParams)
    first = figures.km_overlay(cohort, drawn, "os").png()
    assert dict(mpl.rcParams) == before
    with mpl.rc_context(
        {"font.size": 20, "lines.linewidth": 5, "axes.facecolor": "pink", "savefig.dpi": 40, "xtick.direction": "in"}
    ):
        second = figures.km_overlay(cohort, drawn, "os").png()
    assert first == second
    assert b"Software" not in first and b"tIME" not in first


def test_drawing_needs_no_window_library() -> None:
    code = "import sys, heorsynth.report.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_figures_leave_their_inputs_alone() -> None:
    cohort = trial()
    drawn = resamples(cohort)
    before = [one.frame for one in (cohort, *drawn)]
    figures.km_overlay(cohort, drawn, "os", by="sex")
    figures.level_retention(cohort, drawn)
    figures.cost_quantiles(cohort, drawn)
    for old, one in zip(before, (cohort, *drawn), strict=True):
        pd.testing.assert_frame_equal(old, one.frame)


def test_the_alternative_text_holds_the_numbers_and_is_escaped() -> None:
    frame = trial().frame.assign(trt=lambda rows: rows["trt"].replace("new", '<b>"new"</b>'))
    cohort = Cohort(frame, endpoints={"os": ("time", "event")}, arm="trt")
    picture = figures.km_overlay(cohort, resamples(cohort), "os", by="arm")
    last = picture.frame[picture.frame["group"] == "old"].dropna().iloc[-1]
    assert f"real {last['real']:.0%}, synthetic {last['synthetic']:.0%}" in picture.alt
    assert '<b>"new"' in picture.alt and "<b>" not in picture.html()


def test_a_lost_and_an_invented_level_are_named() -> None:
    cohort = trial()
    drawn = []
    for one in resamples(cohort):
        frame = one.frame
        frame["sex"] = frame["sex"].replace("m", "x")
        drawn.append(Cohort.derive(cohort.schema, frame, label=None))
    picture = figures.level_retention(cohort, drawn)
    status = picture.frame[picture.frame["column"] == "sex"].set_index("level")["status"]
    assert status.to_dict() == {"f": "kept", "m": "lost", "x": "invented"}
    assert "sex=m lost; sex=x invented" in picture.alt


def test_a_rare_level_is_counted_and_not_placed() -> None:
    cohort = trial(males=3)
    frame = figures.level_retention(cohort, resamples(cohort)).frame.set_index("level")
    assert frame.loc[["rare level 1", "f"], "real_count"].tolist() == ["<5", "≥5"]
    assert frame.loc[["rare level 1", "f"], "real"].isna().all()


def test_a_group_of_fewer_than_ten_is_not_drawn() -> None:
    cohort = trial(males=9)
    picture = figures.km_overlay(cohort, resamples(cohort), "os", by="sex")
    assert set(picture.frame["group"]) == {"f"}
    assert "not drawn, as too small or too many: 1" in picture.caption


def test_another_cause_counts_as_censored() -> None:
    cohort = trial()
    last = figures.km_overlay(cohort, [cohort], "os", horizon=200).tables["at_risk"].iloc[-1]
    cause = cohort.frame["event"]
    assert last[["real_censored", "real_events"]].tolist() == [str((cause != 1).sum()), str((cause == 1).sum())]
    assert last["synthetic_events"] == (cause == 1).sum()


def test_a_group_that_is_gone_has_no_synthetic_curve() -> None:
    cohort = trial()
    drawn = [one.take(one.levels("sex") == "f") for one in resamples(cohort)]
    picture = figures.km_overlay(cohort, drawn, "os", by="sex")
    assert picture.frame.loc[picture.frame["group"] == "m", "synthetic"].isna().all()
    assert "m: no time at which ten real and ten synthetic" in picture.alt


def test_costs_are_drawn_only_where_ten_patients_lie_beyond() -> None:
    cohort = trial()
    picture = figures.cost_quantiles(cohort, resamples(cohort))
    beyond = [(cohort.frame["cost"] >= value).sum() for value in picture.frame["real"]]
    assert min(beyond) >= 10
    assert np.diff(picture.frame["share"]).min() * cohort.n >= 4.999
    assert f"{cohort.frame['cost'].mean():,.0f}"[:3] in picture.alt


def test_the_forest_is_in_units_of_the_margin() -> None:
    found = [finding("fail", 9.0, 1.0), finding("inconclusive", 1.5, 1.0), finding("pass", 0.5, 1.0)]
    picture = figures.forest(Evidence.of("teaching", found, m=2, n_rows=100, n_source=100))
    assert picture.frame[["lower", "ratio", "upper"]].to_numpy().tolist() == [
        [4.0, 4.5, 5.0], [0.25, 0.75, 1.25], [-0.25, 0.25, 0.75],
    ]  # fmt: skip
    assert "1 pass, 1 fail, 1 inconclusive, 0 not estimable" in picture.alt


def test_what_is_not_estimable_is_in_the_forest() -> None:
    found = [finding("not estimable", float("nan"), 1.0), finding("pass", 0.5, 1.0)]
    picture = figures.forest(Evidence.of("teaching", found, m=2, n_rows=100, n_source=100))
    assert picture.frame["verdict"].tolist() == ["not estimable", "pass"]
    assert "not estimable" in [text.get_text() for text in picture.axes.texts]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    cohort = trial()
    with pytest.raises(UnknownNameError, match="'sex'"):
        figures.km_overlay(cohort, [cohort], "os", by="sexx")
    with pytest.raises(UnknownNameError, match="'os'"):
        figures.km_overlay(cohort, [cohort], "oss")
    with pytest.raises(UnknownNameError, match="'cost'"):
        figures.cost_quantiles(cohort, [cohort], "costs")
    with pytest.raises(NotEstimableError):
        figures.forest(Evidence.of("teaching", [], m=1, n_rows=1, n_source=1))


def attack(key: str, group: str, control: float, success: float, verdict: str) -> Finding:
    excess = success - control
    return Finding(
        f"disclosure.{key}", f"attack {key}", group, control, success, excess, excess - 0.02, excess + 0.02, 0.05, 0.01,
        verdict, "", "absolute", "", 100, question=PRIVATE,
    )  # fmt: skip


def test_disclosure_is_drawn_beside_its_control_everyone_before_the_groups() -> None:
    made = [attack("nearest", "sex=f", 0.5, 0.7, "fail"), attack("copies", "all", 0.0, 0.0, "pass"),
            attack("nearest", "all", 0.5, 0.52, "pass"), finding("pass", 0.1, 0.1)]  # fmt: skip
    picture = figures.disclosure_risk(Evidence.of("data-sharing", made, m=2, n_rows=10, n_source=10))
    assert picture.frame["group"].tolist() == ["all", "sex=f", "all"]
    assert picture.frame.loc[1, ["control", "success", "lower", "upper"]].tolist() == pytest.approx(
        [0.5, 0.7, 0.68, 0.72]
    )
    assert "Most beyond its control: attack nearest, sex=f, 0.70 against 0.50" in picture.alt


def test_disclosure_without_a_judged_attack_says_what_is_needed() -> None:
    evidence = Evidence.of("teaching", [finding("pass", 0.1, 0.1)], m=2, n_rows=10, n_source=10)
    with pytest.raises(NotEstimableError, match="holdout"):
        figures.disclosure_risk(evidence)


def test_the_plane_and_the_curve_draw_the_evaluation_of_patients_and_of_pooled_cohorts() -> None:
    trial, _ = hs.datasets.simulated_trial(300, seed=3)
    synthetic = hs.generators.create("bootstrap").fit(trial, seed=1).sample(m=8, seed=1)
    real, pooled = (hs.evaluate(rows).increments().published for rows in (trial, synthetic))
    plane = hs.figures.ce_plane(trial, synthetic, wtp=20_000)
    assert list(plane.frame["who"][:2]) == ["patients", "synthetic, pooled"]
    assert len(plane.frame) == 2 + 8
    assert plane.frame.loc[0, ["effect", "cost"]].tolist() == [real.effect, real.cost]
    assert str(real.icer()) in plane.alt
    solid, dashed = (line for line in plane.axes.lines if "95% region" in str(line.get_label()))
    assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    curve = hs.figures.acceptability(trial, synthetic, 60_000)
    assert curve.frame["patients"].to_numpy() == pytest.approx(real.ceac(curve.frame["wtp"].to_numpy()))
    assert curve.frame["pooled"].to_numpy() == pytest.approx(pooled.ceac(curve.frame["wtp"].to_numpy()))
    assert (curve.frame["lower"] <= curve.frame["upper"]).all()
    assert f"{curve.frame['pooled'].iloc[-1]:.0%}" in curve.alt


def test_the_plane_and_the_curve_draw_the_adjusted_evaluation_that_is_declared() -> None:
    trial, _ = hs.datasets.simulated_trial(120, seed=3)
    synthetic = hs.generators.create("bootstrap").fit(trial, seed=1).sample(m=2, seed=1)
    economics = {"comparator": "usual", "wtp": [20_000], "adjust": ["age"]}
    real, pooled = (hs.evaluate(rows, adjust=["age"]).increments().published for rows in (trial, synthetic))
    plane = hs.figures.ce_plane(trial, synthetic, economics=economics)
    assert plane.frame.loc[:1, "cost"].tolist() == [real.cost, pooled.cost]
    curve = hs.figures.acceptability(trial, synthetic, 60_000, economics=economics).frame
    assert curve["patients"].to_numpy() == pytest.approx(real.ceac(curve["wtp"].to_numpy()))


@pytest.fixture(scope="module")
def judged():
    real = trial(300)
    drawn = [trial(300, seed) for seed in (11, 12, 13)]
    return real, drawn, hs.validate(real, drawn, "economic-evaluation")


def test_the_difference_of_curves_is_that_of_lifelines(judged):
    real, drawn, _ = judged
    axes, frame = figures.km_difference(real, drawn, "os")
    fits = [KaplanMeierFitter().fit(one.frame["time"], one.frame["event"] == 1) for one in (real, *drawn)]
    curves = [fit.survival_function_at_times(frame["time"]).to_numpy() for fit in fits]
    step = float(np.sqrt(0.25 / real.n)) / 4  # the curve of the patients is rounded to at most this
    np.testing.assert_allclose(frame["difference"], np.mean(curves[1:], axis=0) - curves[0], atol=step * 0.6)
    assert frame["time"].iloc[-1] <= np.sort(real.frame["time"])[-10], "fewer than ten at risk are not drawn"
    assert (frame["upper"] >= frame["difference"]).all() and axes.get_title(loc="left")


def test_the_forest_of_subgroups_draws_each_level_alone_and_pooled(judged):
    *_, evidence = judged
    picture = figures.subgroup_forest(evidence, "costs.mean")
    table = evidence.subgroups().query("key == 'costs.mean'")
    assert picture.frame["group"].tolist() == table["group"].tolist() == sorted(table["group"])
    own = {one.group: one.difference for one in evidence.findings if one.key == "costs.mean" and one.kind == "subgroup"}
    assert dict(zip(table["group"], table["difference"], strict=True)) == own
    assert all(group in picture.alt for group in own)
    with pytest.raises(NotEstimableError, match="no finding"):
        figures.subgroup_forest(evidence, "structure.marginals")


def test_the_lorenz_curve_is_the_part_of_cost_that_the_cheapest_bear(judged):
    real, drawn, _ = judged
    _, frame = figures.lorenz(real, drawn)
    cost = np.sort(real.column("cost").astype(float))
    half = frame.iloc[int(np.abs(frame["share"] - 0.5).argmin())]
    upto = half["share"] * len(cost)
    borne = np.interp(upto, np.arange(len(cost) + 1), np.concatenate([[0], np.cumsum(cost)])) / cost.sum()
    assert half["real"] == pytest.approx(borne, abs=0.005) and half["real"] == round(half["real"], 2)
    assert frame["share"].iloc[1] >= 10 / len(cost) and frame["real"].iloc[-1] == pytest.approx(1)
