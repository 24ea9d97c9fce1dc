"""A malformed declaration or column is refused as what it is: never a bare KeyError, never with a patient's value."""

import traceback
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors

CANARY = "73194.25 EUR, Meier"
OS = {"os": ("time", "event")}


def patients() -> pd.DataFrame:
    return pd.DataFrame({
        "time": np.arange(1.0, 41.0), "event": np.arange(40) % 2, "sex": np.tile(["f", "m"], 20),
        "cost": np.linspace(1, 9, 40), "age": np.linspace(30, 80, 40),
    })  # fmt: skip


def holding(column: str, value: object) -> pd.DataFrame:
    frame = patients().astype({column: object})
    frame.loc[3, column] = value
    return frame


def refusal(frame: object, **roles: object) -> errors.HeorsynthError:
    with pytest.raises(errors.HeorsynthError) as caught:
        hs.Cohort(frame, **{"endpoints": OS, **roles})  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(("roles", "kind", "told"), [
    ({"endpoints": {"os": ("time", "event", "death")}}, errors.RoleError, "causes are not of the form"),
    ({"endpoints": {"os": ("time", "event", {"dead": "death"})}}, errors.RoleError, "causes are not of the form"),
    ({"bands": {"group": ("age",)}}, errors.RoleError, "not of the form (column, edges, labels)"),
    ({"bands": {"group": "age"}}, errors.RoleError, "not of the form (column, edges, labels)"),
    ({"bands": {"group": ("age", 40, ("a", "b"))}}, errors.RoleError, "not of the form (column, edges, labels)"),
    ({"bands": {"group": ("age", ("x",), ("a", "b"))}}, errors.RoleError, "not of the form (column, edges, labels)"),
    ({"bands": {"group": ("age", (40,), "ab")}}, errors.RoleError, "not of the form (column, edges, labels)"),
    ({"bands": {"group": ("height", (40,), ("a", "b"))}}, errors.MissingColumnError, "'group'"),
    ({"unit": None}, errors.RoleError, "not a unit of time"),
    ({"event_map": {0: "no", 1: "yes"}}, errors.EventCodingError, "whole numbers"),
    ({"event_map": {0: -1, 1: 1}}, errors.EventCodingError, "whole numbers"),
    ({"event_map": {0: 0, 1: 1.5}}, errors.EventCodingError, "whole numbers"),
    ({"event_map": {0: 0, 1: 300}}, errors.EventCodingError, "whole numbers"),
    ({"event_map": {"so": {0: 0, 1: 1}}}, errors.EventCodingError, "did you mean 'os'?"),
])  # fmt: skip
def test_a_malformed_declaration_is_refused_with_how_to_write_it(roles: dict, kind: type, told: str) -> None:
    refused = refusal(patients(), **roles)
    assert type(refused) is kind
    assert told in str(refused)
    assert all(problem.fix for problem in refused.problems)


@pytest.mark.parametrize(("change", "kind", "told"), [
    (lambda f: f.to_dict("list"), errors.RoleError, "is a dict, not a pandas DataFrame"),
    (lambda f: f.rename(columns={"age": 0}), errors.RoleError, "1 name is not text"),
    (lambda f: f.assign(age=[[1], [2]] * 20), errors.MixedTypesError, "lists or other containers"),
    (lambda f: f.assign(event=[[0], [1]] * 20), errors.MixedTypesError, "lists or other containers"),
    (lambda f: f.assign(time=pd.date_range("2020", "2021", periods=40)), errors.DurationError, "dates or time spans"),
    (lambda f: f.assign(time=pd.to_timedelta(f["time"], "D")), errors.DurationError, "holds time spans"),
    (lambda f: f.assign(time=True), errors.DurationError, "no numbers of time"),
    (lambda f: f.assign(time=["n.k.", *f["time"].astype(str)[1:]]), errors.DurationError, "1 are not (1 word)"),
    (lambda f: f.assign(cost=np.append(f["cost"][:-1], np.inf)), errors.CohortError, "1 of 40 values is infinite"),
])  # fmt: skip
def test_a_column_of_another_kind_is_refused_as_what_it_is(change: Callable, kind: type, told: str) -> None:
    refused = refusal(change(patients()), costs=["cost"])
    assert type(refused) is kind
    assert told in str(refused)
    assert all(problem.fix for problem in refused.problems)


