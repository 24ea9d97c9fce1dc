"""What `init` makes of columns as real files have them: pairs, codings, money as text, ids, arms, and its purpose."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.columns.event_words import coding_by_words
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.start.guess_endpoints import endpoints, named_endpoints
from heorsynth.protocol.start.init import Start, init

N = 120
DIED = np.tile([0, 1, 1], N // 3)
DAYS = np.random.default_rng(1).integers(1, 900, N)


def patients(**columns: object) -> pd.DataFrame:
    """A hundred and twenty made-up patients, with columns added, replaced, or (None) taken away."""
    frame = pd.DataFrame({
        "pid": [f"P{i * 7}" for i in range(N)], "days": DAYS, "status": DIED,
        "marker": np.random.default_rng(2).normal(5, 1, N).round(3),
    })  # fmt: skip
    frame = frame.assign(**{name: value for name, value in columns.items() if value is not None})
    return frame.drop(columns=[name for name, value in columns.items() if value is None])


def ended(name: str, values: object) -> pd.DataFrame:
    """The same patients, whose event stands in a column of this name."""
    return patients().drop(columns="status").assign(**{name: values})


def started(folder: Path, frame: pd.DataFrame) -> tuple[Start, str]:
    frame.to_csv(folder / "p.csv", index=False)
    start = init(folder / "p.csv", folder / "start")
    return start, start.protocol.read_text(encoding="utf-8")


KINDS = {"T": DAYS, "E": DIED, "X": np.random.default_rng(3).normal(60, 9, N)}


@pytest.mark.parametrize(("columns", "wanted"), [
    ("pid:X year:T age:X nodes:T rtime:T recur:E dtime:T death:E chemo:E", "rfs rtime recur, os dtime death"),
    ("age:X meno:E rfstime:T status:E", "rfs rfstime status"),
    ("id:X age:X dxyr:T hgb:X ptime:T pstat:E futime:T death:E", "pfs ptime pstat, os futime death"),
    ("days_to_birth:T days_to_last_follow_up:T days_to_death:T vital_status:E", "os days_to_death vital_status"),
    ("time_to_mi:T mi:E diabetes:E time_to_death:T death:E", "mi time_to_mi mi, os time_to_death death"),
    ("pfs_months:T os_months:T os_status:E pfs_status:E", "os os_months os_status, pfs pfs_months pfs_status"),
    ("OS.time:T OS:E PFI.time:T PFI:E", "os OS.time OS, pfi PFI.time PFI"),
    ("futime:T fustat:E rx:E", "os futime fustat"),
    ("id:X age:X los:T lenfol:T fstat:E", "os lenfol fstat"),
    ("week:T arrest:E fin:E", "os week arrest"),
    ("survivalTime:T eventObserved:E", "os survivalTime eventObserved"),
    ("trt:E time:T status:E diagtime:T prior:E", "os time status"),
    ("age:X lifetime_smoking:E statin:E bedtime:X start:T stop:T", ""),
])  # fmt: skip
def test_a_follow_up_and_its_event_are_known_by_what_their_names_share(columns: str, wanted: str) -> None:
    pairs = [pair.split(":") for pair in columns.split()]
    frame = pd.DataFrame({name: KINDS[kind] for name, kind in pairs})
    found = {f"{one.name} {one.time} {one.event}" for one in named_endpoints(pair for pair, _ in endpoints(frame))}
    assert found == set(filter(None, wanted.split(", ")))


@pytest.mark.parametrize(("name", "event", "censored"), [
    ("status", "DECEASED", "LIVING"), ("vital_status", "Dead", "Alive"), ("status", "1:DECEASED", "0:LIVING"),
    ("pfs_status", "1:Recurred/Progressed", "0:DiseaseFree"), ("relapse", "yes", "no"), ("status", "event", "censored"),
    ("status", "relapse", "no relapse"), ("death", "Yes", "No"), ("censored", "event", "censored"),
])  # fmt: skip
def test_the_suggested_coding_is_the_right_way_round(tmp_path: Path, name: str, event: str, censored: str) -> None:
    frame = ended(name, np.where(DIED == 1, event, censored))
    start, text = started(tmp_path, frame)
    assert f'\n  event_map: {{"{censored}": 0, "{event}": 1}}   # guessed, by the words' in text
    assert f"is {censored!r} censored and {event!r} the event? A guess" in " ".join(start.questions)
    cohort, _ = load_source(read_protocol(start.protocol))
    assert (cohort.outcome(next(iter(cohort.schema.endpoints)))[1] == DIED).all()


@pytest.mark.parametrize(("name", "levels"), [
    ("status", ("group 1", "group 2")), ("status", ("yes", "no")), ("cens", ("yes", "no")), ("alive", ("yes", "no")),
])  # fmt: skip
def test_where_words_do_not_say_both_codings_are_offered_and_none_is_taken(
    tmp_path: Path, name: str, levels: tuple[str, str]
) -> None:
    _, text = started(tmp_path, ended(name, np.where(DIED == 1, *levels)))
    offered = re.findall(r"^  # event_map: \{(.*)\}   # if", text, flags=re.MULTILINE)
    assert len(offered) == 2 and not re.search(r"^  event_map:", text, flags=re.MULTILINE)
    assert offered[0].replace("0", "?").replace("1", "0").replace("?", "1") == offered[1] or " 1" in levels[0]
    with pytest.raises(errors.EventCodingError):
        load_source(read_protocol(tmp_path / "start" / "p.yaml"))


@pytest.mark.parametrize("name", ["censored", "cens"])
@pytest.mark.parametrize(
    "spelling", ["{true: 0, false: 1}", '{"true": 0, "false": 1}', '{"TRUE": 0, "FALSE": 1}', "{1: 0, 0: 1}"]
)
def test_true_and_false_are_coded_in_yaml_however_they_are_spelt(tmp_path: Path, name: str, spelling: str) -> None:
    start, text = started(tmp_path, ended(name, np.where(DIED == 0, "TRUE", "FALSE")))
    assert "  # event_map: {false: 1, true: 0}   # if true means censored" in text
    answered = text.replace("  # event_map: {false: 1, true: 0}", f"  event_map: {spelling}")
    start.protocol.write_text(answered, encoding="utf-8")
    cohort, _ = load_source(read_protocol(start.protocol))
    assert (cohort.outcome("os")[1] == DIED).all()


@pytest.mark.parametrize("column", [
    DIED.astype(str), DIED.astype(object), pd.Series(DIED).astype("string"), pd.Categorical(DIED.astype(str)),
    [f"{code}.0" for code in DIED], (DIED == 1).astype(object), DIED == 1,
])  # fmt: skip
def test_zero_and_one_are_read_whatever_they_are_stored_as(column: object) -> None:
    cohort = hs.Cohort(patients(status=column), endpoints={"os": ("days", "status")}, id="pid")
    assert (cohort.outcome("os")[1] == DIED).all()


def test_an_error_of_coding_suggests_the_levels_own_words_the_right_way_round() -> None:
    with pytest.raises(errors.EventCodingError, match=r"event_map=\{'LIVING': 0, 'DECEASED': 1\}"):
        hs.Cohort(patients(status=np.where(DIED == 1, "DECEASED", "LIVING")), endpoints={"os": ("days", "status")})
    assert coding_by_words("status", ["dead of disease", "dead of another cause"]) is None


@pytest.mark.parametrize(("name", "levels"), [
    ("relapse_free", ("no", "yes")), ("progression_free", ("N", "Y")), ("no_event", ("no", "yes")),
    ("death_censored", ("yes", "no")), ("death_excluded", ("yes", "no")), ("prior_relapse", ("yes", "no")),
    ("status", ("dead", "no longer alive")), ("status", ("death", "not censored")),
    ("margin", ("positive", "negative")),
    ("status", ("dead without disease", "alive")), ("status", ("died relapse-free", "alive")),
])  # fmt: skip
def test_words_that_may_mean_the_opposite_of_an_event_give_no_coding(name: str, levels: tuple[str, str]) -> None:
    assert coding_by_words(name, levels) is None


@pytest.mark.parametrize(("event", "censored"), [
    ("relapsed", "relapse-free"), ("relapsed", "free of relapse"), ("dead", "not dead"),
    ("dead", "alive, disease free"),
])  # fmt: skip
def test_words_that_deny_the_event_mean_censored(event: str, censored: str) -> None:
    assert coding_by_words("status", [event, censored]) == {event: 1, censored: 0}


NO_EVENT = ("alive", "survived", "relapse_free", "overall_survival", "no_event", "vital_status", "vitalstatus",
            "VStatus", "surv_status")  # fmt: skip
OPPOSITE = [(name, kind) for kind in (int, bool) for name in NO_EVENT]


@pytest.mark.parametrize(("name", "kind"), OPPOSITE)
def test_a_column_named_for_having_no_event_is_never_read_as_events(name: str, kind: type) -> None:
    frame = ended(name, (1 - DIED).astype(kind))
    with pytest.raises(errors.EventCodingError, match="suggests having no event: 1 may mean no event"):
        hs.Cohort(frame, endpoints={"os": ("days", name)}, id="pid")
    told = hs.Cohort(frame, endpoints={"os": ("days", name)}, id="pid", event_map={0: 1, 1: 0})
    assert (told.outcome("os")[1] == DIED).all()


@pytest.mark.parametrize(("name", "kind"), [one for one in OPPOSITE if one[0] not in ("survived", "overall_survival")])
def test_init_asks_about_a_column_named_for_having_no_event(tmp_path: Path, name: str, kind: type) -> None:
    start, text = started(tmp_path, ended(name, (1 - DIED).astype(kind)))
    assert re.search(
        rf"The name {name} suggests having no event: does (1|true) mean no event", " ".join(start.questions)
    )
    assert len(re.findall(r"^  # event_map: ", text, flags=re.MULTILINE)) == 2 and "\n  event_map:" not in text
    with pytest.raises(errors.EventCodingError):
        load_source(read_protocol(start.protocol))


def test_days_to_death_that_only_the_dead_have_is_to_be_combined_with_the_last_follow_up(tmp_path: Path) -> None:
    frame = patients(
        days=None, status=None, days_to_death=np.where(DIED == 1, DAYS, np.nan),
        days_to_last_follow_up=np.where(DIED == 0, DAYS, np.nan), vital_status=np.where(DIED == 1, "Dead", "Alive"),
    )  # fmt: skip
    start, _ = started(tmp_path, frame)
    line = "frame['time'] = frame['days_to_death'].fillna(frame['days_to_last_follow_up'])"
    lost = "dropping the rows would lose 40 of 40 patients without the event"
    assert line in " ".join(start.questions) and lost in " ".join(start.questions)
    with pytest.raises(errors.DurationError) as caught:
        load_source(read_protocol(start.protocol))
    assert line in str(caught.value) and lost in str(caught.value)
    names = {"frame": frame.copy()}
    exec(line, names)
    assert (names["frame"]["time"] == DAYS).all()


def test_follow_ups_of_zero_are_offered_as_half_a_unit_with_what_dropping_them_does(tmp_path: Path) -> None:
    days = np.where(np.arange(N) < 6, 0, DAYS)
    with pytest.raises(errors.DurationError) as caught:
        hs.Cohort(patients(days=days), endpoints={"os": ("days", "status")}, id="pid")
    told = re.search(r"count them as 0\.5 days: .* at ([\d.]+) days from ([\d.]+) to ([\d.]+)", str(caught.value))
    assert told is not None
    from lifelines import KaplanMeierFitter

    kept = KaplanMeierFitter().fit(np.where(days == 0, 0.5, days), DIED).predict(float(told[1]))
    dropped = KaplanMeierFitter().fit(days[days > 0], DIED[days > 0]).predict(float(told[1]))
    assert abs(float(told[2]) - kept) < 0.006 and abs(float(told[3]) - dropped) < 0.006
    start, _ = started(tmp_path, patients(days=days))
    assert told[0] in " ".join(start.questions)


MONEY = [f"€ {value:,.2f}" for value in np.random.default_rng(5).gamma(2, 2000, N)]


@pytest.mark.parametrize(("cells", "told"), [
    (MONEY, "numbers written as text (120 currency signs"),
    (["'--", "unknown", *MONEY[2:]], "numbers written as text (118 currency signs"),
    (["> 9000", *MONEY[1:]], "and also 1 inequality"),
    ([f"${1 + i % 9}.{100 + i}" for i in range(N)], "unclear thousands separators, several currencies"),
    ([f"{sign}{12 + i}" for i, sign in enumerate("€$" * (N // 2))], "unclear thousands separators, several currencies"),
])  # fmt: skip
def test_money_written_as_text_is_a_cost_and_never_the_id_nor_dropped(tmp_path: Path, cells: list, told: str) -> None:
    start, text = started(tmp_path, patients(pid=None, total_cost=cells, arm=np.tile(["a", "b"], N // 2)))
    assert '\n  costs: ["total_cost"]   # guessed' in text and "\n  id:" not in text and "drop:" not in text
    assert told in " ".join(start.questions)
    assert ('\n  kind: {"total_cost": number}   # guessed' in text) is ("may be" not in told and "several" not in told)
    assert ("\n  currency: EUR   # guessed" in text) is ("€" in cells[5] and "several" not in told)
    assert ("""\n  missing: ["'--", "unknown"]""" in text) is ("unknown" in cells)
    assert not any(cell in text + repr(start) for cell in MONEY)


@pytest.mark.parametrize(("names", "signs", "currency"), [
    (["cost"], "$", "USD"), (["cost_eur"], "", "EUR"), (["cost_usd"], "$", "USD"), (["cost_eur"], "$", ""),
    (["drug_cost", "hospital_cost_gbp"], "$", ""), (["drug_cost", "hospital_cost"], "$€", ""),
    (["cost_eur", "cost_usd"], "", ""),
])  # fmt: skip
def test_the_currency_is_what_cells_and_names_agree_on_and_a_contradiction_is_asked(
    tmp_path: Path, names: list[str], signs: str, currency: str
) -> None:
    costs = {name: [f"{signs[at % len(signs)] if signs else ''}{days + at}.25" for days in DAYS]
             for at, name in enumerate(names)}  # fmt: skip
    start, text = started(tmp_path, patients(arm=np.tile(["a", "b"], N // 2), **costs))
    assert ("\n  # currency: EUR" in text) is (currency == "")
    assert f"\n  currency: {currency}   # guessed" in text or not currency
    assert ("contain several currencies" in " ".join(start.questions)) is (currency == "")


def test_digits_with_leading_zeros_are_a_code(tmp_path: Path) -> None:
    start, text = started(tmp_path, patients(ward=[f"{i % 9:02}" for i in range(N)]))
    assert '\n  kind: {"ward": code}   # guessed' in text
    assert "ward has digits written like a code, for example with leading zeros: is it a code?" in start.questions


@pytest.mark.parametrize(("columns", "purpose"), [
    ({}, "model-development   # guessed: no arm and no costs"),
    ({"cost": DAYS * 1.5}, "model-development   # guessed: no arm"),
    ({"arm": np.tile(["a", "b"], N // 2)}, "model-development   # guessed: no costs"),
    ({"arm": np.tile(["a", "b"], N // 2), "cost": DAYS * 1.5}, "economic-evaluation   # guessed: the file has an arm"),
    ({"days": None}, "teaching   # guessed: no endpoint"),
])  # fmt: skip
def test_the_purpose_is_one_that_the_columns_can_answer(tmp_path: Path, columns: dict, purpose: str) -> None:
    assert f"\npurpose: {purpose}" in started(tmp_path, patients(**columns))[1]


def test_other_ids_may_repeat_beside_one_that_is_unique(tmp_path: Path) -> None:
    pairs = np.repeat(np.arange(N // 2), 2) * 3 + 1000
    frame = patients(**{"case.id": pairs}).rename(columns={"pid": "id"})
    start, text = started(tmp_path, frame)
    assert '\n  id: "id"   # guessed' in text
    assert load_source(read_protocol(start.protocol))[0].n == N
    assert hs.Cohort(frame, endpoints={"os": ("days", "status")}, id="id").n == N
    with pytest.raises(errors.DuplicateIdError, match="120 rows of 60 patients"):
        init_of = tmp_path / "visits"
        init_of.mkdir()
        started(init_of, frame.rename(columns={"case.id": "patient_id", "id": "record_id"}))
    with pytest.raises(errors.DuplicateIdError, match="hold only 60 ids"):
        hs.Cohort(frame.drop(columns="id"), endpoints={"os": ("days", "status")})


def test_of_three_arms_one_is_named_to_compare_with_and_the_draft_is_run_as_it_is(tmp_path: Path) -> None:
    start, text = started(tmp_path, patients(arm=np.tile(["x", "b", "c"], N // 3), days=DAYS + 1))
    assert '\n  arm_reference: "b"   # guessed, the first in the alphabet' in text
    assert "Which level of arm (b, c, x) is the comparator? b is a guess" in " ".join(start.questions)
    cohort, _ = load_source(read_protocol(start.protocol))
    assert cohort.arm_levels == ("b", "c", "x")
