"""Tables name what a standardised difference hides, and give away no small count."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from heorsynth.checks.core.finding import Finding
from heorsynth.core.disclosure import shown_counts
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.datasets.trial import simulated_trial
from heorsynth.evidence.evidence import Evidence
from heorsynth.generators.registry import create
from heorsynth.report import tables
from heorsynth.report.figures import cost_quantiles, level_retention, lorenz
from heorsynth.report.tables.ordered import ordered_levels

ENDPOINT = {"os": ("time", "event", {1: "death"})}


def cohort(sexes: str, ages: list[float] | None = None) -> Cohort:
    """One patient a letter; the event alternates."""
    n = len(sexes)
    frame = pd.DataFrame(
        {
            "time": [float(i + 1) for i in range(n)],
            "event": [i % 2 for i in range(n)],
            "sex": list(sexes),
            "age": ages or [40.0 + i for i in range(n)],
        }
    )
    return Cohort(frame, endpoints=ENDPOINT, subgroups="sex", name="made up")


def like(real: Cohort, **columns: object) -> Cohort:
    """The same rows with other columns, as a synthetic cohort may have them."""
    return Cohort.derive(real.schema, real.frame.assign(**columns), label=None)


def cell(table: tables.Table, variable: str, level: str, column: str) -> object:
    frame = table.to_frame().set_index(["variable", "level"])
    return frame.loc[(variable, level), column]


def finding(**facts: object) -> Finding:
    usual = {
        "estimand": "rmst", "group": "all", "real": 100.0, "synthetic": 110.0, "difference": 0.1,
        "lower": 0.05, "upper": 0.15, "margin": 0.2, "floor": 0.0, "verdict": "pass", "because": "looked at twice",
        "scale": "relative", "unit": "day", "n_real": 50, "key": "survival.rmst",
    }  # fmt: skip
    return Finding(**{**usual, **facts})  # type: ignore[arg-type]


def evidence(*findings: Finding) -> Evidence:
    return Evidence.of("economic-evaluation", findings, m=2, n_rows=50, n_source=50)


def test_the_difference_of_a_share_is_standardised_as_by_hand() -> None:
    real = cohort("m" * 10 + "f" * 10)
    table = tables.table_one(real, [like(real, sex=list("m" * 12 + "f" * 8))])
    assert cell(table, "sex", "m", "smd") == pytest.approx(0.1 / math.sqrt((0.25 + 0.24) / 2))
    assert cell(table, "sex", "m", "real") == "10 (50.0%)"
    assert cell(table, "sex", "m", "synthetic") == "60.0%"
    assert cell(table, "sex", "m", "note") == "|SMD| > 0.1"


def test_the_difference_of_a_mean_is_standardised_as_by_hand() -> None:
    real = cohort("m" * 10 + "f" * 10, [float(i) for i in range(20)])
    table = tables.table_one(
        real, [like(real, age=[i + 1.0 for i in range(20)]), like(real, age=[i + 2.0 for i in range(20)])]
    )
    # the patients' mean 9.5 is rounded to a step of 0.2, and their SD 5.916 to one of twelve steps a decade
    assert cell(table, "age", "mean (SD)", "real") == "9.6 (5.6)"
    assert cell(table, "age", "mean (SD)", "smd") == pytest.approx(1.4 / math.sqrt((35 + 5.6**2) / 2))


def test_a_number_of_few_values_is_counted_by_level() -> None:
    real = cohort("m" * 10 + "f" * 10, [1.0, 2.0] * 10)
    table = tables.table_one(real, [like(real, age=[1.0] * 20)])
    assert cell(table, "age", "2", "note") == "lost: in none of the cohorts"


def test_disjoint_levels_are_called_lost_and_invented_and_get_no_difference() -> None:
    real = cohort("m" * 10 + "f" * 10)
    table = tables.table_one(real, [like(real, sex=["x"] * 20)])
    assert cell(table, "sex", "m", "note") == "lost: in none of the cohorts"
    assert cell(table, "sex", "x", "note") == "invented: no real patient has it"
    assert math.isnan(cell(table, "sex", "m", "smd"))  # type: ignore[arg-type]


def test_a_level_missing_from_one_of_two_cohorts_says_so() -> None:
    real = cohort("m" * 10 + "f" * 10)
    table = tables.table_one(real, [real, like(real, sex=["f"] * 20)])
    assert cell(table, "sex", "m", "note") == "lost in 1 of 2 cohorts"


def test_missingness_is_a_row_of_its_own() -> None:
    real = cohort("m" * 10 + "f" * 10, [*(float(i) for i in range(14)), *[math.nan] * 6])
    table = tables.table_one(real, [like(real, age=[float(i) for i in range(20)])])
    assert cell(table, "age", "missing", "real") == "6 (30.0%)"
    assert cell(table, "age", "missing", "note") == "never missing in synthetic"


def test_no_small_count_is_shown_or_can_be_worked_out() -> None:
    real = cohort("m" * 3 + "f" * 17)
    table = tables.table_one(real, [real])
    assert [cell(table, "sex", level, "real") for level in ("rare level 1", "f")] == ["<5", "≥5"]
    assert math.isnan(cell(table, "sex", "rare level 1", "smd"))  # type: ignore[arg-type]


def test_rare_levels_of_a_covariate_are_counted_and_not_named() -> None:
    real = cohort("m" * 10 + "f" * 10)
    places = ["here"] * 13 + ["odd"] * 4 + ["strange"] * 3
    held = Cohort(real.frame.assign(place=places), endpoints=ENDPOINT, subgroups="sex")
    table = tables.table_one(held, [held])
    assert cell(table, "place", "2 rare levels", "real") == "7 (35.0%)"
    assert "odd" not in repr(table)


def test_events_are_named_by_their_cause() -> None:
    real = cohort("m" * 10 + "f" * 10)
    levels = tables.table_one(real, [real]).to_frame().query("variable == 'event'")["level"]
    assert levels.tolist() == ["censored", "death"]


def test_no_frame_of_all_columns_is_made_of_a_drawn_cohort() -> None:
    """Hundreds are held packed: a frame for each of them and each column took most of the time of a dossier."""
    real, _ = simulated_trial(60, seed=1)
    drawn = create("marginals").fit(real, seed=1).sample(m=3, seed=1)
    for made in (tables.table_one, tables.table_one_by_arm, level_retention, cost_quantiles, lorenz):
        made(real, drawn)
    assert [one.arrays._frame for one in drawn] == [None] * 3


def test_the_card_and_the_frame_hold_the_same_rows() -> None:
    table = tables.table_one(cohort("m" * 10 + "f" * 10), [cohort("m" * 10 + "f" * 10)])
    assert [row[:4] for row in table.card.rows] == list(
        table.frame[["variable", "level", "real", "synthetic"]].itertuples(index=False, name=None)
    )
    assert table.card.title in repr(table) and "<table" in table._repr_html_()


def test_bands_stand_in_their_own_order_and_missing_last() -> None:
    frame = cohort("m" * 10 + "f" * 10).frame.assign(band=["<45"] * 5 + ["45-49"] * 5 + ["50+"] * 10)
    held = Cohort(
        frame, endpoints=ENDPOINT, subgroups="band", bands={"band": ("age", (45, 50), ("<45", "45-49", "50+"))}
    )
    assert ordered_levels(held, "band", {"50+", "", "<45", "45-49"}) == ["<45", "45-49", "50+", ""]


def test_two_hidden_counts_hide_each_other_and_need_no_third() -> None:
    assert shown_counts([3, 2, 100]) == ["<5", "<5", "100"]
    assert shown_counts([7, 100]) == ["7", "100"]
    assert shown_counts([5, 4, 100]) == ["≥5", "<5", "100"]


@pytest.mark.parametrize(
    ("scale", "difference", "shown", "margin"),
    [
        ("relative", (0.1, 0.05, 0.15), "+10.0% (+5.0% to +15.0%)", "±20.0% of the real value"),
        ("ratio", (0.0, math.log(0.8), math.log(1.25)), "1 (0.8 to 1.25)", "ratio 0.819 to 1.22"),
        ("absolute", (14.5, -162.0, 191.0), "+14.5 (-162 to +191)", "±0.2"),
    ],
)
def test_a_difference_is_written_as_its_margin_is(
    scale: str, difference: tuple[float, float, float], shown: str, margin: str
) -> None:
    value, lower, upper = difference
    table = tables.verdict_table(evidence(finding(scale=scale, difference=value, lower=lower, upper=upper)))
    assert table.card.rows[0][5:7] == (shown, margin)


def test_only_decisive_findings_stand_in_the_verdict_table() -> None:
    found = evidence(finding(), finding(group="sex=m", decisive=False))
    assert tables.verdict_table(found).frame["group"].tolist() == ["all"]
    assert tables.verdict_table(found, supporting=True).frame["group"].tolist() == ["sex=m"]


def test_what_is_not_estimable_keeps_its_reason() -> None:
    nothing = {"synthetic": math.nan, "difference": math.nan, "lower": math.nan, "upper": math.nan}
    row = tables.verdict_table(
        evidence(finding(verdict="not estimable", because="nobody left", remark="nobody left", **nothing))
    ).card.rows[0]
    assert row[0] == "–\N{NO-BREAK SPACE}not estimable" and row[5] == "not estimable" and row[-1] == "nobody left"


def test_an_estimate_of_fewer_than_five_patients_is_not_given() -> None:
    row = tables.verdict_table(evidence(finding(n_real=3))).card.rows[0]
    assert row[3] == "not given" and row[7] == "<5"


def test_margins_say_who_set_them_why_and_whether_they_were_amended() -> None:
    found = evidence(finding(), finding(key="survival.median", decisive=False))
    declared = {"survival.rmst": {"relative": 0.05, "horizon": 10, "reason": "because", "amended": True}}
    table = tables.margins_table(declared, found).frame.set_index("estimand")
    assert table.loc["survival.rmst", "margin"] == "relative: 0.05, horizon: 10 (amended)"
    assert table.loc["survival.rmst", ["reason", "set by"]].tolist() == ["because", "protocol"]
    assert table.loc["survival.median", "set by"] == "default of the purpose"
    assert table.loc["survival.median", "reason"] != "no reason was given"
