"""Single values and rows against the columns that were asked for."""

import math

import pytest

from heorsynth.language.rows.told import Wanted, fault_of

WANTED = (Wanted("time", "time", ""), Wanted("event", "event", ""), Wanted("cost", "cost", ""))


@pytest.mark.parametrize("row, fault", [
    ({"time": 1, "event": 0, "cost": 0}, ""), ({"time": 0, "event": 0, "cost": 0}, "time: out of range"),
    ({"time": 1, "event": 1, "cost": -1}, "cost: out of range"),
    ({"time": math.inf, "event": 1, "cost": 1}, "time: no number"),
    ({"time": 1, "event": 1}, "cost: missing"), (None, "no row"),
])  # fmt: skip
def test_a_row_stands_or_has_one_fault(row: object, fault: str) -> None:
    assert fault_of(row, WANTED) == fault
