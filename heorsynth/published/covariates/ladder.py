"""The values that a characteristic has in an arm, in order: exactly as Table 1 states them, whoever has them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy
from scipy import special

from heorsynth.published.schema.document import MomentsSection
from heorsynth.published.schema.printed import Printed

_SHAPES = ("normal", "gamma", "log-normal")
"""Shapes of a law of which only mean and standard deviation are stated."""

_WIDEST = 40.0
"""The largest logarithm of a log-normal value relative to its median, which bounds the search for its shape."""

_DRAWN = 0.98
"""Of half a unit of the last digit: a number is drawn so far from the printed one at most."""

_CORRECTIONS = 6
"""Corrections of knots for quantiles that lie between two patients."""

_MOST_STRETCHED = 50.0
"""By which the tails beyond stated quartiles may be stretched to meet mean and SD."""


def numbers(cell: MomentsSection, n: int, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Return n ascending values with the moments and quantiles of a cell, and the name of their shape.

    Parameters
    ----------
    cell : MomentsSection    with mean and SD (or SE), or with a median and quartiles or range
    kind : str               "characteristic", "cost" (from 0 up) or "utility" (at most 1)

    Notes
    -----
    Each stated number is drawn within its rounding. Quantiles are those of a law at (i - 1/2) / n. Mean and SD: a
    normal, gamma or log-normal law, equally likely, whose shape is solved so that the n values have both exactly. A
    number with a mean above 0 is taken to be above 0: the normal law is left out where it would give values below. A
    utility is 1 minus such a value. A range is met by its ends, with a logit-normal law between. Quartiles, median
    and range: linear in the normal score between them, of the value or of its logarithm, equally likely. Where a median
    stands beside mean and SD, the outer parts are stretched to give these.
    """
    z = special.ndtri((np.arange(n) + 0.5) / n)
    mean, sd = _drawn(cell.mean, rng), _sd(cell, n, rng)
    if cell.median is not None or cell.iqr is not None:
        return _of_quantiles(cell, z, mean, sd, rng)
    assert mean is not None and sd is not None
    if n < 2 or sd == 0:
        return np.full(n, mean), "constant"
    if cell.range is not None:
        low, high = (float(_drawn(one, rng)) for one in cell.range)  # type: ignore[arg-type]
        return between(z, mean, sd, low, high), "logit-normal"
    if cell.zeros is not None:
        return _with_zeros(cell.zeros, z, mean, sd, rng)
    shape = _shape(kind, mean, sd, z, rng)
    if kind == "utility" and shape != "normal":
        return 1.0 - positive(z, 1.0 - mean, sd, shape)[::-1], f"1 - {shape}"
    return positive(z, mean, sd, shape), shape


def states_spread(cell: MomentsSection) -> bool:
    """Return whether a cell tells enough for `numbers`: a place and a spread."""
    spread = cell.sd is not None or cell.se is not None
    return (cell.mean is not None and spread) or cell.iqr is not None or (
        cell.median is not None and (cell.range is not None or (cell.mean is not None and spread))
    )  # fmt: skip


def quantities_met(cell: MomentsSection) -> tuple[str, ...]:
    """Return which stated quantities of a cell `numbers` meets exactly.

    Mean and SD beside quantiles are met only where no range is stated, and a share of zeros only beside mean and SD.
    """
    if not states_spread(cell):
        return ()
    by_quantiles, bounded = cell.median is not None or cell.iqr is not None, cell.range is not None
    moments = () if bounded and by_quantiles else ("mean", "sd", "se")
    zeros = () if bounded or by_quantiles else ("zeros",)
    return "n", *moments, "median", "iqr", "range", *zeros


def _drawn(number: Printed | None, rng: np.random.Generator) -> float | None:
    """A number within its rounding."""
    return None if number is None else float(number.value + _DRAWN * number.half * rng.uniform(-1, 1))


def _sd(cell: MomentsSection, n: int, rng: np.random.Generator) -> float | None:
    if cell.sd is not None:
        return max(float(_drawn(cell.sd, rng)), 0.0)  # type: ignore[arg-type]
    return None if cell.se is None else max(float(_drawn(cell.se, rng)), 0.0) * math.sqrt(n)  # type: ignore[arg-type]


def _shape(kind: str, mean: float, sd: float, z: np.ndarray, rng: np.random.Generator) -> str:
    """The shape of values of which only mean and SD are known."""
    room = 1.0 - mean if kind == "utility" else mean
    if room <= 0:
        return "normal"
    return str(rng.choice(_SHAPES if -z[0] * sd < room else _SHAPES[1:]))


