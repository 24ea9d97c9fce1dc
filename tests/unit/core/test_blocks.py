"""Blocks of rows: they cover all rows once, and none is short."""

import numpy as np
import pytest

from heorsynth.core.blocks import blocks
from heorsynth.engine.task import one_thread


@pytest.mark.parametrize("n", [0, 1, 2047, 2048, 4095, 4096, 10_001])
def test_blocks_cover_every_row_once_in_order(n: int) -> None:
    found = [np.arange(n)[block] for block in blocks(n)]
    assert np.concatenate(found).tolist() == list(range(n))
    assert n < 2048 or min(map(len, found)) >= 2048


def test_a_product_in_blocks_is_that_of_the_whole_to_the_last_bit() -> None:
    rng = np.random.default_rng(1)
    for n in (2049, 4097, 6150):  # on one thread: two share a product between them, and not by blocks
        left, right = rng.normal(size=(n, 9)), rng.normal(size=(9, 20))
        with one_thread():
            found, whole = np.vstack([left[block] @ right for block in blocks(n)]), left @ right
        np.testing.assert_array_equal(found, whole)
