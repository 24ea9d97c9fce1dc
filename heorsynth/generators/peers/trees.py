"""Sequential trees (synthpop's CART): each column is drawn from the leaf that the columns before it lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.numbers import is_whole
from heorsynth.core.random import derived_seed
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.generators.sampling.formats import Format
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.source import require_source, training_frame

_SPLIT = 3
"""A node of fewer than so many leaves is not split: the rule of R's rpart."""

_SPIKE = 0.7
"""A value with a larger share of a column is not smoothed, as in synthpop."""


@dataclass(frozen=True)
class SequentialTrees:
    """Sequential trees (synthpop's CART): values of real patients drawn by leaf, so outliers and rare pairs are copied.

    Attributes
    ----------
    min_leaf : int       patients in a leaf, at least
    smoothing : bool     add normal noise to drawn numbers, so that they are not all values of patients

    Notes
    -----
    Columns are drawn in the order of the frame, the first from its own distribution. A missing value of a number is
    drawn by a tree of its own, and one of a level is a level. As in synthpop, trees are grown to the end and a node
    of fewer than 3·min_leaf patients is not split. The trees are scikit-learn's, in which a level is a 0/1 column;
    rpart splits levels into any two groups. Time and event are two columns: a censored time is a time.

    References
    ----------
    Reiter (2005) J Off Stat 21:441. Nowok, Raab & Dibben (2016) J Stat Softw 74(11). The bandwidth of smoothing is
    that of Silverman (1986), where synthpop's is Sheather & Jones's.
    """

    min_leaf: int = 5
    smoothing: bool = False

    def __post_init__(self) -> None:
        found = []
        if not is_whole(self.min_leaf, 1):
            found.append(Problem("option 'min_leaf'", f"{self.min_leaf!r} is not a whole number from 1 up", "5"))
        if not isinstance(self.smoothing, bool):
            found.append(Problem("option 'smoothing'", f"{self.smoothing!r}", "give true or false"))
        if found:
            raise GeneratorError(f"generator {self.name!r}", found)

    @property
    def name(self) -> str:
        return "sequential_trees"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of this cohort's trees; CohortError if it cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        frame = training_frame(cohort)
        formats = {str(name): Format.of(frame[name], levels=cohort.schema.holds_levels(name)) for name in frame.columns}
        columns: list[_Column] = []
        known = np.empty((len(frame), 0))
        for name, form in formats.items():
            values = _values(frame[name], form)
            columns.append(_Column.grown(name, form, values, known, self.min_leaf, derived_seed(seed, "trees", name)))
            known = np.column_stack([known, _predictors(values, form)])
        return Sampler.fitted(self.name, asdict(self), cohort, _TreesLaw(tuple(columns), self.smoothing), seed)


@dataclass(frozen=True, repr=False)
class _Leaves:
    """A tree and the training values (n,) of its leaves: `donors` sorted by leaf, one leaf from `start` to `stop`."""

    tree: Any
    donors: np.ndarray
    start: Mapping[int, int]
    stop: Mapping[int, int]

    @classmethod
    def grown(cls, values: np.ndarray, known: np.ndarray, levels: bool, least: int, seed: int) -> _Leaves:
        """The tree of these values on the known columns (n, p); a single leaf if there are none."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        tree, leaf = None, np.zeros(len(values), dtype=int)
        if known.shape[1] and len(values) >= _SPLIT * least:
            kind = DecisionTreeClassifier if levels else DecisionTreeRegressor
            tree = kind(min_samples_leaf=least, min_samples_split=max(2, _SPLIT * least), random_state=seed % 2**32)
            leaf = tree.fit(known, values).apply(known)
        order = np.argsort(leaf, kind="stable")
        found, first, counts = np.unique(leaf[order], return_index=True, return_counts=True)
        start = dict(zip(found.tolist(), first.tolist(), strict=True))
        return cls(tree, values[order], start, {node: start[node] + n for node, n in zip(found, counts, strict=True)})

    def draw(self, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each row of the known columns, the value of a patient of its leaf."""
        leaf = self.tree.apply(known) if self.tree is not None and len(known) else np.zeros(len(known), dtype=int)
        low, high = (np.array([ends[node] for node in leaf.tolist()], dtype=int) for ends in (self.start, self.stop))
        return self.donors[rng.integers(low, high)]


