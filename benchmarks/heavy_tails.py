"""How often `costs.cv` passes a synthetic cost whose spread is at its margin, where costs have long tails.

    python benchmarks/heavy_tails.py [--repetitions 1000] [--sizes 500 2000 10000]

Real costs are gamma with 15% zeros, or lognormal with a standard deviation of logs of 0.8 to 1.6; synthetic ones gamma
with three quarters of the real coefficient of variation (the margin), or fresh draws of the real law. Prints a Markdown
table, and keeps its rows in benchmarks/results.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import pandas as pd
from results import markdown, store

from heorsynth.checks.core.finding import decide
from heorsynth.checks.core.scalar import Measured, compared
from heorsynth.checks.costs.check import SPREAD_PATIENTS
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.core.random import stream
from heorsynth.estimators.costs.costs import cv, spread_patients

WIDTH, M = 0.25, 5
MARGIN = margin_for("costs.cv", {"relative": WIDTH})
LAWS = {
    "gamma, 15% zeros": 0.0,
    "lognormal, 0.8": 0.8,
    "lognormal, 1": 1.0,
    "lognormal, 1.3": 1.3,
    "lognormal, 1.6": 1.6,
}
SHOWN = ("boundary: by its interval", "boundary: pass", "faithful: by its interval", "faithful: pass")
SHAPE, ZEROS = 1.5625, 0.15


def drawn(sigma: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Costs (n,) of a law."""
    if sigma:
        return rng.lognormal(0, sigma, n)
    return np.where(rng.random(n) < ZEROS, 0.0, rng.gamma(SHAPE, 1.0, n))


def spread(sigma: float) -> float:
    """The law's coefficient of variation."""
    if sigma:
        return math.sqrt(math.expm1(sigma**2))
    kept = 1 - ZEROS
    return math.sqrt((1 + 1 / SHAPE) / kept - 1)


def passes(real: np.ndarray, synthetic: list[np.ndarray]) -> tuple[bool, bool]:
    """Whether the finding on these costs passes by its interval; whether it does by the whole rule, see `spread`."""
    own, others = cv(real), [cv(one) for one in synthetic]
    measured = Measured(own.value, own.se**2, [one.value for one in others], [one.se**2 for one in others])
    numbers = compared(measured, MARGIN)
    alone = decide(numbers.lower, numbers.upper, MARGIN.width) == "pass"
    return alone, alone and spread_patients(real) >= SPREAD_PATIENTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 2000, 10_000])
    asked = parser.parse_args()
    rows = []
    for name, sigma in LAWS.items():
        shape = 1 / ((1 - WIDTH) * spread(sigma)) ** 2
        for n in asked.sizes:
            found = []
            for repetition in range(asked.repetitions):
                rng = stream(1, "heavy tails", name, n, repetition)
                real = drawn(sigma, n, rng)
                narrow = [rng.gamma(shape, 1.0, n) for _ in range(M)]
                found.append((*passes(real, narrow), *passes(real, [drawn(sigma, n, rng) for _ in range(M)])))
            shares = dict(zip(SHOWN, np.mean(found, axis=0), strict=True))
            told = {what: f"{share:.3f}" for what, share in shares.items()}
            rows.append({"real costs": name, "n": n, **told, "repetitions": asked.repetitions})
    store("heavy_tails", rows, ("real costs", "n"))
    print(markdown(pd.DataFrame(rows).astype(str)))


if __name__ == "__main__":
    main()
