"""Risks that anonymeter 1.1.0 finds in simulated rows, into anonymeter_risks.csv: run in an environment of its own.

    pip install anonymeter==1.1.0 && python tests/reference/anonymeter_risks.py

It needs numpy before 1.27, which heorsynth does not run with. `people` makes the same rows in both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

N = 400
KNOWN, SECRET = ["age", "sex", "stage", "marker"], "score"
HALVES = (["age", "sex", "marker"], ["stage", "score", "time"])
KINDS = ("fresh", "half", "copies")


def people(n: int, seed: int) -> pd.DataFrame:
    """People of one law: three numbers that go together, a time, and two columns of levels."""
    rng = np.random.default_rng(seed)
    age, marker = rng.normal(60, 9, n), rng.normal(0, 1, n)
    return pd.DataFrame({
        "age": age, "sex": np.where(rng.random(n) < 0.4, "m", "f"), "stage": rng.choice(list("abcd"), n),
        "marker": marker, "score": 50 + 0.4 * (age - 60) + 3 * marker + rng.normal(0, 8, n),
        "time": rng.exponential(3, n) + 0.01,
    })  # fmt: skip


def cohorts(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Source, people never seen, and synthetic rows: of others, half patients, all patients."""
    source, unseen, fresh = (people(N, 3 * seed + part) for part in range(3))
    half = pd.concat([source[: N // 2], fresh[N // 2 :]], ignore_index=True)
    return source, unseen, {"fresh": fresh, "half": half, "copies": source.copy()}


def main() -> None:
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

    found = []
    for seed in range(1, 6):
        source, unseen, drawn = cohorts(seed)
        for kind, rows in drawn.items():
            asked = {
                "disclosure.singling_out": SinglingOutEvaluator(
                    ori=source, syn=rows, control=unseen, n_attacks=1000, n_cols=4, seed=seed),
                "disclosure.linkability": LinkabilityEvaluator(
                    ori=source, syn=rows, control=unseen, n_attacks=N, aux_cols=HALVES, n_neighbors=1),
                "disclosure.attribute": InferenceEvaluator(
                    ori=source, syn=rows, control=unseen, n_attacks=N, aux_cols=KNOWN, secret=SECRET, regression=True),
            }  # fmt: skip
            for attack, evaluator in asked.items():
                evaluator.evaluate(**({"mode": "multivariate"} if attack.endswith("out") else {}))
                result = evaluator.results()
                found.append((kind, seed, attack, result.attack_rate.value, result.control_rate.value))
    columns = ["rows", "seed", "attack", "source", "unseen"]
    means = pd.DataFrame(found, columns=columns).groupby(["attack", "rows"], sort=False)[["source", "unseen"]].mean()
    means.round(4).to_csv(Path(__file__).parent / "anonymeter_risks.csv")


if __name__ == "__main__":
    main()
