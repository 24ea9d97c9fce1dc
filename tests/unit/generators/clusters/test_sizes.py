"""Sizes of clusters: the source's spread, no single size, and every row placed."""

import numpy as np
import pytest

from heorsynth.generators.clusters.sizes import SizeLaw


def test_equal_clusters_stay_equal() -> None:
    law = SizeLaw.of(np.ones(9))
    assert law.shared(180, 9, np.random.default_rng(1)).tolist() == [20] * 9


def test_the_mean_and_the_spread_of_sizes_are_kept() -> None:
    rng = np.random.default_rng(2)
    sizes = rng.lognormal(0, 0.5, 200)
    drawn = np.concatenate([SizeLaw.of(sizes).drawn(200, np.random.default_rng(seed)) for seed in range(20)])
    assert drawn.mean() == pytest.approx(sizes.mean(), rel=0.01)  # a hundredth: 4,000 draws, one in each of equal parts
    assert drawn.std() == pytest.approx(sizes.std(), rel=0.05)  # within a piece of five the spread is a line's


def test_no_knot_is_the_size_of_one_cluster() -> None:
    """One site is ten times as large as the others: the law has no such number."""
    sizes = np.array([1.0] * 9 + [10.0])
    law = SizeLaw.of(sizes)
    knots = np.concatenate([law.left, law.left + law.rise])
    assert not np.isclose(knots, 10.0).any() and (law.left > 0).all()
    assert len(law.left) == 2
    assert np.diff(law.edges) @ (law.left + law.rise / 2) == pytest.approx(sizes.mean())


@pytest.mark.parametrize(("rows", "count"), [(7, 7), (8, 7), (100, 3), (1, 1)])
def test_each_cluster_has_a_row_and_all_rows_are_placed(rows: int, count: int) -> None:
    law = SizeLaw.of(np.array([0.1, 0.2, 0.3, 1.0, 2.0, 3.0, 5.0]))
    found = law.shared(rows, count, np.random.default_rng(3))
    assert found.sum() == rows and found.min() >= 1 and len(found) == count


def test_a_law_of_sizes_is_written_and_read() -> None:
    law = SizeLaw.of(np.arange(1.0, 13.0))
    again = SizeLaw.from_dict(law.to_dict())
    assert (again.left == law.left).all() and (again.rise == law.rise).all() and (again.edges == law.edges).all()
