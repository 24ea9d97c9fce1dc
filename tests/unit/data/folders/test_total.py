"""The total of parts is their sum, whatever their number."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.data.folders.tally import Tally
from heorsynth.data.folders.total import Total


def test_a_total_is_the_sum_of_its_parts_in_their_order_and_there_is_none_without_a_part() -> None:
    trial, _ = hs.datasets.simulated_trial(90, seed=1)
    parts = [Tally.of(trial.take(np.arange(30 * part, 30 * (part + 1)))) for part in range(3)]
    total = Total()
    for part in parts:
        total.add(part)
    assert total.tally.same_as(Tally.total(parts)) and total.tally.n == 90
    with pytest.raises(AssertionError, match="a folder has a partition"):
        Total().tally  # noqa: B018
