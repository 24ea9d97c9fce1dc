"""Packed rows: unpacking gives the bytes that were packed, whatever a column holds, and few cohorts stay unpacked."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.data.cohort import packed as module
from heorsynth.data.cohort.packed import Packed, Unpacked, packed
from heorsynth.data.columns.arrays import Arrays

N = 60
INDEX = partial(pd.RangeIndex, N)


def columns() -> dict[str, object]:
    """Columns of every kind, with the values that a careless packing would change."""
    rng = np.random.default_rng(1)
    measured = rng.normal(50, 10, N)
    some = np.arange(N) % 7 == 3
    edge = np.where(np.arange(N) % 2, np.iinfo(np.int64).max, np.iinfo(np.int64).min)
    return {
        "whole": rng.integers(0, 5000, N),
        "tiny": rng.integers(0, 2, N).astype(np.int8),
        "unsigned": rng.integers(0, 2**63, N).astype(np.uint64) * np.uint64(2),
        "edge": edge,
        "coded": np.where(some, np.nan, rng.integers(1, 5, N)),
        "one decimal": np.where(some, np.nan, measured.round(1)),
        "three decimals": measured.round(3),
        "exact": measured,
        "large": measured * 1e12,
        "negative zero": np.where(some, -0.0, 1.5),
        "infinite": np.where(some, np.inf, 2.0),
        "single": measured.round(1).astype(np.float32),
        "lost": np.full(N, np.nan),
        "truth": some,
        "text": np.where(some, "féminin", "m").astype(object),
        "gaps": np.where(some, None, "x").astype(object),
        "not a number": pd.Series(np.where(some, "", "b")).astype(object).where(~some | (np.arange(N) > 20), np.nan),
        "two gaps": np.array([None, np.nan, "x"] * (N // 3), dtype=object),
        "mixed": np.array([1, "1", True] * (N // 3), dtype=object),
        "nothing": np.full(N, None, dtype=object),
        "nullable": pd.array(np.where(some, None, 3), dtype="Int64"),
        "level": pd.Categorical(np.where(some, "a", "b")),
        "date": pd.date_range("2026-01-01", periods=N),
    }


def test_every_column_comes_back_with_its_bytes_and_its_type():
    frame = pd.DataFrame(columns())
    held = packed(frame.copy(), INDEX, Unpacked(N, frame.shape[1]))
    assert isinstance(held, Packed)
    pd.testing.assert_frame_equal(held.frame, frame)
    for name, column in frame.items():
        back = held.frame[name]
        assert back.dtype == column.dtype
        if isinstance(column.dtype, np.dtype) and column.dtype.kind != "O":
            assert back.to_numpy().tobytes() == column.to_numpy().tobytes()
        else:
            assert [type(one) for one in back] == [type(one) for one in column]


def test_arrays_are_those_of_the_frame():
    frame = pd.DataFrame(columns())
    held, plain = packed(frame.copy(), INDEX, Unpacked(N, frame.shape[1])), Arrays(frame)
    assert held.n == N and held.names == plain.names
    for name in frame.columns:
        np.testing.assert_array_equal(held.missing(name), plain.missing(name))
        np.testing.assert_array_equal(held.text(name), plain.text(name))
        assert held.levels(name).names.tolist() == plain.levels(name).names.tolist()
        assert held.levels(name).codes.dtype == plain.levels(name).codes.dtype
        if pd.api.types.is_numeric_dtype(frame[name]):
            np.testing.assert_array_equal(held.numbers(name), plain.numbers(name))
            np.testing.assert_array_equal(held.distinct(name).codes, plain.distinct(name).codes)
    np.testing.assert_array_equal(held.whole_numbers("tiny"), plain.whole_numbers("tiny"))
    rows = np.array([3, 5, 8])
    pd.testing.assert_frame_equal(held.take(rows).frame, frame.iloc[rows])


def test_levels_of_numbers_that_other_cohorts_have_are_those_of_the_cohort_itself():
    unpacked, values = Unpacked(4, 1), (np.array([1.0, 2.0, np.nan, 2.0]), np.array([2.0, np.nan, 1.0, 1.0]))
    tables = [packed(pd.DataFrame({"stage": one}), partial(pd.RangeIndex, 4), unpacked) for one in values]
    assert [table.text("stage").tolist() for table in tables] == [["1", "2", "", "2"], ["2", "", "1", "1"]]
    assert tables[0].levels("stage").names is tables[1].levels("stage").names


def test_a_cohort_is_packed_again_when_others_are_used_and_gives_the_same(monkeypatch):
    monkeypatch.setattr(module, "_MOST_CELLS", 2 * N * 23)
    frame = pd.DataFrame(columns())
    unpacked = Unpacked(N, frame.shape[1])
    tables = [packed(frame, INDEX, unpacked) for _ in range(3)]
    first = tables[0].frame
    assert tables[0].frame is first
    part = tables[0].take(np.arange(5))
    for table in tables[1:]:
        table.numbers("whole")
    assert tables[0].frame is not first
    pd.testing.assert_frame_equal(tables[0].frame, first)
    pd.testing.assert_frame_equal(part.frame, frame.iloc[:5])


def test_another_process_gets_the_packed_rows():
    frame = pd.DataFrame(columns()).drop(columns="exact")
    held = packed(frame.copy(), INDEX, Unpacked(N, frame.shape[1]))
    sent = pickle.dumps(held)
    pd.testing.assert_frame_equal(pickle.loads(sent).frame, frame)


def test_many_rows_are_not_packed():
    frame = pd.DataFrame({"age": np.arange(2001)})
    assert not isinstance(packed(frame, partial(pd.RangeIndex, 2001), Unpacked(2001, 1)), Packed)


@pytest.mark.filterwarnings("ignore")
def test_drawn_cohorts_are_a_sequence_of_labelled_cohorts_with_ids_whose_frames_do_not_change():
    trial, _ = hs.datasets.simulated_trial(60, seed=1)
    syn = hs.generators.create("heor").fit(trial, seed=1).sample(m=3, seed=1)
    assert len(syn) == 3 and [one.n for one in syn[1:]] == [60, 60]
    frame = syn[2].frame
    assert frame.index.name == "synthetic_id" and frame.index[0].endswith("-000120")
    assert frame.attrs["heorsynth"]["part"] == 2 and syn[2].synthetic and syn[2].synthetic_rows.all()
    frame.iloc[:, 0] = 0
    assert not syn[2].frame.iloc[:, 0].eq(0).all()
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(syn[2])).frame, syn[2].frame)
