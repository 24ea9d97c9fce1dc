"""Trials whose patients are known, and their curves as a reader would click them: input of `published.py` and tests."""

import numpy as np
import pandas as pd

import heorsynth as hs

PIXELS = (600, 400)
DAYS = 30.4375


def simulated_trial(rng: np.random.Generator) -> pd.DataFrame:
    """Two arms of 28 to 780 patients: Weibull events, staggered entry, loss to follow-up; times in months."""
    size = int(np.exp(rng.uniform(np.log(40), np.log(600))))
    shape, scale, log_ratio = np.exp(rng.normal(0, 0.25)), rng.uniform(6, 40), rng.normal(-0.25, 0.25)
    follow_up = scale * rng.uniform(0.6, 2.2)
    accrual, rate = follow_up * rng.uniform(0.1, 0.9), rng.choice([0, 0.1, 0.3]) / follow_up
    in_days, parts = rng.uniform() < 0.7, []
    for number, name in enumerate("ab"):
        n = max(20, int(size * rng.uniform(0.7, 1.3)))
        event_time = scale * (rng.exponential(size=n) * np.exp(-log_ratio * number)) ** (1 / shape)
        censored = follow_up - rng.uniform(0, accrual, n)
        if rate:
            censored = np.minimum(censored, rng.exponential(1 / rate, n))
        seen, event = np.minimum(event_time, censored), (event_time <= censored).astype(int)
        if in_days:
            seen = np.maximum(np.ceil(seen * DAYS), 1) / DAYS
        if event.sum() < 5:
            event[np.argsort(seen)[:5]] = 1
        parts.append(pd.DataFrame({"time": seen, "event": event, "arm": name}))
    return pd.concat(parts, ignore_index=True)


def real_trial(name: str, *, dropped: bool = True) -> pd.DataFrame:
    """The first two arms of a data set, named a and b; without the other patients, if `dropped`."""
    cohort = hs.datasets.load(name)
    endpoint = next(iter(cohort.schema.endpoints.values()))
    assert cohort.schema.arm is not None
    arm = cohort.frame[cohort.schema.arm].astype(str)
    frame = pd.DataFrame(
        {"time": cohort.frame[endpoint.time].astype(float), "event": (cohort.frame[endpoint.event] != 0).astype(int)}
    )
    frame["arm"] = arm.map(dict(zip(cohort.arm_levels[:2], "ab", strict=True)))
    return frame.dropna().reset_index(drop=True) if dropped else frame


def path_of(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """The corners (k, 2) of a Kaplan-Meier curve from (0, 1): both ends of each step, and the end of follow-up."""
    corners, height = [(0.0, 1.0)], 1.0
    for at in np.unique(time[event == 1]):
        lower = height * (1 - event[time == at].sum() / (time >= at).sum())
        corners += [(at, height), (at, lower)]
        height = lower
    if time.max() > corners[-1][0]:
        corners.append((time.max(), height))
    return np.array(corners)


def click(trial: pd.DataFrame, width: float, rng: np.random.Generator, error: float = 0.5) -> pd.DataFrame:
    """Both ends of each visible step: corners a pixel or more from the last one, with normal error in pixels."""
    parts = []
    for name, own in trial.groupby("arm"):
        corners = path_of(own["time"].to_numpy(), own["event"].to_numpy())
        pixels = corners * [PIXELS[0] / width, PIXELS[1]]
        kept = [0]
        for place in range(1, len(pixels)):
            if np.hypot(*(pixels[place] - pixels[kept[-1]])) >= 1:
                kept.append(place)
        clicked = pixels[kept] + rng.normal(0, error, (len(kept), 2))
        time, survival = np.maximum(clicked[:, 0] * width / PIXELS[0], 0), np.clip(clicked[:, 1] / PIXELS[1], 0, 1)
        parts.append(pd.DataFrame({"arm": name, "time": time.round(4), "survival": survival.round(4)}))
    return pd.concat(parts, ignore_index=True)


def table_of(trial: pd.DataFrame, counts: int, width: float) -> pd.DataFrame | None:
    """Numbers at risk at so many equally spaced times from 0; None for no table."""
    if not counts:
        return None
    rows = [
        {"arm": name, "time": at, "at_risk": int((own["time"] >= at).sum())}
        for name, own in trial.groupby("arm")
        for at in np.arange(counts) * width / counts
    ]
    return pd.DataFrame(rows)
