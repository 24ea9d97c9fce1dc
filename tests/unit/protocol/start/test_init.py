"""A file as it comes: what is read, what is recognised, what is asked, what is refused, and no patient named."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.columns import identifiers as identity
from heorsynth.data.files.csv_dialect import dialect_of
from heorsynth.data.files.io import read_frame
from heorsynth.data.files.text_layout import Dialect
from heorsynth.generators.sampling.source import require_source
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import write_lock
from heorsynth.protocol.start.init import Start, init

CANARY = "Canary-8842"
N = 60


def patients(**columns: object) -> pd.DataFrame:
    """Sixty made-up patients, with columns added, replaced, or (None) taken away."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({
        "subjid": [f"{CANARY}{i}" for i in range(N)], "trt01p": rng.choice(["Active", "Placebo"], N),
        "days": rng.integers(1, 900, N), "status": rng.integers(0, 2, N), "sex": rng.choice(["f", "m"], N),
        "marker": rng.normal(5, 1, N).round(3),
    })  # fmt: skip
    frame = frame.assign(**{name: value for name, value in columns.items() if value is not None})
    return frame.drop(columns=[name for name, value in columns.items() if value is None])


def started(folder: Path, frame: pd.DataFrame, **how: object) -> tuple[Start, str]:
    """What init makes of a frame written as CSV, and the protocol's text."""
    frame.to_csv(folder / "p.csv", **{"index": False, **how})  # type: ignore[arg-type]
    start = init(folder / "p.csv", folder / "start")
    return start, start.protocol.read_text(encoding="utf-8")


