"""Rare levels are pooled until they hide their patients, by hand; the endpoint that is modelled first."""

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.data.columns.levels import POOLED
from heorsynth.generators.heor.shape import pooled_levels
from heorsynth.generators.rules.plan import primary_of


def levels(**counts: int) -> np.ndarray:
    return np.array([name for name, count in counts.items() for _ in range(count)], dtype=object)


def counted(values: np.ndarray) -> dict[str, int]:
    names, counts = np.unique(values.astype(str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def test_levels_of_fewer_patients_are_one_level() -> None:
    assert counted(pooled_levels(levels(a=20, b=3, c=2), 5)) == {"a": 20, POOLED: 5}


def test_where_they_are_too_few_patients_of_the_commonest_level_are_counted_to_them() -> None:
    assert counted(pooled_levels(levels(a=20, b=10, c=2), 5)) == {"a": 17, "b": 10, POOLED: 5}


def test_where_no_level_can_spare_so_many_the_rarest_common_one_is_pooled_too() -> None:
    assert counted(pooled_levels(levels(a=7, b=6, c=2), 5)) == {"a": 7, POOLED: 8}


def test_a_missing_level_stays_missing() -> None:
    found = pooled_levels(np.concatenate([levels(a=20, b=5, c=5), np.array([""] * 4, dtype=object)]), 6)
    assert counted(found) == {"": 4, "a": 20, POOLED: 10}


def test_the_first_endpoint_modelled_is_the_last_of_the_declared_order() -> None:
    frame = pd.DataFrame({"p": [1.0, 2, 3], "pe": [1, 0, 1], "t": [2.0, 3, 4], "te": [1, 0, 1], "x": [1, 2, 3]})
    ends = {"pfs": ("p", "pe"), "os": ("t", "te")}
    assert primary_of(hs.Cohort(frame, endpoints=ends, order=[("pfs", "os")]).schema).name == "os"
    assert primary_of(hs.Cohort(frame, endpoints=ends).schema).name == "pfs"
