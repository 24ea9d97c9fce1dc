"""Groups of rows: by name, by place, and of some rows."""

import numpy as np

from heorsynth.generators.heor.groups import ALL, Groups


def test_rows_are_grouped_in_the_order_of_names_and_stay_in_order_within_a_group() -> None:
    told = Groups.of(np.array(["m", "f", "m", "f", "a"]))
    assert {name: rows.tolist() for name, rows in told.parts.items()} == {"a": [4], "f": [1, 3], "m": [0, 2]}
    assert list(told.parts) == ["a", "f", "m"] and Groups.of(told) is told


def test_cells_that_share_a_name_are_one_group_and_names_without_rows_are_left_out() -> None:
    placed = Groups.named(np.array(["x", "small", "small", "none"]), np.array([1, 0, 2, 0]))
    assert {name: rows.tolist() for name, rows in placed.parts.items()} == {"small": [0, 2], "x": [1, 3]}
    some = placed.take(np.array([3, 2, 1]))
    assert {name: rows.tolist() for name, rows in some.parts.items()} == {"small": [1], "x": [0, 2]}
    assert {name: rows.tolist() for name, rows in Groups.one(2).parts.items()} == {ALL: [0, 1]}