@dataclass(frozen=True, repr=False)
class _Column:
    """A column's trees: of its values, and of which numbers are missing (None if none or all are).

    `bandwidth`, `spike` and `bounds` are of smoothing: the SD of the noise, a value that gets none, and the range.
    """

    name: str
    form: Format
    values: _Leaves
    missing: _Leaves | None
    bandwidth: float = 0.0
    spike: float = np.nan
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @classmethod
    def grown(cls, name: str, form: Format, values: np.ndarray, known: np.ndarray, least: int, seed: int) -> _Column:
        if form.values:
            return cls(name, form, _Leaves.grown(values, known, True, least, seed), None)
        lost = np.isnan(values)
        missing = _Leaves.grown(lost, known, True, least, seed) if lost.any() else None
        held = values[~lost]
        leaves = _Leaves.grown(held, known[~lost], False, least, seed)
        return cls(name, form, leaves, missing, *_smoothing(held))

    def draw(self, known: np.ndarray, smooth: bool, rng: np.random.Generator) -> np.ndarray:
        """Codes of levels, or numbers with NaN for missing, one for each row of the known columns."""
        if self.form.values:
            return self.values.draw(known, rng)
        lost = np.zeros(len(known), dtype=bool) if self.missing is None else self.missing.draw(known, rng)
        drawn = np.full(len(known), np.nan)
        numbers = self.values.draw(known[~lost], rng)
        if smooth:
            noise = self.bandwidth * rng.standard_normal(len(numbers))
            numbers = np.where(numbers == self.spike, numbers, np.clip(numbers + noise, *self.bounds))
        drawn[~lost] = numbers
        return drawn


@dataclass(frozen=True, repr=False)
class _TreesLaw:
    """The columns in the order in which they are drawn."""

    columns: tuple[_Column, ...]
    smooth: bool = False
    conditional: bool = field(default=False, init=False)

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows, column by column."""
        known, drawn = np.empty((n, 0)), {}
        for column in self.columns:
            values = column.draw(known, self.smooth, rng)
            known = np.column_stack([known, _predictors(values, column.form)])
            if column.form.values:
                drawn[column.name] = column.form.column(np.array([*column.form.values, ""], dtype=object)[values])
            else:
                drawn[column.name] = column.form.column(values)
        return pd.DataFrame(drawn)


def _values(column: pd.Series, form: Format) -> np.ndarray:
    """A column as codes of its levels, the last of missing, or as numbers with NaN for missing."""
    if not form.values:
        return pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)
    places = {level: place for place, level in enumerate(form.values)}
    return as_text(column).map(places).fillna(len(places)).to_numpy(dtype=int)


def _predictors(values: np.ndarray, form: Format) -> np.ndarray:
    """What trees of later columns split on: the numbers, or a 0/1 column for each level but the first."""
    if not form.values:
        return values[:, None]
    return (values[:, None] == np.arange(1, len(form.values) + 1)).astype(float)


def _smoothing(held: np.ndarray) -> tuple[float, float, tuple[float, float]]:
    """The bandwidth, the spike and the bounds of a column's known numbers."""
    found, counts = np.unique(held, return_counts=True)
    common = int(counts.argmax())
    spike = float(found[common]) if counts[common] > _SPIKE * len(held) else np.nan
    rest = held[held != spike]
    quarter, three = np.quantile(rest, [0.25, 0.75]) if len(rest) else (0.0, 0.0)
    deviation = float(rest.std(ddof=1)) if len(rest) > 1 else 0.0
    spread = min(deviation, (three - quarter) / 1.34) or deviation
    return 0.9 * spread * max(len(rest), 1) ** -0.2, spike, (float(found[0]), float(found[-1]))
