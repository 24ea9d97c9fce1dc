"""What a column holds is read from its values and declarations: told where understood, asked where not, never lost."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.core import errors
from heorsynth.core.errors import HeorsynthError
from heorsynth.data.columns.detection import has_likely_sentinel, looks_like_codes, whole_dates
from heorsynth.data.columns.levels import POOLED, as_text

N = 300
ROLES: dict[str, object] = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "currency": "EUR"}


def base(n: int = N, seed: int = 0) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "time": r.integers(1, 999, n),
            "event": r.integers(0, 2, n),
            "arm": r.choice(["a", "b"], n),
            "age": r.normal(62, 10, n).round(),
            "cost": r.gamma(2, 2000, n).round(2),
        }
    )


def copied(frame: pd.DataFrame, m: int = 1, **roles: object) -> tuple["hs.Cohort", "hs.generators.SyntheticCohorts"]:
    cohort = hs.Cohort(frame, **{**ROLES, **roles})
    return cohort, hs.generators.create("heor").fit(cohort, seed=1).sample(m=m, seed=1)


@pytest.mark.parametrize("stored", [
    lambda age: age.astype(object),
    lambda age: age.astype(int).astype(object),
    lambda age: age.astype(str),
    lambda age: age.astype(int).astype(str).astype("string"),
    lambda age: age.astype(int).astype(str).where(np.arange(N) > 0, "NA"),
    lambda age: age.astype("category"),
])  # fmt: skip
def test_numbers_stay_numbers_however_they_are_stored(stored: Callable[[pd.Series], pd.Series]) -> None:
    frame = base()
    age = frame["age"]
    cohort, synthetic = copied(frame.assign(age=stored(age)))
    drawn = synthetic[0].frame["age"]
    assert pd.api.types.is_numeric_dtype(cohort.rows["age"]) and pd.api.types.is_numeric_dtype(drawn)
    assert drawn.std() == pytest.approx(age.std(), rel=0.05)
    assert (drawn > 80).mean() == pytest.approx((age > 80).mean(), abs=0.01)
    assert len(cohort.notes) == 1 and cohort.notes[0].startswith("age: ")


def test_an_object_column_of_numbers_gives_the_same_rows_as_one_of_floats() -> None:
    frame = base()
    rows = [copied(frame.assign(age=age))[1][0].frame for age in (frame["age"], frame["age"].astype(object))]
    pd.testing.assert_frame_equal(*(part.reset_index(drop=True) for part in rows))


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["> 75"] * 6, "6 inequalities"),
        (["<LOD"], "1 inequality"),
        (["unknown"] * 3, "missing=['unknown']"),
        (["62 years"], "1 other text"),
        (["€ 62", "62 USD"], "2 in several currencies"),
    ],
)
def test_numbers_beside_other_text_are_asked_about_and_no_cell_is_quoted(cells: list[str], told: str) -> None:
    frame = base()
    age = frame["age"].astype(str).astype(object)
    age[: len(cells)] = cells
    with pytest.raises(errors.MixedTypesError) as refused:
        hs.Cohort(frame.assign(age=age), **ROLES)
    assert told in str(refused.value)
    assert f"{N - len(cells)} of {N} known values are numbers" in str(refused.value)
    assert "62" not in str(refused.value).replace(f"{N - len(cells)}", "")


def test_declared_marks_are_missing_and_the_rest_are_numbers() -> None:
    frame = base()
    age = frame["age"].astype(str).astype(object)
    age[:4], age[4:9] = "unknown", "'--"
    cohort, synthetic = copied(frame.assign(age=age), missing=["unknown"])
    assert cohort.rows["age"].isna().sum() == 9
    assert cohort.notes == ("age: text read as numbers (5 missing marks)",)
    assert synthetic[0].frame["age"].isna().sum() == 9


def test_money_as_text_is_money() -> None:
    frame = base()
    text = frame["cost"].map("€ {:,.2f}".format)
    cohort, _ = copied(frame.assign(cost=text))
    assert cohort.rows["cost"].tolist() == frame["cost"].tolist()
    assert "currency signs" in cohort.notes[0] and "thousands marks" in cohort.notes[0]


def test_text_of_a_few_common_numbers_and_of_leading_zeros_stays_levels() -> None:
    r = np.random.default_rng(3)
    frame = base().assign(grade=r.choice(["1", "2", "3"], N), site=r.choice(["01", "02", "10"], N))
    cohort, synthetic = copied(frame)
    assert set(synthetic[0].frame["site"]) == {"01", "02", "10"}
    assert set(synthetic[0].frame["grade"]) == {"1", "2", "3"}
    assert cohort.notes == ("site: numbers written like codes (leading zeros, too many digits), kept as text",)


def test_rare_levels_are_pooled_by_name_and_their_loss_is_a_decisive_failure() -> None:
    """The commonest level must not take them: that was a column destroyed, and nothing compared it."""
    frame = base().assign(dx=["'--"] * 200 + [f"d{row % 60}" for row in range(100)])
    cohort, synthetic = copied(frame, m=3)
    assert synthetic[0].frame["dx"].value_counts().to_dict() == {"'--": 200, POOLED: 100}
    assert all("structure.marginals" in {one.key for one in purpose.decisive} for purpose in PURPOSES.values())
    for purpose in ("teaching", "software-testing"):
        evidence = hs.validate(cohort, synthetic, purpose=purpose, seed=1)
        (found,) = [one for one in evidence.decisive if "distribution of dx" in one.estimand]
        assert found.verdict == "fail" and evidence.verdict != "fit"
        assert any("'other (pooled)': dx (100 patients)" in note for note in evidence.notes)


def test_a_text_column_in_which_most_patients_stand_alone_is_refused() -> None:
    frame = base().assign(dx=["'--"] * 140 + [f"d{row % 151}" for row in range(160)])
    with pytest.raises(errors.UnfitColumnError, match="152 levels, 1 of them common: free text"):
        copied(frame)


def test_every_column_with_more_levels_than_a_table_lists_is_compared() -> None:
    r = np.random.default_rng(4)
    frame = base(600).assign(dx=[f"d{code}" for code in r.integers(0, 40, 600)])
    cohort, _ = copied(frame)
    shuffled = hs.Cohort.derive(cohort.schema, frame.assign(dx="d1"), label=None)
    evidence = hs.validate(cohort, [shuffled, shuffled], purpose="teaching", seed=1)
    (found,) = [one for one in evidence.decisive if "distribution of dx" in one.estimand]
    assert found.verdict == "fail" and evidence.verdict == "not fit"


def test_a_flag_that_three_patients_have_is_neither_lost_nor_renamed() -> None:
    for flag in (np.arange(N) < 3, (np.arange(N) < 3).astype(int), pd.array([True] * 3 + [False] * (N - 3), "boolean")):
        drawn = copied(base().assign(flag=flag))[1][0].frame["flag"]
        assert drawn.dtype == pd.Series(flag).dtype
        assert 1 <= int(drawn.sum()) <= 5


def test_codes_are_found_by_their_gaps_or_their_name_and_no_other_is_drawn() -> None:
    r = np.random.default_rng(5)
    codes = r.choice(np.arange(100, 1000), 60, replace=False)
    for name in ("dx", "site"):
        frame = base().assign(**{name: r.choice(codes if name == "dx" else np.arange(1, 61), N)})
        cohort, synthetic = copied(frame)
        assert cohort.schema.kind == {name: "code"} and "look like codes" in cohort.notes[0]
        assert set(as_text(synthetic[0].frame[name])) <= {*as_text(cohort.rows[name]), POOLED}
    measured = copied(base().assign(dx=r.choice(codes, N)), kind={"dx": "number"})[0]
    assert not measured.notes and measured.schema.kind == {"dx": "number"}


def test_measurements_are_no_codes() -> None:
    r = np.random.default_rng(6)
    for values in (
        r.normal(60, 10, 2000).round(),
        r.poisson(4, 500),
        (r.lognormal(1.5, 1, 5000)).round(),
        r.integers(1, 3000, 500),
        (r.normal(900, 300, 300) / 25).round() * 25,
        r.normal(130, 15, 400).round(-1),
    ):
        assert not looks_like_codes(pd.Series(values, name="x"))
    for name in hs.datasets.names():
        cohort = hs.datasets.load(name)
        assert not any(looks_like_codes(cohort.rows[column]) for column in cohort.covariates)


def test_dates_written_as_whole_numbers_are_refused_or_drawn_as_days() -> None:
    r = np.random.default_rng(7)
    days = pd.Series(pd.date_range("2015-01-01", periods=1200)[r.integers(0, 1200, N)])
    whole = days.dt.strftime("%Y%m%d").astype(int)
    assert not whole_dates(whole + 50) and not whole_dates(pd.Series(r.integers(0, 9, N)))
    with pytest.raises(errors.UnfitColumnError, match="dates, written YYYYMMDD"):
        copied(base().assign(seen=whole))
    zoned = days.dt.strftime("%Y-%m-%dT03:00:00") + np.where(np.arange(N) % 2, "-08:00", "+09:00")
    for stored in (whole, days, days.dt.strftime("%Y-%m-%d"), days.dt.strftime("%d/%m/%Y"), zoned):
        cohort, synthetic = copied(base().assign(seen=stored), kind={"seen": "date"})
        assert pd.to_datetime(cohort.rows["seen"], unit="D").tolist() == days.tolist()
        drawn = pd.to_datetime(synthetic[0].frame["seen"], unit="D")
        assert drawn.min() >= days.min() and drawn.max() <= days.max()


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"kind": {"agee": "code"}}, "did you mean 'age'"),
        ({"kind": {"age": "nmber"}}, "did you mean 'number'"),
        ({"kind": {"time": "code"}}, "has a numeric role"),
        ({"kind": {"arm": "number"}}, "2 words"),
        ({"kind": {"arm": "date"}}, "300 of 300 values are not dates"),
        ({"levels": {"age": [60, 61]}}, "values are not among its 2 declared levels"),
        ({"levels": {"age": [60]}, "kind": {"age": "code"}}, "has declared levels too"),
    ],
)
def test_a_declaration_that_the_data_contradict_is_refused(declared: dict[str, object], told: str) -> None:
    with pytest.raises(errors.CohortError) as refused:
        hs.Cohort(base().assign(arm=["a", "b"] * (N // 2)), **ROLES, **declared)
    assert told.replace("2 words", "words") in str(refused.value)


def test_declared_levels_are_kept_by_name_however_rare() -> None:
    frame = base().assign(grade=[3] * 4 + [1, 2] * ((N - 4) // 2))
    cohort, synthetic = copied(frame, levels={"grade": [1, 2, 3, 4]})
    assert synthetic[0].frame["grade"].value_counts().to_dict() == {1: 148, 2: 148, 3: 4}
    assert cohort.schema.holds_levels("grade")


def _random_column(r: np.random.Generator, n: int) -> pd.Series:
    """A column of a random kind, type and share of missing values."""
    gaps = r.random(n) < r.choice([0, 0, 0.1, 0.4])
    number = np.round(r.gamma(r.uniform(0.5, 4), r.uniform(0.1, 1e4), n), int(r.integers(0, 4)))
    few = r.choice([f"l{level}" for level in range(r.integers(2, 9))], n, p=None)
    many = np.array([f"k{int(code)}" for code in r.zipf(1.6, n).clip(max=80)])
    whole = r.integers(0, int(r.choice([2, 5, 40, 3000])), n)
    narrow = r.choice(["int8", "int16", "int32"]) if whole.max() < 99 else "int64"
    column: pd.Series = {
        0: lambda: pd.Series(number).mask(gaps),
        1: lambda: pd.Series(number).astype("float32").mask(gaps),
        2: lambda: pd.Series(whole).astype(narrow),
        3: lambda: pd.Series(whole).astype("Int64").mask(gaps),
        4: lambda: pd.Series(number).astype(object).mask(gaps, None),
        5: lambda: pd.Series(whole).astype(str).mask(gaps, None),
        6: lambda: pd.Series(few).mask(gaps, None),
        7: lambda: pd.Series(few).mask(gaps, None).astype("category"),
        8: lambda: pd.Series(many).mask(gaps, None),
        9: lambda: pd.Series(few).mask(gaps, None).astype("string"),
        10: lambda: pd.Series(r.random(n) < r.choice([0.01, 0.3])),
        11: lambda: pd.Series(r.random(n) < 0.3).astype("boolean").mask(gaps),
        12: lambda: pd.Series(r.choice(["01", "02", "11"], n)).mask(gaps, None),
        13: lambda: pd.Series(r.choice(r.integers(100, 99999, 25), n)),
        14: lambda: pd.Series(whole % 7).mask(gaps, None).astype("category"),
        15: lambda: pd.Series(number).map("{:,.2f}".format).mask(gaps, "N/A"),
        16: lambda: pd.Series(pd.date_range("2010-01-01", periods=n)),
        17: lambda: pd.Series(number).astype("Float64").mask(gaps),
        18: lambda: pd.Series(np.where(gaps, "unknown", pd.Series(whole).astype(str))),
        19: lambda: pd.Series(r.random(n) < 0.3).astype(object).mask(gaps, None),
    }[int(r.integers(0, 20))]()
    return column


def _kept(name: str, real: pd.Series, drawn: pd.Series, told: str, *, levels: bool) -> None:
    """What comes out has the kind, range, levels and missing share of what went in, or a reason is told."""
    assert drawn.isna().mean() == pytest.approx(real.isna().mean(), abs=0.5 / len(real) + 1e-9), name
    if levels or not pd.api.types.is_numeric_dtype(real) or pd.api.types.is_bool_dtype(real):
        known = set(as_text(real).dropna())
        assert set(as_text(drawn).dropna()) <= known | ({POOLED} if f"{name} (" in told else set()), name
        if POOLED not in set(as_text(drawn)):
            assert drawn.dtype == real.dtype, name
        common = {level for level, count in as_text(real).value_counts().items() if count >= 5}
        assert common <= set(as_text(drawn).dropna()), name
        return
    assert drawn.dtype == real.dtype, name
    assert drawn.min() >= real.min() and drawn.max() <= real.max(), name
    if (real.dropna() % 1 == 0).all():
        assert (drawn.dropna() % 1 == 0).all(), name
    assert drawn.mean() == pytest.approx(real.mean(), abs=0.25 * float(real.std()) + 1e-9), name


@pytest.mark.parametrize("batch", [0, *(pytest.param(batch, marks=pytest.mark.long) for batch in range(1, 8))])
def test_no_column_of_200_random_frames_changes_in_silence(batch: int) -> None:
    refused = 0
    for seed in range(25 * batch, 25 * batch + 25):
        r = np.random.default_rng([7, seed])
        n = int(r.choice([30, 50, 90]))
        frame = base(n, seed).assign(**{f"x{place}": _random_column(r, n) for place in range(3)})
        before = frame.copy(deep=True)
        try:
            cohort, synthetic = copied(frame)
        except HeorsynthError as refusal:
            assert all(problem.where and problem.found for problem in refusal.problems)
            assert {problem.where.split("'")[1] for problem in refusal.problems} <= {f"x{place}" for place in range(3)}
            refused += 1
            continue
        pd.testing.assert_frame_equal(frame, before)
        label = synthetic[0].label
        assert label is not None
        told = ", ".join(f"{name} ({count})" for name, count in label.settings.get("pooled_rare_levels", {}).items())
        noted = {note.split(":")[0] for note in cohort.notes}
        for name in [f"x{place}" for place in range(3)]:
            read, given = cohort.rows[name], frame[name]
            assert read.dtype == given.dtype or name in noted, (seed, name)
            _kept(name, read, synthetic[0].frame[name], told, levels=cohort.schema.holds_levels(name))
    assert 2 < refused < 20, "some frames hold dates, text or marks that are asked about, most do not"


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["5%"] * 119 + ["7"], "119 unclear marks"),
        (["€ 12"] * 60 + ["$ 12"] * 60, "120 in several currencies"),
        (["€1,234"] * 120, "120 unclear marks"),
        (["12"] * 60 + ["None"] * 60, "60 words"),
    ],
)
def test_amounts_that_cannot_be_read_are_asked_about_and_not_taken_for_levels(cells: list[str], told: str) -> None:
    with pytest.raises(errors.MixedTypesError, match=told):
        hs.Cohort(base(120).assign(x=cells), **ROLES)


def test_digits_that_a_number_cannot_hold_stay_text() -> None:
    frame = base().assign(card=[f"{9_100_000_000_000_000 + row % 3}" for row in range(N)])
    cohort, synthetic = copied(frame.assign(long=[f"{10**15 + row % 40}" for row in range(N)]))
    assert set(synthetic[0].frame["card"]) == set(frame["card"])
    assert any(note.startswith("long: ") and "codes" in note for note in cohort.notes)


@pytest.mark.parametrize(
    ("form", "written"),
    [("%Y%m%d", "YYYYMMDD"), ("%Y%m", "YYYYMM"), ("%d%m%Y", "DDMMYYYY"), ("%y%m%d", "YYMMDD"), ("%Y%j", "YYYYDDD")],
)
def test_whole_number_dates_are_known_in_every_usual_form_beside_marks_for_unknown(form: str, written: str) -> None:
    days = pd.date_range("2013-02-11", periods=900)[np.random.default_rng(8).integers(0, 900, N)]
    whole = pd.Series(days.strftime(form).astype(int))
    assert whole_dates(whole) == written
    whole[:10] = 0
    assert whole_dates(whole) == written


def test_a_day_that_may_be_a_month_is_no_declared_date() -> None:
    with pytest.raises(errors.RoleError, match="order of day and month"):
        hs.Cohort(base().assign(seen=["03/04/2015", "05/06/2016"] * (N // 2)), **ROLES, kind={"seen": "date"})
    with pytest.raises(errors.RoleError, match="are not dates"):
        hs.Cohort(base().assign(seen=[2020123, 2021031] * (N // 2)), **ROLES, kind={"seen": "date"})


def test_marks_of_missing_values_hold_for_numbers_and_categories_and_one_that_is_nowhere_is_told() -> None:
    r = np.random.default_rng(9)
    frame = base().assign(
        score=np.where(np.arange(N) < 20, -9, r.integers(0, 50, N)),
        stage=pd.Categorical(np.where(np.arange(N) < 30, "NK", r.choice(["I", "II"], N))),
    )
    cohort = hs.Cohort(frame, **ROLES, missing=[-9, "NK", "unknwon"])
    assert cohort.rows["score"].isna().sum() == 20 and cohort.rows["stage"].isna().sum() == 30
    assert list(cohort.rows["stage"].cat.categories) == ["I", "II"]
    assert cohort.notes == ("missing: 'unknwon' occurs in no column",)


def test_a_rare_value_far_from_a_few_others_is_asked_about() -> None:
    r = np.random.default_rng(10)
    ecog = np.where(np.arange(N) < 3, 9, r.integers(0, 3, N))
    assert has_likely_sentinel(pd.Series(ecog)) and not has_likely_sentinel(pd.Series(r.poisson(1, N)))
    assert not has_likely_sentinel(pd.Series(np.where(np.arange(N) < 9, 9, ecog)))
    with pytest.raises(errors.MixedTypesError, match="a code for unknown"):
        hs.Cohort(base().assign(ecog=ecog), **ROLES)
    assert hs.Cohort(base().assign(ecog=ecog), **ROLES, missing=[9]).rows["ecog"].isna().sum() == 3
    assert not has_likely_sentinel(pd.Series([1, 2, 3, 4, 6, 40] * 4)), "of 24 patients, 40 may be a measurement"


def test_a_rare_number_between_few_others_is_told_since_numbers_near_it_are_drawn() -> None:
    r = np.random.default_rng(11)
    dose = np.where(np.arange(N) < 4, 12.5, r.choice([5.0, 10.0, 20.0, 40.0], N))
    cohort, synthetic = copied(base().assign(dose=dose, ecog=np.where(np.arange(N) < 4, 3, r.integers(0, 3, N))))
    assert cohort.notes[0].startswith("dose: a number of fewer than 5 patients is replaced by numbers near it; declare")
    drawn = copied(base().assign(dose=dose), levels={"dose": [5, 10, 12.5, 20, 40]})[1]
    assert set(drawn[0].frame["dose"]) == {5.0, 10.0, 12.5, 20.0, 40.0}
    assert set(synthetic[0].frame["dose"]) != set(dose)


def test_an_ordered_category_that_loses_its_order_says_so() -> None:
    stage = pd.Categorical(np.where(np.arange(N) < 3, "IV", np.array(["I", "II", "III"] * (N // 3))), ordered=True)
    cohort, synthetic = copied(base().assign(stage=stage))
    assert cohort.notes == ("stage: levels of fewer than 5 patients are pooled, so the order of levels is lost",)
    assert list(synthetic[0].frame["stage"].cat.categories) == ["I", "II", "III", POOLED]
    common = pd.Categorical(["I", "II", "III"] * (N // 3), ordered=True)
    ordered, kept = copied(base().assign(stage=common))
    assert not ordered.notes and kept[0].frame["stage"].dtype == common.dtype


def test_whole_numbers_that_a_float_cannot_tell_apart_are_codes() -> None:
    codes = [999000031000000106, 999000031000000114, 999000031000000122]
    for stored in (np.array(codes * (N // 3)), pd.array(codes * (N // 3), "Int64")):
        cohort, synthetic = copied(base().assign(sct=stored))
        assert set(synthetic[0].frame["sct"]) == set(map(str, codes))
        assert "codes" in cohort.notes[0]


def test_more_than_twenty_codes_with_rare_ones_break_no_rule() -> None:
    site = [*(100 + np.random.default_rng(11).integers(0, 30, N - 2)), 998, 999]
    _, synthetic = copied(base().assign(site=site), m=2)
    assert synthetic.broken == {}


def test_money_in_another_currency_than_declared_is_refused() -> None:
    frame = base()
    with pytest.raises(errors.RoleError, match="name USD, and the declared currency is EUR"):
        hs.Cohort(frame.assign(cost=frame["cost"].map("${}".format)), **ROLES)


def test_points_that_may_stand_between_thousands_are_asked_about() -> None:
    frame = base()
    text = frame["cost"].map(lambda value: f"{int(value):,}".replace(",", "."))
    with pytest.raises(errors.MixedTypesError, match="unclear mark"):
        hs.Cohort(frame.assign(x=text), **ROLES)
