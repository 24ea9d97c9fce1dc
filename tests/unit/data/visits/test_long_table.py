"""A long table of visits becomes one column a visit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heorsynth.core.errors import RoleError
from heorsynth.data.visits.long_table import is_long, widened

N = 6
FRAME = pd.DataFrame({"id": [f"P{k}" for k in range(N)], "time": [20.0] * N})


def table(jitter: float = 0.0) -> pd.DataFrame:
    rows = [(f"P{k}", month + jitter * k, 0.1 * k + month / 100) for k in range(N) for month in (0, 6, 12)]
    return pd.DataFrame(rows, columns=["id", "month", "value"])


def wide(long: pd.DataFrame, spec: object = ("id", "month", "value"), id: str | None = "id"):
    return widened(FRAME, id, {"eq5d": spec}, long)


def test_visits_at_their_planned_times_become_one_column_each():
    frame, declared = wide(table().sample(frac=1, random_state=1))
    assert declared == {"eq5d": {0.0: "eq5d_0", 6.0: "eq5d_6", 12.0: "eq5d_12"}}
    assert np.allclose(frame["eq5d_6"], 0.1 * np.arange(N) + 0.06)
    assert list(FRAME.columns) == ["id", "time"]


def test_visits_off_their_planned_times_keep_when_they_took_place():
    spec = {"id": "id", "time": "month", "value": "value", "at": [0, 6, 12]}
    frame, declared = wide(table(0.1), spec)
    assert declared["eq5d"][6.0] == ("eq5d_6", "eq5d_6_time")
    assert np.allclose(frame["eq5d_6_time"], 6 + 0.1 * np.arange(N))


def test_a_record_without_a_value_is_no_visit():
    long = table()
    long.loc[long["id"].eq("P1") & long["month"].eq(6), "value"] = np.nan
    frame, _ = wide(long)
    assert frame["eq5d_6"].isna().tolist() == [False, True, False, False, False, False]


def twice(long):
    return pd.concat([long, long.iloc[:1]])


def stranger(long):
    return pd.concat([long, pd.DataFrame({"id": ["X"], "month": [6], "value": [0.5]})])


def worded(long):
    return long.assign(value=long["value"].astype(object).where(long.index != 3, "good"))


def untimed(long):
    return long.assign(month=long["month"].where(long.index != 3))


@pytest.mark.parametrize(
    ("spoiled", "found"),
    [(twice, "1 patient with the same visit twice"), (stranger, "1 record of patients not in the frame"),
     (worded, "1 record whose value is no number"), (untimed, "1 record whose time is no number")],
)  # fmt: skip
def test_a_spoiled_table_is_refused_without_a_value(spoiled, found):
    with pytest.raises(RoleError) as error:
        wide(spoiled(table()))
    assert found in str(error.value)
    assert "good" not in str(error.value)
    assert "X" not in error.value.problems[0].found


def test_two_records_near_the_same_planned_visit_are_the_same_visit_twice():
    long = pd.concat([table(), pd.DataFrame({"id": ["P1"], "month": [7], "value": [0.5]})])
    with pytest.raises(RoleError, match="the same visit twice"):
        wide(long, {"id": "id", "time": "month", "value": "value", "at": [0, 6, 12]})


def test_units_that_change_are_refused():
    long = table().assign(unit=["points"] * 17 + ["percent"])
    with pytest.raises(RoleError, match="2 units: it changes between visits"):
        wide(long, {"id": "id", "time": "month", "value": "value", "unit": "unit"})


def test_times_that_vary_need_a_plan():
    with pytest.raises(RoleError, match="give the planned times"):
        wide(table(0.1))


def test_planned_times_must_increase():
    with pytest.raises(RoleError, match="do not increase"):
        wide(table(), {"id": "id", "time": "month", "value": "value", "at": [0, 12, 6]})


def test_an_unknown_column_names_the_nearest():
    with pytest.raises(RoleError, match="did you mean 'month'"):
        wide(table(), ("id", "monht", "value"))


def test_a_long_table_needs_the_id_and_new_names():
    with pytest.raises(RoleError, match="visits of a long table need it"):
        wide(table(), id=None)
    with pytest.raises(RoleError, match="is in the frame already"):
        widened(FRAME.assign(eq5d_6=1.0), "id", {"eq5d": ("id", "month", "value")}, table())


def test_the_two_forms_are_told_apart():
    assert is_long({"eq5d": ("id", "month", "value")})
    assert not is_long({"eq5d": {0: "e0", 6: "e6"}})
    assert not is_long(None)
