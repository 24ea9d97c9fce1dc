"""What the mark in the rows survives, how seldom it is seen where there is none, what it moves, and what it costs.

    python benchmarks/watermark.py [--repetitions 200] [--resamples 10000] [--rows 1000000] [--only cost]

prints Markdown tables. Cohorts of 200 rows are drawn by `heor` from public patients and from a simulated trial, and
treated as people treat files; the mark counts as seen at p <= 1e-5. `moved` compares every estimand of the
purpose in cohorts with and without the mark, in standard errors of the estimand's difference.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from generators import wide
from scipy.stats import binomtest

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import ID_COLUMN, synthetic_ids
from heorsynth.data.labels.watermark import PUBLIC, PUBLIC_KEY, measurements
from heorsynth.data.labels.watermark_detection import detect, tallies
from heorsynth.generators.sampling.cohorts import SyntheticCohorts
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.watermarking import marked

ROWS = 200
SOURCES = ("pbc", "randhie", "whas500", "aids", "trial")
REAL = ("pbc", "randhie", "whas500", "aids", "lung", "veterans", "gbsg2", "flchain")


def source(name: str) -> Cohort:
    return hs.datasets.simulated_trial(400, 3)[0] if name == "trial" else hs.datasets.load(name)


def seen(frame: pd.DataFrame) -> bool:
    return detect(tallies(frame), PUBLIC_KEY, PUBLIC).seen


def unmarked(sampler: Sampler, n: int, seed: int) -> pd.DataFrame:
    """Rows as the law draws them."""
    return sampler.maker.draw(n, stream(seed, "rows"), {})


def with_mark(sampler: Sampler, frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    rows, names = marked(frame, sampler.domain, stream(seed, "mark"))
    return sampler.maker.with_totals(rows), names


def noisy(frame: pd.DataFrame, names: tuple[str, ...], share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Normal noise on every value, of this share of the column's standard deviation."""
    return frame.assign(**{name: frame[name] + rng.normal(0, share * frame[name].std(), len(frame)) for name in names})


def replaced(frame: pd.DataFrame, names: tuple[str, ...], share: float, rng: np.random.Generator) -> pd.DataFrame:
    """This share of the values of each column exchanged for others of the column."""
    found = frame.copy()
    for name in names:
        hit = rng.random(len(frame)) < share
        found.loc[hit, name] = rng.permutation(frame[name].to_numpy())[hit]
    return found


def significant(frame: pd.DataFrame, names: tuple[str, ...], digits: int) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].map(lambda value: float(f"{value:.{digits}g}")) for name in names})


Treatment = Callable[[pd.DataFrame, tuple[str, ...], np.random.Generator, pd.DataFrame], pd.DataFrame]


