"""Adversarial random forests: forests learn to tell patients from synthetic rows; rows are then drawn by leaf."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.numbers import is_number, is_whole
from heorsynth.core.random import derived_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.generators.sampling.formats import Format
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.source import require_source, training_frame

_UNSEEN = 0.5
"""Accuracy of a forest that cannot tell patients from synthetic rows."""

_LEAF = -1
"""scikit-learn's code of a node without children."""


@dataclass(frozen=True)
class Arf:
    """Adversarial random forests: columns independent within leaves; they know no bound, censoring or order.

    Attributes
    ----------
    trees : int        in each forest
    min_leaf : int     patients in a leaf, at least; a smaller one is merged with its sibling
    delta : float      a forest with out-of-bag accuracy up to 0.5 + delta ends the rounds
    rounds : int       of adversarial training, at most

    References
    ----------
    Watson, Blesch, Kapar & Wright (2023) AISTATS, PMLR 206:5357. Settings as in their arf (R) and arfpy, except
    that 5 patients a leaf are R's `min_node_size` for densities too. Missing values, which arfpy refuses, are
    drawn with the share they have in a leaf.
    """

    trees: int = 30
    min_leaf: int = 5
    delta: float = 0.0
    rounds: int = 10

    def __post_init__(self) -> None:
        lowest = (("trees", self.trees, 1), ("min_leaf", self.min_leaf, 2), ("rounds", self.rounds, 0))
        found = [
            Problem(f"option {name!r}", f"{value!r} is not a whole number from {low} up", "see its docstring")
            for name, value, low in lowest
            if not is_whole(value, low)
        ]
        if not is_number(self.delta) or not 0 <= self.delta <= _UNSEEN:
            found.append(Problem("option 'delta'", f"{self.delta!r} is not within 0 to 0.5", "the authors' is 0"))
        if found:
            raise GeneratorError(f"generator {self.name!r}", found)

    @property
    def name(self) -> str:
        return "arf"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of this cohort's leaves; CohortError if it cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        frame = training_frame(cohort)
        formats = {str(name): Format.of(frame[name], levels=cohort.schema.holds_levels(name)) for name in frame.columns}
        rows = np.column_stack([_numbers(frame[name], form) for name, form in formats.items()])
        forest = self._adversarial(rows, derived_seed(seed, "arf", "forest"), stream(seed, "arf"))
        leaves = [leaf for tree in forest for leaf in _leaves(tree, rows, self.min_leaf)]
        return Sampler.fitted(self.name, asdict(self), cohort, _ArfLaw.of(rows, leaves, formats), seed)

    def _adversarial(self, rows: np.ndarray, seed: int, rng: np.random.Generator) -> list[Any]:
        """The trees of the last forest that told patients from synthetic rows better than chance (Algorithm 1)."""
        shuffled = np.column_stack([rng.permutation(column) for column in rows.T])
        forest = self._forest(rows, shuffled, seed)
        for _ in range(self.rounds if forest.oob_score_ > _UNSEEN + self.delta else 0):
            leaves = [leaf for tree in forest.estimators_ for leaf in _leaves(tree.tree_, rows, 1)]
            drawn = _from_leaves(rows, leaves, rng)
            found = self._forest(rows, drawn, seed)
            if found.oob_score_ <= _UNSEEN + self.delta or found.oob_score_ > forest.oob_score_:
                break
            forest = found
        return [tree.tree_ for tree in forest.estimators_]

    def _forest(self, rows: np.ndarray, drawn: np.ndarray, seed: int) -> Any:
        """A classifier of real rows against drawn ones."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            self.trees, min_samples_leaf=self.min_leaf, oob_score=True, random_state=seed % 2**32, n_jobs=1
        )
        with warnings.catch_warnings():
            # with 30 trees, a few rows are in every tree's sample and so do not count in the out-of-bag accuracy
            warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores", category=UserWarning)
            forest.fit(np.concatenate([rows, drawn]), np.repeat([0, 1], [len(rows), len(drawn)]))
        return forest


@dataclass(frozen=True, repr=False)
class _Leaf:
    """The patients of one leaf, by row, and the bounds of each column in it."""

    rows: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, repr=False)
class _ArfLaw:
    """L leaves: their weights, and the law of each column within them.

    `numbers` holds (L, 5) a column: mean, SD, low, high, share missing; `levels` (L, levels + 1): shares, the
    last of missing.
    """

    weights: np.ndarray
    numbers: Mapping[str, np.ndarray]
    levels: Mapping[str, np.ndarray]
    formats: Mapping[str, Format] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: np.ndarray, leaves: list[_Leaf], formats: Mapping[str, Format]) -> _ArfLaw:
        """The density of the leaves (FORDE)."""
        numbers, levels = {}, {}
        for place, (name, form) in enumerate(formats.items()):
            if form.values:
                size = len(form.values) + 1
                codes = [np.nan_to_num(rows[leaf.rows, place], nan=size - 1).astype(int) for leaf in leaves]
                levels[name] = np.array([np.bincount(held, minlength=size) / len(held) for held in codes])
            else:
                numbers[name] = np.array([_normal(rows[leaf.rows, place], leaf, place) for leaf in leaves])
        sizes = np.array([len(leaf.rows) for leaf in leaves], dtype=float)
        return cls(sizes / sizes.sum(), numbers, levels, formats)

    @property
    def conditional(self) -> bool:
        return False

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows: a leaf by its weight, then every column on its own within it (FORGE)."""
        leaf = rng.choice(len(self.weights), size=n, p=self.weights)
        drawn = {}
        for name, form in self.formats.items():
            chance = rng.random((2, n))
            if form.values:
                place = (chance[0][:, None] > np.cumsum(self.levels[name], axis=1)[leaf, :-1]).sum(axis=1)
                drawn[name] = form.column(np.array([*form.values, ""], dtype=object)[place])
            else:
                drawn[name] = form.column(_truncated_normal(self.numbers[name][leaf], *chance))
        return pd.DataFrame(drawn)


