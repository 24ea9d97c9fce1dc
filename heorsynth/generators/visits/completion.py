"""What patients would have had at the visits that they missed: matched to others with the same past."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.visits import ends
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.schema import Schema

_DONORS = 5
"""The error of a prediction is that of one of so many patients with the nearest prediction."""

_RIDGE = 1e-2


def completed(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    """Return the cohort with a value at every visit, in the sense of missing at random.

    The law of trajectories is learnt from it. The law of the patients who attended would be another one where those who
    are worse leave, and who leaves is drawn afterwards, given arm and past values.

    Notes
    -----
    Columns are filled in the order of time. A missing value is predicted by arm, end of follow-up, death and earlier
    visits. The error of one of the five patients of the arm with the nearest prediction is added, and the result is
    the nearest value of the arm, so that spikes and bounds stay (local residual draws, then matching).

    References
    ----------
    Morris, White & Royston (2014) BMC Med Res Methodol 14:75. Little (1988) J Bus Econ Stat 6:287.
    """
    schema, frame = cohort.schema, cohort.rows.copy()
    end, dead = ends(cohort.arrays, schema)
    arm = arm_codes(frame, schema, cohort.arm_levels)
    arms = (arm[:, None] == np.unique(arm)[1:]).astype(float)
    finite = np.where(np.isfinite(end), end, 0.0)
    known = [arms, np.log1p(np.maximum(finite, 0.0))[:, None], dead.astype(float)[:, None]]
    for name in _in_time(schema):
        values = cohort.numbers(name)
        filled = _filled(values, np.column_stack(known), arm, rng)
        known.append(filled[:, None])
        if np.isnan(values).any():
            frame[name] = pd.Series(filled, index=frame.index).astype(frame[name].dtype)
    for name in dict.fromkeys(schema.schedule.times.values()):
        frame[name] = _hot_deck(cohort.numbers(name), rng)
    return Cohort.derive(schema, frame, label=cohort.label, name=cohort.name)


def arm_codes(frame: pd.DataFrame, schema: Schema, arms: tuple[str, ...]) -> np.ndarray:
    """Return the place (n,) of each row's arm; 0 for one without any."""
    if schema.arm is None:
        return np.zeros(len(frame), dtype=int)
    place = {level: index for index, level in enumerate(arms)}
    return np.array([place.get(level, 0) for level in as_text(frame[schema.arm]).fillna("")], dtype=int)


def _in_time(schema: Schema) -> tuple[str, ...]:
    """Return the columns of the values of visits in the order of time."""
    held = [(time, place, column) for place, visits in enumerate(schema.visits.values()) for time, column in visits]
    return tuple(column for _, _, column in sorted(held))


def _filled(values: np.ndarray, design: np.ndarray, arm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the values (n,), with missing ones taken from patients with a near prediction from a design (n, d)."""
    seen = ~np.isnan(values)
    if seen.all() or not seen.any():
        return np.where(seen, values, 0.0)
    x = (design - design[seen].mean(axis=0)) / np.where(design[seen].std(axis=0) > 0, design[seen].std(axis=0), 1.0)
    x = np.column_stack([np.ones(len(x)), np.clip(x, -5, 5)])
    gram = x[seen].T @ x[seen] + _RIDGE * seen.sum() * np.diag(np.r_[0.0, np.ones(x.shape[1] - 1)])
    predicted = x @ np.linalg.solve(gram, x[seen].T @ values[seen])
    found = values.copy()
    for one in np.unique(arm[~seen]):
        rows, donors = np.flatnonzero(~seen & (arm == one)), np.flatnonzero(seen & (arm == one))
        donors = donors if len(donors) >= _DONORS else np.flatnonzero(seen)
        donors = donors[np.argsort(predicted[donors], kind="stable")]
        many = min(_DONORS, len(donors))
        place = np.searchsorted(predicted[donors], predicted[rows]) - many // 2
        chosen = donors[np.clip(place, 0, len(donors) - many) + rng.integers(many, size=len(rows))]
        wanted = predicted[rows] + values[chosen] - predicted[chosen]
        held = np.sort(values[donors])
        above = np.clip(np.searchsorted(held, wanted), 1, len(held) - 1) if len(held) > 1 else np.zeros(len(rows), int)
        nearer = wanted - held[above - 1] < held[above] - wanted
        found[rows] = np.where(nearer, held[above - 1], held[above])
    return found


def _hot_deck(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the times (n,) of a visit, with missing ones taken at random from those who attended it."""
    seen = np.flatnonzero(~np.isnan(values))
    gaps = np.isnan(values)
    return np.where(gaps, values[rng.choice(seen, size=len(values))], values) if len(seen) else values
