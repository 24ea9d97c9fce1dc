"""Fidelity, memory and validity of one synthetic cohort beside its source; definitions as in docs/methods.md."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError
from scipy.spatial.distance import cdist

import heorsynth as hs
from heorsynth.estimators.survival.estimates import kaplan_meier, rmst

TIMES = 1001


def curve(frame: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """Kaplan-Meier survival on a grid; past the last follow-up it stays where it was."""
    fitted = kaplan_meier(frame["time"].to_numpy(float), frame["event"].to_numpy() == 1)
    steps = np.concatenate([[1.0], fitted.survival])
    return steps[np.searchsorted(fitted.times, grid, side="right")]


def km_gap(real: pd.DataFrame, drawn: pd.DataFrame, grid: np.ndarray) -> float:
    """Mean over the grid of |S_real - S_drawn|; 1 if nobody was drawn."""
    return 1.0 if drawn.empty else float(np.abs(curve(real, grid) - curve(drawn, grid)).mean())


def indicators(*frames: pd.DataFrame) -> list[pd.DataFrame]:
    """The frames with levels as 0/1 columns, the same columns in each."""
    wide = pd.get_dummies(pd.concat(frames, keys=range(len(frames))), drop_first=True).astype(float)
    return [wide.loc[part] for part in range(len(frames))]


def cox(columns: pd.DataFrame, frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Log hazard ratios and standard errors, with lifelines' penalizer of 0.01 as in the published baselines."""
    data = columns.assign(**{"heor time": frame["time"].to_numpy(), "heor event": frame["event"].to_numpy()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = CoxPHFitter(penalizer=0.01).fit(data, "heor time", "heor event")
    return fit.params_, fit.standard_errors_


def cox_inside(real: pd.DataFrame, drawn: pd.DataFrame) -> float:
    """Share of log hazard ratios inside the real 95% interval, covariates standardised by the real cohort."""
    ours, theirs = indicators(real.drop(columns=["time", "event"]), drawn.drop(columns=["time", "event"]))
    ours = ours.loc[:, ours.std() > 0]  # a pooled level is in the drawn rows only
    centre, scale = ours.mean(), ours.std()
    ours, theirs = (ours - centre) / scale, (theirs[list(ours)] - centre) / scale
    held = [name for name in ours if theirs[name].std() > 0]
    try:
        wanted, error = cox(ours, real)
        found = cox(theirs[held], drawn)[0].reindex(wanted.index)
    except (ConvergenceError, np.linalg.LinAlgError):
        return 0.0
    return float(((found - wanted).abs() <= 1.96 * error).mean())


def marginal(real: pd.Series, drawn: pd.Series) -> float:
    """Kolmogorov-Smirnov distance of numbers, total variation of levels."""
    if real.dtype == object:
        shares = real.value_counts(normalize=True).sub(drawn.value_counts(normalize=True), fill_value=0)
        return float(shares.abs().sum() / 2)
    both = np.unique(np.concatenate([real, drawn]))
    held = [np.searchsorted(np.sort(column), both, side="right") / len(column) for column in (real, drawn)]
    return float(np.abs(held[0] - held[1]).max())


def associations(real: pd.DataFrame, drawn: pd.DataFrame) -> float:
    """Mean absolute difference of Spearman correlations over all pairs of columns."""
    ours, theirs = (wide.corr("spearman").fillna(0).to_numpy() for wide in indicators(real, drawn))
    pairs = np.triu_indices(len(ours), 1)
    return float(np.abs(ours - theirs)[pairs].mean())


def nearer_to_training(training: pd.DataFrame, others: pd.DataFrame, drawn: pd.DataFrame) -> float:
    """Share of rows whose nearest standardised neighbour is a training patient rather than another; ties halved."""
    parts = indicators(training, others, drawn)
    both = pd.concat(parts[:2])
    centre, scale = both.mean(), both.std().replace(0, 1)
    ours, theirs, rows = (((part - centre) / scale).to_numpy() for part in parts)
    near, far = cdist(rows, ours).min(axis=1), cdist(rows, theirs).min(axis=1)
    return float((near < far).mean() + (near == far).mean() / 2)


def fidelity(real: pd.DataFrame, drawn: pd.DataFrame, subgroup: str) -> dict[str, float]:
    """Every measure of the published table, but memory. Times not above 0 are invalid, and end at the start."""
    verbatim = len(drawn.merge(real.drop_duplicates(), how="inner", on=list(real.columns))) / len(drawn)
    invalid = float(((drawn["time"] <= 0) | ~drawn["event"].isin([0, 1])).mean())
    drawn = drawn.assign(time=drawn["time"].clip(lower=real["time"].min() / 2))
    grid = np.linspace(0, min(real["time"].max(), drawn["time"].max()), TIMES)
    horizon = float(np.quantile(real["time"], 0.8))
    wanted = rmst(real["time"].to_numpy(float), real["event"].to_numpy() == 1, horizon).value
    found = np.trapezoid(curve(drawn, np.linspace(0, horizon, 4001)), dx=horizon / 4000)
    smallest = real[subgroup].value_counts().idxmin()
    parts = [km_gap(real[real[subgroup] == level], drawn[drawn[subgroup] == level], grid)
             for level in real[subgroup].unique()]  # fmt: skip
    return {
        "KM gap": km_gap(real, drawn, grid),
        "KM gap, worst level": max(parts),
        "RMST, relative error": abs(found - wanted) / wanted,
        "censoring share, difference": abs(real["event"].mean() - drawn["event"].mean()),
        "Cox log HR inside 95%": cox_inside(real, drawn),
        "smallest level, share ÷ real": (drawn[subgroup] == smallest).mean() / (real[subgroup] == smallest).mean(),
        "marginals": float(np.mean([marginal(real[name], drawn[name]) for name in real])),
        "associations": associations(real, drawn),
        "verbatim rows": verbatim,
        "invalid rows": invalid,
    }


def money(real: pd.Series, drawn: pd.Series) -> dict[str, float]:
    """Costs of one cohort beside the source's."""
    grid = (np.arange(20_000) + 0.5) / 20_000
    distance = np.abs(np.quantile(real, grid) - np.quantile(drawn, grid)).mean()
    return {
        "zero share, difference": abs((real == 0).mean() - (drawn == 0).mean()),
        "mean ÷ real": drawn.mean() / real.mean(),
        "P99 ÷ real": drawn.quantile(0.99) / real.quantile(0.99),
        "Wasserstein-1 ÷ mean": float(distance) / real.mean(),
        "negative costs": float((drawn < 0).mean()),
    }


def net_benefit(cohort: hs.Cohort, threshold: float = 20_000) -> tuple[float, float]:
    """Incremental net monetary benefit of a simulated trial, and its standard error."""
    frame = cohort.frame
    benefit = threshold * frame["qaly"] - frame["cost"]
    new, usual = benefit[frame["arm"] == "new"], benefit[frame["arm"] == "usual"]
    return new.mean() - usual.mean(), float(np.sqrt(new.var() / len(new) + usual.var() / len(usual)))