def adtte() -> pd.DataFrame:
    """An ADTTE table of two parameters; CNSR is 0 for the 20 events of OS and 1 or 2 for the rest."""
    one = patients(subjid=None, days=None, status=None, trt01p=None, sex=None).assign(
        USUBJID=[f"S-{i}" for i in range(N)], TRT01P=np.tile(["Placebo", "Active"], N // 2), PARAMCD="OS",
        AVAL=np.arange(N) + 1.5, AVALU="DAYS", CNSR=np.tile([0, 1, 2], N // 3), ADT="2024-03-01",
        TRT01PN=np.tile([0, 1], N // 2),
    )  # fmt: skip
    one.loc[::2, "ADT"] = "2024-04-02"
    return pd.concat([one, one.assign(PARAMCD="PFS")], ignore_index=True)


@pytest.mark.parametrize("name", ["cens", "Censored", "os_cnsr", "censoring"])
def test_a_column_named_for_censoring_is_asked_about_and_never_run_as_events(tmp_path: Path, name: str) -> None:
    start, text = started(tmp_path, patients(status=None, **{name: np.tile([0, 1], N // 2)}))
    assert f"The name {name} suggests censoring" in start.questions[0]
    assert "\n  # event_map: {0: 1, 1: 0}   # if 0 means the event" in text
    assert "\n  # event_map: {0: 0, 1: 1}   # if 0 means censored" in text
    with pytest.raises(errors.EventCodingError, match=r"line 7.*suggests censoring(.|\n)*event_map: \{0: 1, 1: 0\}"):
        load_source(read_protocol(start.protocol))
    start.protocol.write_text(text.replace("# event_map: {0: 1, 1: 0}", "event_map: {0: 1, 1: 0}"), encoding="utf-8")
    cohort, _ = load_source(read_protocol(start.protocol))
    assert cohort.outcome("os")[1][:4].tolist() == [1, 0, 1, 0]


def test_a_cohort_refuses_a_censoring_column_until_its_coding_is_declared() -> None:
    frame = patients().rename(columns={"status": "cens"})
    with pytest.raises(errors.EventCodingError, match="suggests censoring"):
        hs.Cohort(frame, endpoints={"os": ("days", "cens")}, id="subjid")
    for declared in ({"endpoints": {"os": ("days", "cens", {1: "death"})}},
                     {"endpoints": {"os": ("days", "cens")}, "event_map": {0: 0, 1: 1}}):  # fmt: skip
        assert hs.Cohort(frame, id="subjid", **declared).outcome("os")[1].sum() == frame["cens"].sum()  # type: ignore[arg-type]


def test_an_adtte_table_is_read_by_one_parameter_with_its_coding_turned_round(tmp_path: Path) -> None:
    start, text = started(tmp_path, adtte())
    assert 'source: {adtte: {file: "../p.csv", param: "OS"}}' in text
    assert "further parameters: PFS" in " ".join(start.questions)
    assert 'drop: ["TRT01PN", "ADT"]' in text
    cohort, _ = load_source(read_protocol(start.protocol))
    assert (cohort.n, cohort.schema.unit, cohort.arm_levels[0]) == (N, "day", "Placebo")
    assert cohort.outcome("os")[1].sum() == N // 3
    start.protocol.write_text(text.replace('"OS"', '"EFS"'), encoding="utf-8")
    with pytest.raises(errors.FileError, match=r"line 6.*has no parameter 'EFS'"):
        load_source(read_protocol(start.protocol))


@pytest.mark.parametrize("name", ["usubjid", "patient_id", "PatientNo", "id", "Subject Code"])
def test_a_row_a_visit_is_refused_and_told_how_many_patients_there_are(tmp_path: Path, name: str) -> None:
    visits = patients(subjid=None).loc[np.repeat(np.arange(N), 3)].assign(**{name: np.repeat(np.arange(N) * 7, 3)})
    with pytest.raises(errors.DuplicateIdError, match="180 rows of 60 patients"):
        started(tmp_path, visits)
    with pytest.raises(errors.DuplicateIdError, match="180 rows hold only 60 ids"):
        hs.Cohort(visits.assign(days=np.arange(180) + 1), endpoints={"os": ("days", "status")})


@pytest.mark.parametrize("name", ["site_id", "patient_age", "inpatient", "id_type"])
def test_what_only_sounds_like_a_patient_may_repeat(name: str) -> None:
    frame = patients(**{name: np.arange(N) // 2 * 3})
    assert hs.Cohort(frame, endpoints={"os": ("days", "status")}, id="subjid").n == N


def test_rows_that_repeat_evenly_under_another_name_are_asked_about_and_noted(tmp_path: Path) -> None:
    visits = patients(subjid=None, k=np.arange(N) // 2 * 3)
    start, _ = started(tmp_path, visits)
    assert start.questions[0].startswith("Each value of k is in the same number of rows")
    cohort = hs.Cohort(visits, endpoints={"os": ("days", "status")})
    evidence = hs.validate(cohort, hs.generators.create("marginals").fit(cohort).sample(m=2), purpose="teaching")
    assert [note for note in evidence.notes if note.startswith("Each value of 'k'")]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("patient_id", np.arange(N) * 7 + 1000, "named like an id"),
        ("Unnamed: 0", np.arange(N) * 2, "named like row numbers"),
        ("anything", np.random.default_rng(1).permutation(N) + 500, "consecutive whole numbers without repeats"),
        ("record_no", [f"R{i * 3}" for i in range(N)], "named like an id"),
    ],
)
def test_a_column_that_tells_patients_apart_is_no_covariate(
    tmp_path: Path, name: str, values: object, reason: str
) -> None:
    frame = patients(**{name: values})
    cohort = hs.Cohort(frame.drop(columns="subjid"), endpoints={"os": ("days", "status")})
    with pytest.raises(errors.UnfitColumnError, match=f"{reason}.*\n.*id='{name}'"):
        require_source(cohort)
    _, text = started(tmp_path, frame)
    assert f'drop: ["{name}"]' in text
    load_source(read_protocol(tmp_path / "start" / "p.yaml"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("marker2", np.random.default_rng(2).normal(0, 1, N)),
        ("cents", np.random.default_rng(3).choice(100_000, N, replace=False)),
        ("age", np.arange(N) + 20),
        ("x", np.random.default_rng(3).choice(1000, N, replace=False)),
        ("patient_score", np.random.default_rng(4).choice(1000, N, replace=False)),
    ],
)
def test_measurements_that_differ_for_all_patients_are_covariates(name: str, values: np.ndarray) -> None:
    require_source(hs.Cohort(patients(**{name: values}), endpoints={"os": ("days", "status")}, id="subjid"))
    assert identity.identifying_reason(pd.Series(values, name=name)) == ""


@pytest.mark.parametrize("spoil", [
    lambda frame: frame, lambda frame: frame[["subjid", "sex"]], lambda frame: frame[["sex", "trt01p"]],
    lambda frame: frame.assign(days="2024-01-31")[["subjid", "days"]],
])  # fmt: skip
def test_a_file_without_a_header_is_refused_and_names_no_patient(tmp_path: Path, spoil) -> None:
    rows = spoil(patients(subjid=[f"{CANARY}{i // 2}" for i in range(N)]))
    rows.to_csv(tmp_path / "p.csv", index=False, header=False)
    with pytest.raises(errors.FileError, match="line 1: is a row of values and not a header") as caught:
        read_frame(tmp_path / "p.csv")
    assert CANARY not in str(caught.value)


def test_a_header_whose_names_are_not_values_is_read(tmp_path: Path) -> None:
    frame = patients(female=np.tile(["female", "male"], N // 2), cost_2019=1)
    frame.to_csv(tmp_path / "p.csv", index=False)
    assert list(read_frame(tmp_path / "p.csv").columns) == list(frame.columns)


@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ","), ("\t", "."), ("|", "."), (",", ",")]
)
def test_separators_and_decimal_marks_are_told_apart(tmp_path: Path, separator: str, decimal: str) -> None:
    frame = patients(note=np.tile(["plain", "a; b|c, d"], N // 2), missing=np.where(np.arange(N) % 3, 1.25, np.nan))
    frame.to_csv(tmp_path / "p.csv", index=False, sep=separator, decimal=decimal)
    assert dialect_of(tmp_path / "p.csv") == Dialect(separator, decimal)
    pd.testing.assert_frame_equal(read_frame(tmp_path / "p.csv"), frame)


def test_what_was_assumed_to_read_a_file_is_said(tmp_path: Path) -> None:
    start, text = started(tmp_path, patients(), sep=";", decimal=",")
    said = "Read with a semicolon between columns and a decimal comma."
    assert said in repr(start) and said in text
    assert Dialect().assumed == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\n1,5;2.5\n1,7;2.25\n", "decimal commas in some columns"),
        ("a;b\n1,500;2\n2,250;3\n", "decimals or thousands"),
        ("a;b\n1.500,25;2\n2.250,5;3\n", "points between thousands"),
    ],
)
def test_decimal_marks_that_cannot_be_told_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    with pytest.raises(errors.FileError, match=message):
        read_frame(tmp_path / "p.csv")


def test_follow_ups_of_zero_are_counted_and_the_pair_is_still_recognised(tmp_path: Path) -> None:
    start, text = started(tmp_path, patients(days=np.where(np.arange(N) < 4, 0, np.arange(N))))
    assert 'endpoints: {os: ["days", "status"]}' in text
    assert "Of 60 follow-ups in days 4 are 0" in " ".join(start.questions)


def test_where_there_is_no_endpoint_each_column_that_was_considered_has_its_reason(tmp_path: Path) -> None:
    dates = pd.Timestamp("2024-01-31") + pd.to_timedelta(np.arange(N), "D")
    start, text = started(tmp_path, patients(days=None, months=[f"{i} m" for i in range(N)], start=dates, end=dates))
    asked = start.questions[0]
    assert "months (is not a number)" in asked and "status (possible)" in asked
    assert "start, end hold dates: make a column with the number of days" in asked
    assert 'drop: ["months", "start", "end"]' in text or 'drop: ["start", "end"]' in text


@pytest.mark.parametrize(
    ("levels", "reference"),
    [(["Active", "Placebo"], "Placebo"), (["new", "usual care"], "usual care"), (["a", "b"], ""),
     (["placebo low", "placebo high"], "")],
)  # fmt: skip
def test_the_arm_compared_with_is_guessed_by_its_name_or_asked_for(
    tmp_path: Path, levels: list[str], reference: str
) -> None:
    start, text = started(tmp_path, patients(trt01p=np.tile(levels, N // 2)))
    assert (f'\n  arm_reference: "{reference}"   # guessed' in text) is bool(reference)
    assert ("\n  # arm_reference:" in text) is not bool(reference)
    assert [asked for asked in start.questions if (reference or "trt01p") in asked]


def test_what_init_does_not_know_is_no_line_that_could_be_locked(tmp_path: Path) -> None:
    frame = patients(cost=np.arange(N) * 2.5, qaly=np.linspace(0.1, 0.9, N), trt01p=np.tile(["a", "b"], N // 2))
    start, text = started(tmp_path, frame)
    assert "\n# economics: {comparator: …" in text
    assert write_lock(start.protocol).is_file()
    start.protocol.with_suffix(".lock").unlink()
    start.protocol.write_text(text.replace("# economics", "economics"), encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match=r"line \d+, economics\.comparator: is a placeholder"):
        write_lock(start.protocol)
    start.protocol.write_text(text.replace("# economics", "economics").replace("…", "c"), encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match=r"economics\.comparator: not a level of the arm"):
        write_lock(start.protocol)


def test_no_value_of_a_patient_is_in_what_init_writes_or_says(tmp_path: Path) -> None:
    start, text = started(tmp_path, patients(note=[f"{CANARY} said {i}" for i in range(N)]))
    assert 'drop: ["note"]' in text
    assert CANARY not in text + repr(start) + start._repr_html_() + start.notebook.read_text(encoding="utf-8")


def test_a_protocol_with_a_name_in_quotes_still_opens_its_notebook(tmp_path: Path) -> None:
    patients().to_csv(tmp_path / 'it\'s "mine".csv', index=False)
    start = init(tmp_path / 'it\'s "mine".csv', tmp_path)
    assert read_protocol(start.protocol).document.title == 'Synthetic copy of it\'s "mine"'
    cells = json.loads(start.notebook.read_text(encoding="utf-8"))["cells"]
    (cell,) = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    names: dict[str, object] = {}
    exec("".join(cell["source"]), names)
    assert names["PROTOCOL"] == start.protocol.name


def test_two_endpoints_are_known_by_the_word_their_columns_share_and_coded_each_for_itself(tmp_path: Path) -> None:
    times = {name: np.arange(N) + 1.5 for name in ("pfs_months", "os_months")}
    events = {"os_status": np.tile(["alive", "dead"], N // 2), "pfs_status": np.tile([0, 1], N // 2)}
    start, text = started(tmp_path, patients(days=None, status=None, **events, **times))
    assert 'pfs: ["pfs_months", "pfs_status"]' in text and 'os: ["os_months", "os_status"]' in text
    assert '#   os: {"alive": 0, "dead": 1}' in text and "unit: month   # guessed:" in text
    block = text[text.index("  # event_map:") :].split("  unit:")[0]
    answered = text.replace(block, re.sub(r"^  # ", "  ", block, flags=re.MULTILINE))
    start.protocol.write_text(answered, encoding="utf-8")
    cohort, _ = load_source(read_protocol(start.protocol))
    assert [cohort.outcome(name)[1].sum() for name in ("os", "pfs")] == [N // 2, N // 2]


def test_a_tab_separated_file_may_end_in_tsv_and_a_spreadsheet_may_begin_with_a_mark(tmp_path: Path) -> None:
    frame = patients()
    frame.to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    text = frame.to_csv(index=False, sep=";", decimal=",", lineterminator="\r\n")
    (tmp_path / "p.csv").write_text("\ufeff" + text, encoding="utf-8")
    for name in ("p.tsv", "p.csv"):
        pd.testing.assert_frame_equal(read_frame(tmp_path / name), frame)


def test_a_file_of_names_without_patients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.FileError, match="0 rows"):
        started(tmp_path, patients().head(0))


def test_a_column_named_like_a_site_is_proposed_as_a_cluster_in_a_comment_only(tmp_path: Path) -> None:
    _, text = started(tmp_path, patients(practice=np.arange(N) % 5))
    (line,) = [one for one in text.splitlines() if "cluster:" in one]
    assert line.strip().startswith('# cluster: "practice"   #')
    path = tmp_path / "start" / "used.yaml"
    path.write_text(text.replace("# cluster:", "cluster:"), encoding="utf-8")
    cohort, _ = load_source(read_protocol(path))
    assert cohort.schema.cluster == "practice"


def test_a_column_of_which_all_values_differ_is_proposed_as_no_cluster(tmp_path: Path) -> None:
    _, text = started(tmp_path, patients(site=np.random.default_rng(1).permutation(N) * 7))
    assert "cluster:" not in text
