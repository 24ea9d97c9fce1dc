"""Speed and memory beside peers, each in a process of its own, in one run: `make bench`.

    python benchmarks/bench.py [--rows 1000 10000 100000 300000 1000000] [--columns 20 100 500 2000]
                               [--only generation …] [--limit 900] [--write]

prints Markdown tables of seconds, of ratios to heorsynth, and of memory above what the data take; `--write` puts
them into docs/performance.md, each in the place of the one before. What does not end within the limit, in seconds, is
said to take more, and is not run with more rows or columns. SYNTHEVAL_PYTHON names an interpreter that has SynthEval;
without it, and without a package that a line needs, that line is left out, and the table says so.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from generators import recipe, wide
from results import markdown, stored
from speed import costed

import heorsynth as hs
from heorsynth.checks.core.estimand import COUNTS
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.purposes import purpose_of
from heorsynth.core.random import stream
from heorsynth.data.folders.tally import Tally

FROM_TALLIES = {key for key, estimand in ESTIMANDS.items() if estimand.folders == COUNTS}

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
REPORTS = ("quality", "diagnostic")
SYNTHEVAL = "SynthEval, fast preset"
FEW_ROWS, FEW_COLUMNS = 1000, 20
"""Many columns are measured with so many rows, and many rows with so many columns."""
PURPOSES = ("software-testing", "teaching", "model-development", "economic-evaluation")
GENERATORS = ("heor", "gaussian_copula", "ctgan", "arf", "seqtrees")


def seqtrees(frame: pd.DataFrame) -> pd.DataFrame:
    """Sequential trees as their authors set them, on numbers and codes."""
    from seqtrees import SequentialTreeSynthesizer

    coded = frame.apply(lambda column: pd.factorize(column)[0] if column.dtype == object else column.astype(float))
    return SequentialTreeSynthesizer(random_state=1).fit(coded.fillna(0.0)).sample(len(frame))


def generate(name: str, rows: int) -> Callable[[], object]:
    """Fit to a cohort of twenty columns, and draw as many rows."""
    cohort = wide(rows)
    if name == "seqtrees":
        frame = cohort.frame
        return lambda: seqtrees(frame)
    return lambda: recipe(name).fit(cohort, seed=1).sample(m=1, seed=1)


def resampled(rows: int, columns: int = FEW_COLUMNS) -> tuple[hs.Cohort, hs.Cohort]:
    """A cohort of so many columns, and as many of its rows drawn again."""
    real = wide(rows, columns=columns)
    return real, real.take(np.random.default_rng(1).integers(rows, size=rows))


def check(name: str, rows: int) -> Callable[[], object]:
    """Survival, costs and representation by ours, from counts and moments; the quality report by SDMetrics."""
    real, drawn = resampled(rows)
    if name == "heorsynth":
        asked = purpose_of("economic-evaluation")
        margins = {one.key: margin_for(one.key, {**one.margin, "reason": one.reason}, {}) for one in
                   (*asked.decisive, *asked.supporting) if one.key in FROM_TALLIES}  # fmt: skip
        wanted = {part: {key: margin for key, margin in margins.items() if key in registry.estimands_of(part)}
                  for part in ("survival", "costs", "subgroups")}  # fmt: skip

        def ours() -> None:
            counted = Tally.of(real), [Tally.of(drawn)]
            for part, keys in wanted.items():
                registry.findings(part, *counted, keys, stream(1, part), None)

        return ours
    return report("quality", real, drawn)


def report(name: str, real: hs.Cohort, drawn: hs.Cohort) -> Callable[[], object]:
    """A report of SDMetrics on two cohorts: "quality" or "diagnostic"."""
    from sdmetrics.reports.single_table import DiagnosticReport, QualityReport

    made = {"quality": QualityReport, "diagnostic": DiagnosticReport}[name]()
    kinds = {str(column): {"sdtype": "numerical" if pd.api.types.is_float_dtype(values) else "categorical"}
             for column, values in real.rows.items()}  # fmt: skip
    frames = real.rows, drawn.rows
    return lambda: made.generate(*frames, {"columns": kinds}, verbose=False)


def purpose(name: str, rows: int) -> Callable[[], object]:
    """A whole purpose on one cohort of so many columns, or a report of SDMetrics: "teaching 20"."""
    what, columns = name.rsplit(" ", 1)
    real, drawn = resampled(rows, int(columns))
    if what in REPORTS:
        return report(what, real, drawn)
    return lambda: hs.validate(real, [drawn], what, economics={"wtp": [20_000]}, seed=1)


def bandwidth(columns: str, rows: int) -> Callable[[], object]:
    """One pass over as many numbers as two cohorts of so many columns have: what memory alone takes."""
    held = np.ones((2 * int(columns), rows))
    return held.sum


def columns(name: str, rows: int) -> Callable[[], object]:
    """Fit to a cohort of so many columns, and draw as many rows."""
    cohort = wide(rows, columns=int(name))
    return lambda: recipe("heor").fit(cohort, seed=1).sample(m=1, seed=1)


def cohorts(name: str, rows: int) -> Callable[[], object]:
    """So many cohorts of a simulated trial, drawn and judged for an economic evaluation."""
    trial, _ = hs.datasets.simulated_trial(rows, seed=1)
    sampler = hs.generators.create("heor").fit(trial, seed=1)
    return lambda: hs.validate(trial, sampler.sample(m=int(name), seed=1), economics={"wtp": [20_000]})


def verdict(name: str, _: int) -> Callable[[], object]:
    """So many cohorts of PBC, drawn and judged for model development: "500", or "500 processes" on all cores."""
    pbc = hs.datasets.load("pbc")
    sampler = hs.generators.create("heor").fit(pbc, seed=1)
    m, engine = int(name.split(maxsplit=1)[0]), "processes" if name.endswith("processes") else "local"
    drawn = partial(sampler.sample, m=m, seed=1, engine=engine)
    return lambda: hs.validate(pbc, drawn(), "model-development", seed=1, engine=engine)


def evaluation(name: str, _: int) -> Callable[[], object]:
    """An economic evaluation of so many cohorts of PBC that are drawn already."""
    real = costed()
    drawn = hs.generators.create("heor").fit(real).sample(m=int(name))
    return lambda: hs.validate(real, drawn, "economic-evaluation", economics={"wtp": [20_000]})


KINDS = {
    "generate": generate,
    "check": check,
    "purpose": purpose,
    "bandwidth": bandwidth,
    "columns": columns,
    "cohorts": cohorts,
    "verdict": verdict,
    "evaluation": evaluation,
}


def one(kind: str, name: str, rows: int) -> None:
    """Measures one thing in this process, and prints it as JSON."""
    action = KINDS[kind](name, rows)
    before, cpu, begin = peak(), time.process_time(), time.perf_counter()
    action()
    facts = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu, "mib": peak() - before}
    print(json.dumps(facts))


def peak() -> float:
    """The most memory this process has held so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(kind: str, name: str, rows: int, limit: float | None = None) -> dict[str, float]:
    """What a fresh process measures; TimeoutExpired where it did not end within the limit, in seconds."""
    return answer([sys.executable, __file__, "--one", kind, name, str(rows)], limit)