def _half(names: tuple[str, ...], rng: np.random.Generator) -> list[str]:
    return list(rng.permutation(list(names))[: len(names) // 2])


TREATMENTS: Mapping[str, Treatment] = {
    "as drawn": lambda f, k, r, real: f,
    "half of the rows": lambda f, k, r, real: f.sample(frac=0.5, random_state=r.integers(10**6)),
    "half of the marked columns dropped": lambda f, k, r, real: f.drop(columns=_half(k, r)),
    "both": lambda f, k, r, real: f.drop(columns=_half(k, r)).sample(frac=0.5, random_state=r.integers(10**6)),
    "any half of the columns dropped, and half of the rows": lambda f, k, r, real: f[
        list(r.permutation(list(f.columns))[: -(-f.shape[1] // 2)])
    ].sample(frac=0.5, random_state=r.integers(10**6)),
    "rounded to 3 digits": lambda f, k, r, real: significant(f, k, 3),
    "rounded to 2 digits": lambda f, k, r, real: significant(f, k, 2),
    "other units (x 365.25)": lambda f, k, r, real: f.assign(**{name: f[name] * 365.25 for name in k}),
    "other units (/ 30.4375)": lambda f, k, r, real: f.assign(**{name: f[name] / 30.4375 for name in k}),
    "other units (/ 30.4375), 2 decimals": lambda f, k, r, real: f.assign(
        **{name: (f[name] / 30.4375).round(2) for name in k}
    ),
    "z-scores": lambda f, k, r, real: f.assign(**{name: (f[name] - f[name].mean()) / f[name].std() for name in k}),
    "logarithms": lambda f, k, r, real: f.assign(**{name: np.log1p(f[name].clip(lower=0)) for name in k}),
    "mean subtracted": lambda f, k, r, real: f.assign(**{name: f[name] - f[name].mean() for name in k}),
    "melted to one column": lambda f, k, r, real: f.melt(value_vars=list(k)).drop(columns="variable"),
    "5% of the values replaced": lambda f, k, r, real: replaced(f, k, 0.05, r),
    "noise of 0.5% of the SD": lambda f, k, r, real: noisy(f, k, 0.005, r),
    "noise of 1% of the SD": lambda f, k, r, real: noisy(f, k, 0.01, r),
    "noise of 5% of the SD": lambda f, k, r, real: noisy(f, k, 0.05, r),
    "mixed with half as many patients": lambda f, k, r, real: pd.concat(
        [f, real.sample(ROWS // 2, replace=True, random_state=r.integers(10**6))]
    ),
    "mixed with as many patients": lambda f, k, r, real: pd.concat(
        [f, real.sample(ROWS, replace=True, random_state=r.integers(10**6))]
    ),
}


def survival(repetitions: int) -> None:
    """Share of cohorts of 200 rows in which the mark is seen, by what was done to them."""
    counts = {name: dict.fromkeys(TREATMENTS, 0) for name in SOURCES}
    held = {}
    for name in SOURCES:
        real = source(name)
        sampler = hs.generators.create("heor").fit(real, seed=1)
        for seed in range(repetitions):
            rng = stream(seed, "treat", name)
            frame, columns = with_mark(sampler, unmarked(sampler, ROWS, seed), seed)
            held[name] = len(columns)
            for what, treat in TREATMENTS.items():
                counts[name][what] += seen(treat(frame, columns, rng, real.frame[list(frame.columns)]))
    print(f"| {ROWS} rows | " + " | ".join(f"{name} ({held[name]} marked)" for name in SOURCES) + " |")
    print("|" + "---|" * (len(SOURCES) + 1))
    for what in TREATMENTS:
        print(f"| {what} | " + " | ".join(f"{counts[name][what] / repetitions:.1%}" for name in SOURCES) + " |")


def false_alarms(resamples: int) -> None:
    """How often rows without a mark are said to carry one."""
    able = [
        name for name in REAL if any(measurements(source(name).frame[col]) is not None for col in source(name).frame)
    ]
    each = resamples // len(able)
    real = sum(
        seen(source_frame.sample(min(len(source_frame), 500), replace=True, random_state=seed))
        for source_frame in (source(name).frame for name in able)
        for seed in range(each)
    )
    drawn = 0
    for name in SOURCES:
        sampler = hs.generators.create("heor").fit(source(name), seed=1)
        drawn += sum(seen(unmarked(sampler, ROWS, seed)) for seed in range(each // 2))
    print(f"\nSeen in {real} of {each * len(able):,} resamples of {len(able)} public cohorts,")
    print(f"and in {drawn} of {each // 2 * len(SOURCES):,} synthetic cohorts without a mark.")


Values = Callable[[np.random.Generator, int], np.ndarray]
UNMARKED: Mapping[str, Values] = {
    "whole years x 365.25": lambda r, n: r.normal(62, 10, n).round() * 365.25,
    "days / 30.4375": lambda r, n: r.integers(1, 999, n) / 30.4375,
    "days / 7": lambda r, n: r.integers(1, 999, n) / 7,
    "whole years, z-scores": lambda r, n: (r.normal(62, 10, n).round() - 61.9) / 10.3,
    "heaped at tens": lambda r, n: np.where(r.random(n) < 0.5, r.normal(130, 20, n).round(-1), r.normal(130, 20, n)),
    "one decimal": lambda r, n: r.normal(62, 10, n).round(1),
    "two decimals": lambda r, n: r.lognormal(0.6, 0.9, n).round(2),
    "resampled": lambda r, n: r.choice(r.normal(62, 10, n).round(1), n),
    "five copies": lambda r, n: np.tile(r.normal(62, 10, n // 5).round(1), 5),
}


def null(repetitions: int) -> None:
    """How often unmarked numbers of one kind have a p-value of 1% or 0.1% or less, with 95% binomial limits."""
    print("\n| unmarked numbers, n = 40, 200 | p <= 0.01 | p <= 0.001 |\n|---|---|---|")
    for what, draw in UNMARKED.items():
        rng, found = stream(1, "null", what), []
        for n in (40, 200):
            for _ in range(repetitions):
                p = detect(tallies(pd.DataFrame({"x": draw(rng, n)})), PUBLIC_KEY, PUBLIC).p
                found.append(1.0 if p is None else p)
        cells = []
        for level in (0.01, 0.001):
            hits = int((np.array(found) <= level).sum())
            limits = binomtest(hits, len(found)).proportion_ci(method="exact")
            cells.append(f"{hits / len(found):.2%} ({limits.low:.2%} to {limits.high:.2%})")
        print(f"| {what} | {' | '.join(cells)} |", flush=True)


def moved(seeds: int, m: int) -> None:
    """What the mark does to the difference of every estimand, in its standard errors."""
    tables = []
    for name in ("pbc", "randhie", "trial"):
        real = source(name)
        asked: dict[str, object] = {"purpose": "model-development"}
        if real.schema.costs and real.schema.arm:
            asked = {"purpose": "economic-evaluation"}
        if name == "trial":
            asked["economics"] = {"comparator": "usual", "wtp": [20000]}
        sampler = hs.generators.create("heor").fit(real, seed=1)
        for seed in range(seeds):
            frames = [unmarked(sampler, real.n, seed * m + part) for part in range(m)]
            with_it = [with_mark(sampler, frame, seed * m + part)[0] for part, frame in enumerate(frames)]
            labels = sampler.sample(m=m, seed=seed)
            found = []
            for rows in (frames, with_it):
                cohorts = [
                    Cohort.derive(real.schema, frame.set_index(one.frame.index), label=one.label)
                    for frame, one in zip(rows, labels, strict=True)
                ]
                found.append(hs.validate(real, SyntheticCohorts(cohorts, [{}] * m), seed=1, **asked).to_frame())
            both = found[0].merge(found[1], on=["check", "estimand", "group"], suffixes=("", "_marked"))
            error = (both["upper"] - both["lower"]) / (2 * 1.96)
            both["shift"] = ((both["difference_marked"] - both["difference"]) / error).abs()
            both["margin_shift"] = ((both["difference_marked"] - both["difference"]) / both["margin"]).abs()
            both["other"] = both["verdict"] != both["verdict_marked"]
            both["what"] = np.where(both["estimand"].str.startswith("distribution of"), "distributions", both["check"])
            tables.append(both[np.isfinite(both["shift"].astype(float))])
    table = pd.concat(tables)
    print(
        "\n| moved, in standard errors | findings | root mean square | 99% | most "
        "| of the margin, most | other verdict |"
    )
    print("|" + "---|" * 7)
    for what, part in table.groupby("what"):
        shift = part["shift"].to_numpy(float)
        print(
            f"| {what} | {len(part)} | {np.sqrt((shift**2).mean()):.3f} | {np.quantile(shift, 0.99):.2f} | "
            f"{shift.max():.2f} | {part['margin_shift'].max():.2f} | {int(part['other'].sum())} |"
        )


def cost(rows: int) -> None:
    """Processor seconds to mark and to name rows, beside drawing, and to inspect the file: Parquet and CSV."""
    sampler = hs.generators.create("heor").fit(wide(20_000), seed=1)
    begin = time.process_time()
    frame = unmarked(sampler, rows, 1)
    drawn = time.process_time()
    frame, columns = with_mark(sampler, frame, 1)
    done = time.process_time()
    frame.index = pd.Index(synthetic_ids("1a2b3c4d", 0, rows), name=ID_COLUMN)
    named = time.process_time()
    print(f"\n{rows:,} rows of {frame.shape[1]} columns, in processor seconds: drawn {drawn - begin:.1f},")
    print(f"marked {done - drawn:.2f} ({len(columns)} columns), named {named - done:.2f}:")
    print(f"label and mark take {(named - drawn) / (drawn - begin):.1%} of drawing.")
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("parquet", "csv"):
            file = Path(folder) / f"large.{ending}"
            table = pa.Table.from_pandas(frame.reset_index(), preserve_index=False)
            (pq.write_table if ending == "parquet" else pacsv.write_csv)(table, file)
            begin, wall = time.process_time(), time.perf_counter()
            found = hs.inspect(file)
            took, waited = time.process_time() - begin, time.perf_counter() - wall
            print(f"inspect {ending}: {took:.1f} s (waited {waited:.1f} s), p = {found.watermark_p:.1g}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("survival", "null", "false_alarms", "moved", "cost"))
    asked = parser.parse_args()
    parts: Mapping[str, Callable[[], None]] = {
        "survival": lambda: survival(asked.repetitions),
        "null": lambda: null(5 * asked.repetitions),
        "false_alarms": lambda: false_alarms(asked.resamples),
        "moved": lambda: moved(4, 5),
        "cost": lambda: cost(asked.rows),
    }
    for name, part in parts.items():
        if asked.only in (None, name):
            part()


if __name__ == "__main__":
    main()
