"""A cohort in which every kind of rule is planted, and one in which none is."""

from __future__ import annotations

import numpy as np
import pandas as pd

import heorsynth as hs

PLANTED = {
    "`copy` = `drug`",
    "`qaly` = 0.25 * `u0` + 0.5 * `u6` + 0.25 * `u12`, within 5e-05",
    "`cost` = `drug` + `gp` + `hosp`",
    "`date2` = `date1` + `days`",
    "`age_group` is the band of `age`: '<40' below 40, '40-59' below 60, else '60+'",
    "`code` gives `label`",
    "`site` gives `arm`",
    "`surgery` = 'no' implies `surgery_date` is missing",
    "`surgery_date` is missing implies `surgery` = 'no'",
    "`pstat` = 0 implies `ptime` = `futime`",
    "`ptime` <= `futime`",
    "`dose` in steps of 5",
    "`sbp`, `dbp` are missing together",
}
"""Every rule of `planted`, in words."""


def planted(n: int, seed: int) -> hs.Cohort:
    """A trial of n patients, of the form of survival's mgus2 with visits, costs and sites."""
    rng = np.random.default_rng(seed)
    futime, pstat = rng.integers(10, 400, n), rng.integers(0, 2, n)
    ptime = np.where(pstat == 1, np.maximum(1, (futime * rng.random(n)).astype(int)), futime)
    age = rng.integers(20, 90, n)
    u0, u6, u12 = (np.round(rng.beta(5, 2, n), 3) for _ in range(3))
    drug, gp = np.round(rng.gamma(2, 500, n), 2), np.round(rng.gamma(1, 50, n), 2)
    hosp = np.round(np.where(rng.random(n) < 0.5, 0, rng.gamma(1, 900, n)), 2)
    surgery = rng.choice(["yes", "no"], n, p=[0.4, 0.6])
    site, code = rng.integers(0, 8, n), rng.choice([10, 20, 30, 40], n)
    date1, days = rng.integers(15_000, 16_000, n), rng.integers(1, 60, n)
    seen = rng.random(n) < 0.8
    frame = pd.DataFrame(
        {
            "futime": futime,
            "death": rng.integers(0, 2, n),
            "ptime": ptime,
            "pstat": pstat,
            "age": age,
            "age_group": np.where(age < 40, "<40", np.where(age < 60, "40-59", "60+")),
            "sex": rng.choice(["f", "m"], n),
            "u0": u0,
            "u6": u6,
            "u12": u12,
            "qaly": np.round(0.25 * u0 + 0.5 * u6 + 0.25 * u12, 4),
            "drug": drug,
            "hosp": hosp,
            "gp": gp,
            "cost": np.round(drug + hosp + gp, 2),
            "surgery": surgery,
            "surgery_date": np.where(surgery == "yes", rng.integers(15_000, 16_000, n).astype(float), np.nan),
            "site": np.char.add("s", site.astype(str)),
            "arm": np.where(site % 2 == 0, "a", "b"),
            "date1": date1,
            "date2": date1 + days,
            "days": days,
            "code": code,
            "label": np.char.add("L", code.astype(str)),
            "copy": drug,
            "dose": 5 * rng.integers(1, 60, n),
            "sbp": np.where(seen, rng.normal(130, 20, n).round(), np.nan),
            "dbp": np.where(seen, rng.normal(80, 10, n).round(1), np.nan),
        }
    )
    ends = {"os": ("futime", "death"), "pfs": ("ptime", "pstat")}
    return hs.Cohort(frame, endpoints=ends, arm="arm", costs=["cost"], utilities=["qaly"])


def independent(n: int, seed: int) -> pd.DataFrame:
    """Columns of all types that nothing ties, some with missing values and some with a frequent value."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "time": rng.integers(1, 300, n),
            "event": rng.integers(0, 2, n),
            "sex": rng.choice(["f", "m"], n),
            "stage": rng.choice(["I", "II", "III", "IV"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "site": rng.choice([f"s{i}" for i in range(12)], n),
            "cost": np.round(np.where(rng.random(n) < 0.4, 0, rng.gamma(1, 900, n)), 2),
            "other": np.round(np.where(rng.random(n) < 0.4, 0, rng.gamma(1, 900, n)), 2),
            "age": rng.integers(40, 80, n),
            "days": rng.integers(0, 30, n),
            "visits": rng.poisson(2, n),
            "grade": rng.integers(1, 4, n),
            "score": rng.normal(size=n),
            "share": rng.random(n).round(2),
        }
    )
    for name in ("share", "stage", "age"):
        frame[name] = frame[name].where(rng.random(n) > 0.15)
    return frame
