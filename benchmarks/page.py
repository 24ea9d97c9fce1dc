"""Writes docs/operating-characteristics.md from its template and the stored results: `python benchmarks/page.py`.

Nothing is computed: each script beside this one keeps its rows in benchmarks/results when it runs.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from results import FOLDER, markdown, stored
from scipy.stats import norm

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "operating-characteristics.md"
PAGE = HERE.parent / "docs" / "operating-characteristics.md"

PASSES = "faithful: pass"


def enough_patients() -> pd.DataFrame:
    """How many patients a faithful generator needs to pass nine times in ten.

    It passes where |difference| ≤ margin - 1.645 SE, so with probability 2Φ(margin/SE - 1.645) - 1, and SE falls as
    1/√n: 90% needs margin/SE = 3.29. SE is read off the simulated size whose share of passes is nearest to one half.
    """
    reach, rows = norm.ppf(0.95), []
    for key, found in stored("operating_characteristics").groupby("estimand", sort=False):
        sizes, shares = found["n"].astype(int).to_numpy(), found[PASSES].astype(float).to_numpy()
        nearest = int(np.abs(shares - 0.5).argmin())
        if 0.02 < shares[nearest] < 0.98:
            times = norm.ppf((shares[nearest] + 1) / 2) + reach
            needed = f"{float(f'{sizes[nearest] * (2 * reach / times) ** 2:.2g}'):,.0f}"
        else:
            needed = f"at most {sizes[int(np.argmax(shares >= 0.9))]:,}"
        rows.append((key, needed, f"{shares[-1]:.3f}"))
    return pd.DataFrame(rows, columns=["estimand", "patients for 90%", "passes at 1,000"])


def page() -> str:
    """The page: the template, with each `<!-- name -->` replaced by the table of that name."""
    tables = {path.stem: stored(path.stem) for path in FOLDER.glob("*.csv")} | {"enough_patients": enough_patients()}

    def table(match: re.Match[str]) -> str:
        return markdown(tables[match.group(1)])

    return re.sub(r"<!-- (\w+) -->", table, TEMPLATE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
