"""Error of synthetic cohorts against their number of rows: its floor, and how many rows reach it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.errors import LabelError, Problem, RoleError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.core.random import derived_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.plateau import Plateau, plateau
from heorsynth.evaluation.stability import default_horizons, published_quantities, quantities
from heorsynth.generators.heor.recipe import Heor
from heorsynth.generators.recipe import Recipe
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients

_SHARES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Numbers of rows that are tried, in numbers of patients."""

_RESAMPLES = 200
"""Resamples of the patients for their own standard error."""

_FEWEST_ROWS = 20
"""Fewer rows have quantities without an estimate."""


@dataclass(frozen=True)
class Scaling:
    """The error of synthetic rows against their number.

    Attributes
    ----------
    n_patients : int
    tolerance : float           share by which the rows may add to the error
    errors : DataFrame          quantity, rows, error (root of the mean squared error, in standard errors of the
                                patients), fitted
    copied : DataFrame          rows, patients: share of patients whose row stands among the synthetic rows
    plateaus : Mapping          quantity to its fitted plateau of squared errors
    """

    n_patients: int
    tolerance: float
    errors: pd.DataFrame
    copied: pd.DataFrame
    plateaus: Mapping[str, Plateau] = field(repr=False)

    def enough(self, quantity: str) -> Estimate:
        """Return the number of rows after which more rows lower the error by less than the tolerance.

        Notes
        -----
        In standard errors of the patients the squared error against the patients is b + c/n, against the population
        1 + b + c/n. The root of the latter is at most (1 + t) times its plateau from n = c / ((2t + t²)(1 + b)) on.
        """
        one = self.plateaus[quantity]
        rise = 2 * self.tolerance + self.tolerance**2
        floor, scale, _ = one.draws
        drawn = scale / (rise * (1 + floor))
        value = one.scale.value / (rise * (1 + one.floor.value))
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Estimate(value, float(low), float(high), float(drawn.std(ddof=1)), unit="rows", method="bootstrap")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a quantity, the largest floor first.

        Columns: quantity; floor, floor_low, floor_high (bias of the copy, in standard errors of the patients); plateau
        (error against the population: √(1 + floor²), as the patients' own error is 1); enough, enough_low, enough_high
        (rows); cohorts (of the patients' size: enough / n_patients, rounded up).
        """
        rows = []
        for name, one in self.plateaus.items():
            floor = [math.sqrt(max(part, 0.0)) for part in (one.floor.value, one.floor.low, one.floor.high)]
            enough = self.enough(name)
            cohorts = max(1, math.ceil(enough.value / self.n_patients))
            rows.append((name, *floor, math.hypot(1, floor[0]), enough.value, enough.low, enough.high, cohorts))
        columns = ["quantity", "floor", "floor_low", "floor_high", "plateau", "enough", "enough_low", "enough_high",
                   "cohorts"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns).sort_values("floor", ascending=False, ignore_index=True)

    def card(self) -> Card:
        """Return the table that is shown."""
        frame = self.to_frame()
        floors = frame[["floor", "floor_low", "floor_high"]].to_numpy(float)
        enough = frame[["enough", "enough_low", "enough_high"]].to_numpy(float)
        rows = tuple(
            (str(name), _with_interval(floor), significant(float(peak), 3), _whole_interval(n), str(cohorts))
            for name, floor, peak, n, cohorts in zip(
                frame["quantity"], floors, frame["plateau"], enough, frame["cohorts"], strict=True
            )
        )
        note = (
            f"In standard errors of the {self.n_patients:,} patients: floor is the bias of the copy, plateau its error "
            f"against the population. From 'enough' rows on, more rows lower the error by less than "
            f"{100 * self.tolerance:g}%."
        )
        header = ("quantity", "floor", "plateau", "enough rows", "cohorts")
        return Card("Error against the number of rows", header, rows, note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def scaling(
    cohort: Cohort,
    *,
    generator: Recipe | None = None,
    sizes: Sequence[int] | None = None,
    repeats: int = 20,
    tolerance: float = 0.05,
    seed: int = 1,
) -> Scaling:
    """Return how the error of synthetic cohorts falls with their rows, and the floor that no more rows lower.

    Parameters
    ----------
    cohort : Cohort           the real patients
    generator : Recipe        the generator; `heor` by default
    sizes : sequence of int   numbers of rows, three or more; 1/4, 1/2, 1, 2 and 4 times the patients if not given
    repeats : int             cohorts of each size, five or more
    tolerance : float         a share of the error against the population; see `Scaling.enough`
    seed : int

    Returns
    -------
    Scaling                   for every quantity of `stability.quantities` without small groups

    Raises
    ------
    LabelError                the cohort is itself synthetic
    RoleError                 fewer than three sizes or five repeats, a size below 20, or a tolerance not above 0

    See Also
    --------
    heorsynth.stability.collapse : What happens if a generator is fitted to its own output.

    Notes
    -----
    The squared error of the mean of n rows of a copy is b + c/n, given the patients: b is the squared bias of the copy,
    c/n the noise of its draw. More rows lower only the noise. No rows lower the patients' own error, so the error
    against the population has the floor √(se² + b). Whether more rows reproduce more patients is in `copied`.

    References
    ----------
    Räisä et al. (2024) A bias-variance decomposition for ensembles over multiple synthetic datasets, arXiv 2402.03985.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(80, seed=1)
    >>> found = scaling(cohort, generator=hs.generators.create("marginals"), repeats=5, seed=1)
    >>> found.errors["rows"].unique().tolist()
    [20, 40, 80, 160, 320]
    """
    if cohort.synthetic:
        raise LabelError("scaling", Problem("cohort", "is itself synthetic", "give the patients"))
    chosen = _sizes(cohort.n, sizes)
    _require(chosen, repeats, tolerance)
    horizons = default_horizons(cohort)
    real = quantities(cohort, horizons)
    names = published_quantities(cohort, real)
    spread = _own_errors(cohort, horizons, names, seed)
    sampler = (generator or Heor()).fit(cohort, derived_seed(seed, "scaling"))
    squared: dict[str, list[list[float]]] = {name: [] for name in names if spread[name] > 0}
    copied = []
    known = _row_hashes(cohort, cohort)
    for n in chosen:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MoreRowsThanPatients)
            drawn = sampler.sample(n=n, m=repeats, seed=derived_seed(seed, "scaling", n))
        found = [quantities(one, horizons) for one in drawn]
        for name, kept in squared.items():
            kept.append([((one.get(name, 0.0) - real[name]) / spread[name]) ** 2 for one in found])
        copied.append((n, float(np.mean([np.isin(known, _row_hashes(one, cohort)).mean() for one in drawn]))))
    rng = stream(seed, "scaling", "bootstrap")
    plateaus = {name: plateau(chosen, kept, rng) for name, kept in squared.items()}
    rows = [
        (name, n, math.sqrt(float(np.mean(values))), math.sqrt(plateaus[name].at(n)))
        for name, kept in squared.items()
        for n, values in zip(chosen, kept, strict=True)
    ]
    errors = pd.DataFrame(rows, columns=["quantity", "rows", "error", "fitted"])
    return Scaling(cohort.n, tolerance, errors, pd.DataFrame(copied, columns=["rows", "patients"]), plateaus)


def _sizes(n: int, sizes: Sequence[int] | None) -> list[int]:
    given = [round(share * n) for share in _SHARES] if sizes is None else sizes
    return sorted({max(int(one), _FEWEST_ROWS) if sizes is None else int(one) for one in given})


def _require(sizes: Sequence[int], repeats: int, tolerance: float) -> None:
    problems = []
    if len(sizes) < 3 or min(sizes) < _FEWEST_ROWS:
        found = f"fewer than three, or one below {_FEWEST_ROWS} rows"
        problems.append(Problem("sizes", found, "write, for example, sizes=[50, 100, 200, 400]"))
    if repeats < 5:
        problems.append(Problem("repeats", f"{repeats} cohorts of a size show no spread", "draw five or more"))
    if not 0 < tolerance < math.inf:
        problems.append(Problem("tolerance", "is not a share above 0", "write, for example, tolerance=0.05"))
    if problems:
        raise RoleError("scaling", problems)


def _own_errors(cohort: Cohort, horizons: Mapping[str, float], names: Sequence[str], seed: int) -> dict[str, float]:
    """The patients' own standard error of each quantity, by resamples."""
    rng = stream(seed, "scaling", "patients")
    drawn = [quantities(cohort.take(rng.integers(0, cohort.n, cohort.n)), horizons) for _ in range(_RESAMPLES)]
    table = pd.DataFrame(drawn).reindex(columns=list(names)).fillna(0.0)
    return {name: float(table[name].std()) for name in names}


def _row_hashes(cohort: Cohort, like: Cohort) -> np.ndarray:
    """A hash of every row's values, in the columns that patients and synthetic rows share; ids are left out."""
    columns = [name for name in like.rows.columns if name != like.schema.id and name in cohort.rows.columns]
    text = (
        cohort.rows[columns].astype(object).map(lambda one: f"{one:.9g}" if isinstance(one, float | int) else str(one))
    )
    return pd.util.hash_pandas_object(text, index=False).to_numpy()


def _with_interval(numbers: np.ndarray) -> str:
    value, low, high = (significant(float(one), 2) for one in numbers)
    return f"{value} ({low} to {high})"


def _whole_interval(numbers: np.ndarray) -> str:
    value, low, high = (f"{one:,.0f}" for one in numbers)
    return f"{value} ({low} to {high})"
