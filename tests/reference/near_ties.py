"""Writes near_ties.csv: follow-up of 300 patients in days, months and years, as differences of ages leave it.

Run in this folder:  python near_ties.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

PER_UNIT = {"day": 1.0, "month": 30.4375, "year": 365.25}


def patients() -> pd.DataFrame:
    """Whole days and, in months and years, what they are after a subtraction that rounds."""
    rng = np.random.default_rng(0)
    n = 300
    days = rng.integers(1, 999, n) // 4 + 1
    frame = pd.DataFrame({"event": rng.integers(0, 2, n), "arm": rng.choice(["a", "b"], n)})
    frame["age"] = rng.normal(62, 10, n).round()
    entry = np.where(rng.random(n) < 0.3, np.floor(days * rng.random(n)), 0.0)
    birth = rng.integers(10_000, 30_000, n)
    for unit, size in PER_UNIT.items():
        frame[f"time_{unit}"] = (birth + days) / size - birth / size
        frame[f"entry_{unit}"] = np.where(entry > 0, (birth + entry) / size - birth / size, 0.0)
    return frame


if __name__ == "__main__":
    patients().to_csv(Path(__file__).parent / "near_ties.csv", index=False, float_format="%.17g")