def positive(z: np.ndarray, mean: float, sd: float, shape: str) -> np.ndarray:
    """Return ascending values (n,) at these normal scores with exactly this mean and standard deviation.

    Examples
    --------
    >>> values = positive(special.ndtri((np.arange(50) + 0.5) / 50), 10.0, 12.0, "gamma")
    >>> round(float(values.mean()), 6), round(float(values.std(ddof=1)), 6), bool(values.min() > 0)
    (10.0, 12.0, True)
    """
    if shape == "normal":
        return np.asarray(mean + sd * z / z.std(ddof=1))
    u = special.ndtr(z)
    law: Callable[[float], np.ndarray] = (
        (lambda a: np.exp(math.exp(a) * z))
        if shape == "log-normal"
        else (lambda a: special.gammaincinv(math.exp(-a), u))
    )

    def excess(a: float) -> float:
        values = law(a)
        return math.log(values.std(ddof=1) / values.mean()) - math.log(sd / mean)

    most = math.log(_WIDEST / np.abs(z).max()) if shape == "log-normal" else 3.0
    values = law(_root(excess, -12.0, most))
    return np.asarray(values * mean / values.mean())


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of an increasing function; the nearer end where it has none."""
    if function(low) >= 0:
        return low
    if function(high) <= 0:
        return high
    return float(scipy.optimize.brentq(function, low, high, xtol=1e-12))


def _with_zeros(
    zeros: Printed, z: np.ndarray, mean: float, sd: float, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    """Zeros first, and positive values that give mean and SD of all."""
    n, share = len(z), zeros.value / 100 if zeros.percent or zeros.value > 1 else zeros.value
    k = min(round(share * n), n - 1)
    rest = n - k
    squares = (n - 1) * sd**2 + n * mean**2
    own = n * mean / rest
    spread = (squares - rest * own**2) / max(rest - 1, 1)
    shape = str(rng.choice(_SHAPES[1:]))
    if spread <= 0:
        return np.r_[np.zeros(k), np.full(rest, own)], "constant above 0"
    inner = special.ndtri((np.arange(rest) + 0.5) / rest)
    return np.r_[np.zeros(k), positive(inner, own, math.sqrt(spread), shape)], f"zeros and {shape}"


def between(z: np.ndarray, mean: float, sd: float, low: float, high: float) -> np.ndarray:
    """Return ascending values (n,) from low to high with this mean and standard deviation, as near as they allow."""
    if len(z) < 3 or high <= low:
        return np.linspace(low, high, len(z))

    def values(at: np.ndarray) -> np.ndarray:
        inner = low + (high - low) * special.expit(at[0] + math.exp(np.clip(at[1], -9.0, 4.0)) * z)
        return np.r_[low, inner[1:-1], high]

    def gap(at: np.ndarray) -> np.ndarray:
        found = values(at)
        return np.array([found.mean() - mean, found.std(ddof=1) - sd]) / max(sd, 1e-12)

    share = np.clip((mean - low) / (high - low), 0.02, 0.98)
    start = np.array([special.logit(share), math.log(max(sd / ((high - low) * share * (1 - share)), 1e-3))])
    return values(scipy.optimize.least_squares(gap, start, xtol=1e-14, ftol=1e-14, gtol=1e-14).x)


def _of_quantiles(
    cell: MomentsSection, z: np.ndarray, mean: float | None, sd: float | None, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    quartiles = (cell.iqr[0] if cell.iqr else None, cell.median, cell.iqr[1] if cell.iqr else None)
    ends = cell.range if cell.range is not None and len(z) > 2 else (None, None)
    stated = zip((0.0, 0.25, 0.5, 0.75, 1.0), (ends[0], *quartiles, ends[1]), strict=True)
    known = [(share, float(one.value + _DRAWN * one.half * rng.uniform(-1, 1))) for share, one in stated if one]
    shares, knots = np.array([one for one, _ in known]), np.maximum.accumulate([value for _, value in known])
    if len(knots) == 1:
        values, shape = knots[0] + (sd or 0.0) * z, "normal"
    else:
        on_log = bool(knots[0] > 0 and rng.uniform() < 0.5)
        values = _with_quantiles(z, shares, knots, on_log=on_log)
        if knots[0] > 0 and values[0] <= 0:
            values, on_log = _with_quantiles(z, shares, knots, on_log=True), True
        shape = "log-linear" if on_log else "linear"
    if mean is not None and sd is not None and cell.range is None:
        values = _stretched(values, knots[0], knots[-1], mean, sd)
    return values, f"{shape} in the normal score"


def _with_quantiles(z: np.ndarray, shares: np.ndarray, knots: np.ndarray, *, on_log: bool) -> np.ndarray:
    """Values (n,) with these quantiles; the knots are moved a few times, as a quantile may lie between two patients."""
    n, moved = len(z), knots.astype(float)
    at = special.ndtri(((n - 1) * shares + 0.5) / n)
    values = np.empty(0)
    for _ in range(_CORRECTIONS):
        values = np.exp(_through(z, at, np.log(moved))) if on_log else _through(z, at, moved)
        moved = np.maximum.accumulate(moved + knots - np.quantile(values, shares))
        moved = np.maximum(moved, knots[0] / 2) if on_log else moved
    return values


def _through(z: np.ndarray, at: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Linear between the knots, and beyond them with the slope of the nearest part."""
    inner = np.interp(z, at, knots)
    slopes = np.diff(knots) / np.diff(at)
    low, high = z < at[0], z > at[-1]
    inner[low] = knots[0] + slopes[0] * (z[low] - at[0])
    inner[high] = knots[-1] + slopes[-1] * (z[high] - at[-1])
    return np.asarray(inner)


def _stretched(values: np.ndarray, low: float, high: float, mean: float, sd: float) -> np.ndarray:
    """Return the values with those below `low` and above `high` stretched to give mean and SD, where that is possible.

    Examples
    --------
    >>> values = _stretched(np.arange(101.0), 25.0, 75.0, 52.0, 30.0)
    >>> round(float(values.mean()), 6), round(float(values.std(ddof=1)), 6), float(np.median(values))
    (52.0, 30.0, 50.0)
    """
    below, above = np.minimum(values - low, 0.0), np.maximum(values - high, 0.0)
    middle = values - below - above
    if below.sum() == 0 or above.sum() == 0:
        return values

    def both(a: float) -> np.ndarray:
        b = (len(values) * mean - middle.sum() - a * below.sum()) / above.sum()
        return np.asarray(middle + a * below + max(b, 0.0) * above)

    result = both(_root(lambda a: float(both(a).std(ddof=1)) - sd, 0.0, _MOST_STRETCHED))
    near = abs(result.mean() - mean) < 1e-6 * sd and abs(result.std(ddof=1) - sd) < 1e-6 * sd
    return result if near else values
