"""The scores of a Weibull model of follow-up, of which errors that allow for clusters are made."""

from __future__ import annotations

import numpy as np


def weibull_scores(
    time: np.ndarray,
    event: np.ndarray,
    design: np.ndarray,
    coef: np.ndarray,
    log_shape: float,
    entry: np.ndarray | None = None,
) -> np.ndarray:
    """Return each patient's score (n, k + 1): the derivatives of the log-likelihood in `coef` and `log_shape`.

    Parameters
    ----------
    design : array (n, k)     the log of the scale is `design @ coef`
    entry : array (n,)        start of follow-up, 0 or later

    Notes
    -----
    With w = κ log(t/λ) and z = exp(w), κ the shape: κ (z - δ) x for the coefficients, and δ (1 + w) - z w for log κ.
    Delayed entry at e adds -κ z_e x and z_e w_e.

    References
    ----------
    Kalbfleisch & Prentice (2002) The Statistical Analysis of Failure Time Data, section 3.2.
    """
    shape, scale = float(np.exp(log_shape)), design @ np.asarray(coef, float)
    happened = np.asarray(event, float)
    along = shape * (np.log(time) - scale)
    passed = np.exp(along)
    slope, bend = passed - happened, happened * (1 + along) - passed * along
    if entry is not None:
        late = np.asarray(entry, float) > 0
        before = shape * (np.log(np.where(late, entry, 1.0)) - scale)
        spent = np.where(late, np.exp(before), 0.0)
        slope, bend = slope - spent, bend + spent * before
    return np.column_stack([shape * slope[:, None] * design, bend])