def _numbers(column: pd.Series, form: Format) -> np.ndarray:
    """A column as numbers: levels by their index; NaN for missing."""
    if not form.values:
        return pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)
    places = {level: float(place) for place, level in enumerate(form.values)}
    return as_text(column).map(places).to_numpy(dtype=float, na_value=np.nan)


def _leaves(tree: Any, rows: np.ndarray, least: int) -> Iterator[_Leaf]:
    """The leaves of a tree that hold patients. A split with fewer than `least` patients on a side is undone: they stay
    with the other side, and the split sets no bound."""
    singles = rows.astype(np.float32)
    bounds = np.full(rows.shape[1], np.inf)
    waiting = [(0, np.arange(len(rows)), -bounds, bounds)]
    while waiting:
        node, held, low, high = waiting.pop()
        if tree.children_left[node] == _LEAF:
            yield _Leaf(held, low, high)
            continue
        column, cut = tree.feature[node], tree.threshold[node]
        values = singles[held, column]
        left = np.where(np.isnan(values), tree.missing_go_to_left[node] == 1, values <= cut)
        sides = ((tree.children_left[node], held[left], high), (tree.children_right[node], held[~left], low))
        if min(len(side[1]) for side in sides) < least:
            child = max(sides, key=lambda side: len(side[1]))[0]
            waiting.append((child, held, low, high))
            continue
        for child, part, bound in sides:
            moved = bound.copy()
            moved[column] = cut
            waiting.append((child, part, low, moved) if bound is high else (child, part, moved, high))


def _from_leaves(rows: np.ndarray, leaves: list[_Leaf], rng: np.random.Generator) -> np.ndarray:
    """As many rows as patients: a leaf by its weight, then each column resampled independently within it."""
    sizes = np.array([len(leaf.rows) for leaf in leaves], dtype=float)
    counts = rng.multinomial(len(rows), sizes / sizes.sum())
    parts = []
    for leaf, count in zip(leaves, counts, strict=True):
        if count:
            picked = leaf.rows[rng.integers(len(leaf.rows), size=(count, rows.shape[1]))]
            parts.append(rows[picked, np.arange(rows.shape[1])])
    return np.concatenate(parts)


def _normal(values: np.ndarray, leaf: _Leaf, place: int) -> tuple[float, float, float, float, float]:
    known = values[~np.isnan(values)]
    missing = 1 - len(known) / len(values)
    if not len(known):
        return 0.0, 0.0, -np.inf, np.inf, 1.0
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return float(known.mean()), spread, float(leaf.low[place]), float(leaf.high[place]), missing


def _truncated_normal(laws: np.ndarray, chance: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """A draw from each normal law between its bounds: its mean if it has no spread, NaN if it is drawn as missing."""
    mean, spread, low, high, missing = laws.T
    drawn = mean.copy()
    some = spread > 0
    a, b = ((bound[some] - mean[some]) / spread[some] for bound in (low, high))
    drawn[some] = mean[some] + spread[some] * stats.truncnorm.ppf(chance[some], a, b)
    return np.where(lost < missing, np.nan, drawn)
