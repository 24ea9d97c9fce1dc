"""How often the checks of a decision are right, by how many cohorts there are.

    python benchmarks/decisions.py --repetitions 400

prints a Markdown table. The patients' own evaluation is given; the m synthetic cohorts of 60 rows are drawn around it
from a normal law. *Boundary* agrees with the patients' decision in exactly 95 of 100 (pooled, or one cohort alone),
*faithful* in all but 1 of 10,000, *bad* in 80 of 100; for the acceptability curve the mean curve is off by 0.1, by
nothing, and by 0.3. With 400 repetitions a true rate of 0.05 shows as 0.03 to 0.07; how often cohorts alone agree is
binomial, and its lines are exact.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter

import numpy as np
import pandas as pd
from scipy import optimize, stats

import heorsynth as hs
from heorsynth.checks.core.finding import decide
from heorsynth.checks.economics.decisions import share_with_interval
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.plan import checked_economics
from heorsynth.core.random import stream

WTP, ROWS = 20_000.0, 60
AGREES = {"faithful": 0.9999, "boundary": 0.95, "bad": 0.80}
GAPS = {"faithful": 0.0, "boundary": 0.10, "bad": 0.30}
WITHIN = 0.2
"""Standard deviation of a cohort's net benefit around the law's, in standard errors, where curves are compared."""

MARGINS = {
    "economics.pooled_decision": 0.05,
    "economics.decision_agreement": 0.05,
    "economics.ceac": 0.10,
}
SIZES = {
    "economics.pooled_decision": (2, 3, 5, 10, 20),
    "economics.decision_agreement": (20, 60, 100, 500),
    "economics.ceac": (2, 5),
}


def cohort(benefit: float, rng: np.random.Generator, schema: hs.Cohort | None = None) -> hs.Cohort:
    """Rows whose mean incremental net benefit at the threshold is exactly `benefit`: all of it cost, QALYs alike."""
    new = np.arange(ROWS) % 2 == 1
    noise, qaly = rng.normal(0, 1000, ROWS), 0.6 + rng.normal(0, 0.001, ROWS)
    for arm in (new, ~new):
        noise[arm] -= noise[arm].mean()
        noise[arm] *= 1000 / noise[arm].std(ddof=1)
        qaly[arm] += 0.6 - qaly[arm].mean()
    frame = pd.DataFrame({
        "time": rng.uniform(1, 2, ROWS), "event": rng.integers(0, 2, ROWS), "arm": np.where(new, "new", "usual"),
        "cost": 5000 + noise - np.where(new, benefit, 0.0), "qaly": qaly,
    })  # fmt: skip
    if schema is not None:
        return hs.Cohort.derive(schema.schema, frame, label=None)
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", arm_reference="usual", costs=["cost"],
                     utilities=["qaly"], unit="year")  # fmt: skip


def error() -> float:
    """The standard error of a cohort's net benefit."""
    return 1000.0 * math.sqrt(4 / ROWS)


def law(key: str, kind: str, m: int) -> tuple[float, float, float]:
    """The patients' net benefit, and mean and standard deviation of the cohorts', in standard errors."""
    if key == "economics.ceac":

        def gap(shift: float) -> float:
            return float(stats.norm.cdf((1.0 + shift) / math.sqrt(1 + WITHIN**2)) - stats.norm.cdf(1.0)) + GAPS[kind]

        shift = optimize.brentq(gap, -6, 6) if GAPS[kind] else 0.0
        return 1.0, 1.0 + shift, WITHIN
    cohorts = m if key == "economics.pooled_decision" else 1
    return 3.0, float(stats.norm.ppf(AGREES[kind])) / math.sqrt(cohorts), 1.0


def verdicts(key: str, kind: str, m: int, repetitions: int) -> Counter[str]:
    margin = {key: margin_for(key, {"absolute": MARGINS[key]}, checked_economics({"wtp": [WTP]}))}
    found = Counter[str]()
    own, centre, spread = law(key, kind, m)
    for repetition in range(repetitions):
        rng = stream(repetition, "decisions", key, kind, m)
        real = cohort(own * error(), rng)
        drawn = [cohort(float(rng.normal(centre, spread)) * error(), rng, real) for _ in range(m)]
        found[registry.findings("economics", real, drawn, margin, rng)[0].verdict] += 1
    return found


def exact(kind: str, m: int) -> dict[str, float]:
    """How often a share of m cohorts passes and fails, summed over the binomial law."""
    width, found = MARGINS["economics.decision_agreement"], Counter[str]()
    for same in range(m + 1):
        _, lower, upper = share_with_interval(same, m)
        found[decide(lower - 1, upper - 1, width)] += stats.binom.pmf(same, m, AGREES[kind])
    return found


def shares(key: str, kind: str, m: int, repetitions: int) -> list[float]:
    """How often the check passes and fails."""
    if key == "economics.decision_agreement":
        found = exact(kind, m)
        return [found["pass"], found["fail"]]
    counted = verdicts(key, kind, m, repetitions)
    return [counted["pass"] / repetitions, counted["fail"] / repetitions]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    asked = parser.parse_args()
    started = time.perf_counter()
    columns = [f"{kind}: {verdict}" for kind in AGREES for verdict in ("pass", "fail")]
    print(f"| estimand | margin | m | {' | '.join(columns)} |\n|---|---|---|{'---|' * len(columns)}")
    for key, sizes in SIZES.items():
        for m in sizes:
            found = [share for kind in AGREES for share in shares(key, kind, m, asked.repetitions)]
            cells = " | ".join(f"{share:.3f}" for share in found)
            print(f"| {key} | absolute {MARGINS[key]:g} | {m} | {cells} |", flush=True)
    print(f"\n{asked.repetitions} repetitions, {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