def answer(command: list[str], limit: float | None, folder: str | None = None) -> dict[str, float]:
    """The last line that a command prints, as JSON; TimeoutExpired after the limit, in seconds."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit, cwd=folder)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def generation(asked: argparse.Namespace) -> list[str]:
    """Fit and draw: seconds, and how many times ours."""
    lines = ["| rows | generator | seconds | times `heor` | memory, MiB |", "|---|---|---|---|---|"]
    too_slow: set[str] = set()
    for rows in asked.rows:
        own = measured("generate", "heor", rows)
        for name in GENERATORS:
            if name in too_slow or (name == "seqtrees" and not installed("seqtrees")):
                continue
            try:
                found = own if name == "heor" else measured("generate", name, rows, asked.limit)
            except subprocess.TimeoutExpired:
                too_slow.add(name)
                least = f"over {asked.limit:g} | over {asked.limit / own['seconds']:.0f}"
                lines.append(f"| {rows:,} | {name} | {least} | |")
                continue
            ratio = found["seconds"] / own["seconds"]
            lines.append(f"| {rows:,} | {name} | {found['seconds']:.1f} | {ratio:.1f} | {found['mib']:,.0f} |")
    return lines


def checking(asked: argparse.Namespace) -> list[str]:
    """Our checks of survival, costs and representation beside the quality report of SDMetrics."""
    lines = ["| rows | survival, costs, representation: seconds | SDMetrics' quality report: seconds | ratio |",
             "|---|---|---|---|"]  # fmt: skip
    for rows in (rows for rows in asked.rows if rows >= 10_000):
        own, peer = (measured("check", name, rows)["seconds"] for name in ("heorsynth", "sdmetrics"))
        lines.append(f"| {rows:,} | {own:.2f} | {peer:.2f} | {own / peer:.2f} |")
    return lines


def purposes(asked: argparse.Namespace) -> list[str]:
    """Whole purposes beside the reports of others: processor seconds, ratios, and one pass over the numbers."""
    head = ["rows", "columns", "purpose or report", "processor seconds", "÷ quality report", "÷ one pass over both"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    sizes = [(rows, FEW_COLUMNS) for rows in asked.rows]
    sizes += [(FEW_ROWS, columns) for columns in asked.columns if columns != FEW_COLUMNS]
    left = {SYNTHEVAL} - ({SYNTHEVAL} if os.environ.get("SYNTHEVAL_PYTHON") else set())
    slow: dict[str, list[tuple[int, int]]] = {}
    for rows, columns in sizes:
        once, peer = measured("bandwidth", str(columns), rows)["cpu"], None
        for name in ("quality", *PURPOSES, "diagnostic", SYNTHEVAL):
            beyond = any(rows >= most and columns >= wide for most, wide in slow.get(name, []))
            if name in left or beyond:
                continue
            try:
                own = judged(name, rows, columns, asked.limit)["cpu"]
                peer = own if name == "quality" else peer
                found = (
                    f"{own:.2f} | {own / peer:.2f} | {own / once:,.0f}" if peer else f"{own:.2f} | | {own / once:,.0f}"
                )
            except subprocess.TimeoutExpired:
                slow.setdefault(name, []).append((rows, columns))
                found = f"over {asked.limit:g} | |"
            lines.append(f"| {rows:,} | {columns:,} | {name} | {found} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return [*lines, *(f"\n{name} is not installed here, and not measured." for name in sorted(left))]


def judged(name: str, rows: int, columns: int, limit: float) -> dict[str, float]:
    """What a purpose or a report takes; TimeoutExpired where it did not end within the limit, in seconds."""
    if name != SYNTHEVAL:
        return measured("purpose", f"{name} {columns}", rows, limit)
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{part}.csv" for part in ("real", "drawn")]
        both = resampled(rows, columns)
        for cohort, path in zip(both, paths, strict=True):
            cohort.rows.to_csv(path, index=False)
        levels = [str(held) for held, values in both[0].rows.items() if not pd.api.types.is_float_dtype(values)]
        command = [os.environ["SYNTHEVAL_PYTHON"], str(ROOT / "benchmarks" / "syntheval_metrics.py"), *paths]
        return answer([*command, ",".join(levels)], limit, folder)  # it draws figures where it runs


def scaling(_: argparse.Namespace) -> list[str]:
    """Seconds as columns or cohorts grow; exponents are of the last step."""
    lines = ["| | from | seconds | to | seconds | exponent of the last step |", "|" + "---|" * 6]
    for what, kind, sizes, rows in (
        ("columns, `heor` fits and draws 20,000 rows", "columns", (20, 40, 80), 20_000),
        ("cohorts of 1,000, drawn and judged", "cohorts", (5, 20, 80), 1000),
    ):
        first, middle, last = (measured(kind, str(size), rows)["seconds"] for size in sizes)
        grown = np.log(last / middle) / np.log(sizes[2] / sizes[1])
        lines.append(f"| {what} | {sizes[0]} | {first:.1f} | {sizes[2]} | {last:.1f} | {grown:.2f} |")
    return lines


def small(_: argparse.Namespace) -> list[str]:
    """An economic evaluation of cohorts of PBC, and the memory of a verdict on hundreds of them."""
    lines = ["| cohorts of PBC | what | seconds | processor seconds | memory above the fit, MiB |", "|" + "---|" * 5]
    held = {}
    for kind, what, sizes in (("evaluation", "economic evaluation, drawn before", (20, 100)),
                              ("verdict", "drawn and judged for model development", (20, 500)),
                              ("verdict processes", "the same, a process a core", (500,))):  # fmt: skip
        for m in sizes:
            found = held[kind, m] = measured(kind.split()[0], kind.replace(kind.split()[0], str(m)), 0)
            lines.append(f"| {m} | {what} | {found['seconds']:.1f} | {found['cpu']:.1f} | {found['mib']:.0f} |")
    more = held["verdict", 500]["mib"] - held["verdict", 20]["mib"]
    return [*lines, f"\nA verdict on 500 cohorts takes {more:.0f} MiB more than one on 20."]


def goals(_: argparse.Namespace) -> list[str]:
    """What benchmarks/speed.py stored when it last ran."""
    return [markdown(stored("speed"))]


def dask(_: argparse.Namespace) -> list[str]:
    """One job of many equal tasks on one worker of a local Dask cluster and on two."""
    command = [sys.executable, str(ROOT / "benchmarks" / "operating_characteristics.py"), "--repetitions", "500",
               "--sizes", "500", "--estimands", "survival.rmst", "--dry", "--engine", "dask", "--workers"]  # fmt: skip
    took = []
    for workers in ("1", "2"):
        done = subprocess.run([*command, workers], capture_output=True, text=True, check=True)
        took.append(float(done.stdout.rsplit(", ", 1)[1].split(" s ")[0]))
    told = f"{took[0]:.0f} s with one worker, {took[1]:.0f} s with two: {took[0] / took[1]:.2f} times as fast."
    return [f"Operating characteristics on Dask: {told}"]


def cold(_: argparse.Namespace) -> list[str]:
    """Seconds, and processor seconds, from nothing loaded: the import, and the first verdict."""
    lines = ["| | seconds | processor seconds |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        run = [sys.executable, "-m", "heorsynth.cli", "run", str(ROOT / "protocols" / "pbc.yaml"), "--out", folder]
        for what, command in {"`import heorsynth`": [sys.executable, "-c", "import heorsynth"],
                              "`heorsynth run protocols/pbc.yaml`": run}.items():  # fmt: skip
            before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, capture_output=True, check=False)
            after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begin
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            lines.append(f"| {what} | {seconds:.2f} | {spent:.2f} |")
    return lines


def installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def machine(_: argparse.Namespace) -> list[str]:
    """What the numbers were measured on."""
    names = ("heorsynth", "numpy", "pandas", "sdv", "sdmetrics", "lifelines", "seqtrees")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names if installed(name))
    return [f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {versions}."]


PARTS: dict[str, tuple[str, Callable[[argparse.Namespace], list[str]]]] = {
    "machine": ("Measured on", machine),
    "cold": ("From a cold start", cold),
    "goals": ("A verdict, and bootstrap curves", goals),
    "workers": ("Workers", dask),
    "checking": ("Check one cohort of twenty columns", checking),
    "purposes": ("Whole purposes", purposes),
    "generation": ("Fit and draw as many rows of twenty columns", generation),
    "scaling": ("As columns and cohorts grow", scaling),
    "small": ("Many cohorts of few patients", small),
}
"""What is measured: its heading on the page, and the lines below it."""


def written(heading: str, text: str) -> None:
    """Puts a part into the page in the place of what stood under its heading, up to the next one."""
    page = PAGE.read_text(encoding="utf-8")
    under = re.compile(rf"(?<=## {re.escape(heading)}\n\n).*?(?=\n\n(?:## |<!-- /speed -->))", re.DOTALL)
    if not under.search(page):
        raise SystemExit(f"{PAGE.name} has no heading {heading!r}")
    PAGE.write_text(under.sub(lambda _: text, page, count=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000, 100_000, 300_000, 1_000_000])
    parser.add_argument("--columns", type=int, nargs="+", default=[20, 100, 500, 2000])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--limit", type=float, default=900, help="seconds that one line may take")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.one[0], asked.one[1], int(asked.one[2]))
        return
    for heading, lines_of in (PARTS[part] for part in asked.only):
        text = "\n".join(lines_of(asked))
        print(f"\n## {heading}\n\n{text}", flush=True)
        if asked.write:
            written(heading, text)


if __name__ == "__main__":
    main()
