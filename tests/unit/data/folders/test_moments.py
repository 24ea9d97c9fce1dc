"""Moments of three rows in two cells, by hand, and blocks that add up to those of all rows."""

import numpy as np
import pytest

from heorsynth.data.folders.moments import MomentBlocks

CELL, COLUMNS = np.array([0, 0, 1]), np.array([[1.0, 2.0], [3.0, 6.0], [np.nan, 5.0]])


def test_a_column_is_averaged_over_those_in_whom_it_is_known() -> None:
    blocks = MomentBlocks.of(CELL, COLUMNS)
    n, mean, comoment = blocks.over([0])
    assert (n, mean.tolist(), comoment.tolist()) == (2, [2.0], [[2.0]])
    n, mean, comoment = blocks.over([1])
    assert n == 3 and mean == pytest.approx([13 / 3]) and comoment == pytest.approx(np.array([[26 / 3]]))


def test_two_columns_together_rest_on_those_in_whom_both_are_known() -> None:
    n, mean, comoment = MomentBlocks.of(CELL, COLUMNS).over([0, 1])
    assert (n, mean.tolist(), comoment.tolist()) == (2, [2.0, 4.0], [[2.0, 4.0], [4.0, 8.0]])


def test_blocks_of_parts_add_up_to_the_block_of_all() -> None:
    rng = np.random.default_rng(2)
    cell, columns = rng.integers(3, size=40), rng.normal(1e6, 1.0, (40, 2))
    columns[::7, 0] = np.nan
    whole, parts = MomentBlocks.of(cell, columns), MomentBlocks.of(cell[:15], columns[:15])
    added = parts + MomentBlocks.of(cell[15:], columns[15:])
    for one, other in zip(whole.over([0, 1]), added.over([0, 1]), strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-6)
    assert sorted(whole.n) == sorted(added.n) and whole.n.sum() == 40


def test_zeros_ones_and_negative_values_are_counted_apart_and_infinite_ones_in_no_mean() -> None:
    blocks = MomentBlocks.of(np.zeros(5, int), np.array([[0.0], [1.0], [1.0], [-2.0], [np.inf]]))
    assert blocks.spikes.sum(axis=0).tolist() == [[1, 2, 1]]
    assert blocks.infinite.sum() == 1
    n, mean, _ = blocks.over([0])
    assert (n, mean.tolist()) == (4, [0.0])


def test_a_renumbered_cell_at_minus_1_is_left_out() -> None:
    blocks = MomentBlocks.of(CELL, COLUMNS).renumbered(np.array([-1, 4]))
    assert blocks.cell.tolist() == [4] and blocks.over([1])[0] == 1
