"""The mark is not seen where there is none: not in numbers of another unit, not in heaps, copies and resamples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.data.labels.watermark import PUBLIC, PUBLIC_KEY
from heorsynth.data.labels.watermark_detection import Counted, detect, tallies
from heorsynth.generators.sampling.watermarking import marked

REPETITIONS = 100

Marked = dict[str, tuple[pd.DataFrame, tuple[str, ...]]]
Values = Callable[[np.random.Generator, int], np.ndarray]


def heaped(rng: np.random.Generator, values: np.ndarray, at: float) -> np.ndarray:
    """The values, of which half are rounded to multiples of `at`."""
    return np.where(rng.random(len(values)) < 0.5, (values / at).round() * at, values)


UNMARKED: dict[str, Values] = {
    "whole years in days": lambda rng, n: rng.normal(62, 10, n).round() * 365.25,
    "whole years in months": lambda rng, n: rng.normal(62, 10, n).round() * 30.4375,
    "days in months": lambda rng, n: rng.integers(1, 999, n) / 30.4375,
    "days in months, two decimals": lambda rng, n: (rng.integers(1, 999, n) / 30.4375).round(2),
    "days in weeks": lambda rng, n: rng.integers(1, 999, n) / 7,
    "days in years": lambda rng, n: rng.integers(1, 4000, n) / 365.25,
    "whole years as z-scores": lambda rng, n: (rng.normal(62, 10, n).round() - 61.9) / 10.3,
    "heaped at tens": lambda rng, n: heaped(rng, rng.normal(130, 20, n).round(), 10),
    "heaped at halves": lambda rng, n: heaped(rng, rng.normal(75, 14, n).round(1), 0.5),
    "one decimal": lambda rng, n: rng.normal(62, 10, n).round(1),
    "two decimals": lambda rng, n: rng.lognormal(0.6, 0.9, n).round(2),
    "all decimals": lambda rng, n: rng.normal(62, 10, n),
    "resampled": lambda rng, n: rng.choice(rng.normal(62, 10, n).round(1), n),
    "whole years in days, resampled": lambda rng, n: rng.choice(rng.normal(62, 10, n).round(), n) * 365.25,
    "five copies": lambda rng, n: np.tile(rng.normal(62, 10, n // 5).round(1), 5),
}  # fmt: skip


def p_of(frame: pd.DataFrame) -> float:
    """The p-value, that of whole numbers too, which `inspect` tells only where the mark is seen."""
    counted = tallies(frame)
    native = [replace(one, whole=False) for one in counted.native]
    found = detect(Counted(native, counted.converted), PUBLIC_KEY, PUBLIC).p
    return 1.0 if found is None else found


def most_of(repetitions: int, rate: float) -> int:
    """Accusations that a test of this rate exceeds in one of 1,000 simulations."""
    return int(binom.isf(0.001, repetitions, rate))


@pytest.mark.parametrize("what", UNMARKED)
def test_rows_without_a_mark_are_accused_no_more_often_than_the_p_value_says(what: str) -> None:
    """Nominal 1%: at most 6 of 200; 0.1%: at most 2; 5%: at most 20. `benchmarks/watermark.py` takes more."""
    draw, found = UNMARKED[what], []
    for n in (60, 200):
        rng = stream(1, "null", what, n)
        found += [p_of(pd.DataFrame({"x": draw(rng, n)})) for _ in range(REPETITIONS)]
    p = np.array(found)
    for rate in (0.05, 0.01, 0.001):
        assert (p <= rate).sum() <= most_of(len(p), rate), rate


@pytest.mark.parametrize("unit", [365.25, 30.4375, 12.0, 7.0, 1 / 30.4375, 1 / 7])
def test_whole_numbers_are_counted_as_themselves_in_any_unit(unit: float) -> None:
    values = stream(1, "whole").integers(1, 900, 300).astype(float)
    own, other = (tallies(pd.DataFrame({"x": values * by})).native[0] for by in (1.0, unit))
    assert own.whole and other.whole
    assert own.pairs.tolist() == other.pairs.tolist() and own.total.tolist() == other.total.tolist()


def test_years_of_age_are_too_coarse_to_hold_a_mark_in_whole_numbers() -> None:
    years = stream(1, "age").normal(62, 10, 300).round()
    for by in (1.0, 365.25, 30.4375, 12.0):
        counted = tallies(pd.DataFrame({"age": years * by}))
        assert not counted.native and not counted.converted


@pytest.mark.parametrize("name", ["pbc", "whas500", "randhie"])
@pytest.mark.parametrize("unit", [365.25, 30.4375, 12.0, 7.0, 1 / 365.25, 1 / 30.4375, 1 / 12, 17.104])
def test_the_mark_is_found_in_any_of_the_usual_units(name: str, unit: float, samplers: Marked) -> None:
    frame, columns = samplers[name]
    assert detect(tallies(frame.assign(**{one: frame[one] * unit for one in columns})), PUBLIC_KEY, PUBLIC).seen


@pytest.fixture(scope="module")
def samplers() -> Marked:
    """200 marked rows of each cohort, and the columns that hold the mark."""
    found = {}
    for name in ("pbc", "whas500", "randhie"):
        sampler = hs.generators.create("heor").fit(hs.datasets.load(name), seed=1)
        found[name] = marked(sampler.maker.draw(200, stream(3, "rows"), {}), sampler.domain, stream(3, "mark"))
    return found


@pytest.mark.parametrize("name", hs.datasets.names())
def test_no_bundled_cohort_and_no_resample_of_one_is_accused(name: str) -> None:
    frame = hs.datasets.load(name).frame
    found = [p_of(frame), *(p_of(frame.sample(min(len(frame), 500), replace=True, random_state=s)) for s in range(15))]
    assert min(found) > 1e-3


@pytest.mark.parametrize(("name", "found"), [("pbc", True), ("whas500", True), ("aids", False), ("gbsg2", False)])
def test_a_label_claims_the_mark_only_where_it_is_found_in_the_rows(name: str, found: bool) -> None:
    drawn = hs.generators.create("heor").fit(hs.datasets.load(name), seed=1).sample(m=2, seed=1)
    for cohort in drawn:
        assert cohort.label is not None
        assert cohort.label.watermark.startswith("none: ") is not found
        assert bool(cohort.label.marked) is found and bool(cohort.label.agreement) is found
        seen = detect(tallies(cohort.frame), PUBLIC_KEY, PUBLIC)
        assert seen.seen or not found


def test_each_file_of_a_folder_claims_what_its_own_rows_show_and_the_folder_what_all_do(tmp_path: Path) -> None:
    sampler = hs.generators.create("heor").fit(hs.datasets.load("pbc"), seed=1)
    large, small = (sampler.write(tmp_path / str(rows), 400, 1, rows_per_partition=rows) for rows in (400, 60))
    assert large.label is not None and small.label is not None
    assert large.label.watermark == "public key" and large.label.marked
    assert small.label.watermark.startswith("none: too few or too coarse") and not small.label.marked
    assert small.label.settings["partition"] == 1