@pytest.mark.parametrize(("column", "roles"), [
    ("time", {}),
    ("time", {"endpoints": {**OS, "pfs": ("age", "event")}, "order": [("pfs", "os")]}),
    ("event", {}),
    ("event", {"event_map": {0: 0, 1: 1}}),
    ("cost", {"costs": ["cost"]}),
    ("cost", {"costs": ["cost"], "totals": {"cost": ["age"]}}),
    ("age", {"entry": "age"}),
    ("age", {"bands": {"sex": ("age", (40,), ("f", "m"))}}),
    ("sex", {"arm": "sex", "subgroups": ["sex"]}),
])  # fmt: skip
def test_a_stray_value_in_any_role_is_in_no_message_and_no_chained_error(column: str, roles: dict) -> None:
    frame = holding(column, CANARY)
    refused: BaseException | None = refusal(frame, **roles)
    while refused is not None:
        assert CANARY not in "".join(traceback.format_exception_only(refused))
        refused = refused.__cause__ or refused.__context__


def test_whole_number_categories_are_events_and_missing_ones_are_told() -> None:
    coded = patients().assign(event=pd.Categorical(np.tile([0, 1], 20)))
    assert hs.Cohort(coded, endpoints=OS).frame["event"].tolist() == [0, 1] * 20
    coded.loc[0, "event"] = None
    assert "1 of 40 are missing" in str(refusal(coded))


def test_endpoints_may_be_coded_apart() -> None:
    frame = patients().assign(progressed=np.tile(["yes", "no"], 20))
    cohort = hs.Cohort(
        frame, endpoints={**OS, "pfs": ("time", "progressed")}, event_map={"pfs": {"yes": 1, "no": 0}}
    )  # fmt: skip
    assert cohort.outcome("pfs")[1].tolist() == [1, 0] * 20
    assert cohort.outcome("os")[1].tolist() == [0, 1] * 20


def test_a_band_that_is_not_there_is_made() -> None:
    frame = pd.DataFrame({"time": [1.0, 2, 3, 4], "event": [1, 0, 1, 1], "age": [30.0, 39.9, 40, 60]})
    bands = {"group": ("age", (40,), ("young", "old"))}
    made = hs.Cohort(frame, endpoints={"os": ("time", "event")}, bands=bands, subgroups=["group"], unit="day")
    assert made.levels("group").tolist() == ["young", "young", "old", "old"]
    assert "group" not in frame


def test_a_typo_in_the_coding_of_events_is_told_by_the_values_it_lacks() -> None:
    status = np.array(["ALIVE", "LIVING", "DECEASED"] * 14)[:40]
    status[7] = "Canary-31"
    coding = {"ALIVE": 0, "LIVNG": 0, "DECEASED": 1}
    with pytest.raises(errors.EventCodingError) as caught:
        hs.Cohort(patients().assign(event=status), endpoints={"os": ("time", "event")}, event_map=coding)
    assert "not in event_map: LIVING and 1 other value\n" in str(caught.value)
    assert "the key nearest to 'LIVING' is 'LIVNG'" in str(caught.value) and "Canary" not in str(caught.value)


def test_one_row_is_told_as_one_row() -> None:
    frame = patients()
    frame["age_group"] = np.where(frame["age"] < 50, "<50", "50+")
    frame.loc[3, "age_group"] = "50+" if frame.loc[3, "age_group"] == "<50" else "<50"
    with pytest.raises(errors.RoleError, match=r"disagrees with 'age' in 1 row\n"):
        hs.Cohort(frame, endpoints={"os": ("time", "event")}, bands={"age_group": ("age", (50,), ("<50", "50+"))})
