"""`text_scaling`: what more texts of one writer change: faults, duplicates, contamination, diversity and drift."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy
from scipy import special

from heorsynth.core.display import Card
from heorsynth.core.errors import Problem, RoleError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.plateau import Plateau, plateau
from heorsynth.language.checks.check_text import check_text
from heorsynth.language.checks.diversity import distinct
from heorsynth.language.checks.duplicates import near_duplicates
from heorsynth.language.checks.shares import share
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.language.reading.compare import KINDS
from heorsynth.language.reading.plain import plain

_DIVISIONS = (40, 20, 10, 5)
"""The texts are divided by these to give the numbers that are tried."""

_FEWEST_TEXTS, _FEWEST_BLOCKS, _MOST_BLOCKS = 5, 5, 20
"""Texts of a block; blocks of one number of texts, which share no text."""

CONSTANT, RISING, FALLING, FLOOR = "constant", "rises", "falls", "floor + c / n"
"""Laws: the share does not depend on n; it rises with n, or falls, and no limit is claimed; a fitted floor."""

_SOME = 0.05
"""Share of texts with a near duplicate for which the number of texts is given."""


@dataclass(frozen=True)
class TextScaling:
    """Faults, duplicates, contamination, diversity and drift of texts against their number.

    Attributes
    ----------
    n_texts : int
    tolerance : float        share by which the number of texts may add to the error
    measured : DataFrame     measure, texts, blocks, value, low, high: the mean over blocks that share no text
    plateaus : DataFrame     measure, law, plateau, low, high, enough, enough_low, enough_high; see `text_scaling`
    """

    n_texts: int
    tolerance: float
    measured: pd.DataFrame
    plateaus: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure."""
        return self.plateaus

    def card(self) -> Card:
        """Return the table that is shown."""
        rows = []
        for row in self.plateaus.to_dict("records"):
            own = self.measured.loc[self.measured["measure"] == row["measure"]].iloc[[0, -1]]
            ends = [f"{significant(one.value, 3)} at {one.texts:,}" for one in own.itertuples()]
            limit = _shown([row[name] for name in ("plateau", "low", "high")])
            enough = _shown([row[name] for name in ("enough", "enough_low", "enough_high")], whole=True)
            rows.append((str(row["measure"]), *ends, str(row["law"]), limit, enough))
        header = ("measure", "few texts", "many texts", "law", "plateau", "enough texts")
        note = (
            f"{self.n_texts:,} texts in blocks that share none. From 'enough' texts on, more lower the error by less "
            f"than {100 * self.tolerance:g}%; of near duplicates it is the number at which 5% of the texts have one."
        )
        return Card("Texts against their number", header, tuple(rows), note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def text_scaling(
    texts: Narratives,
    cohort: Cohort,
    *,
    numbers: Sequence[int] | None = None,
    reference: Sequence[str] | None = None,
    tolerance: float = 0.05,
    seed: int = 1,
    slots: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    levels: Mapping[str, Mapping[str, str]] | None = None,
) -> TextScaling:
    """Return how faults, duplicates, contamination, diversity and drift of texts change with their number.

    Parameters
    ----------
    texts : Narratives                        of `heorsynth.narrate`: templates or a model
    cohort : Cohort                           the synthetic rows that they tell
    numbers : sequence of int, optional       of texts, three or more between 5 and a fifth of the texts; 1/40, 1/20,
                                              1/10 and 1/5 of them if not given
    reference : sequence of str, optional     other texts: contamination, and drift of the vocabulary from them
    tolerance : float                         a share of the error; see Notes
    seed : int                                of the division into blocks
    slots, names, units, levels               as given to `narrate`

    Returns
    -------
    TextScaling

    Raises
    ------
    RoleError      fewer than three numbers, one out of range, or a tolerance not above 0
    LabelError     the cohort is not labelled as synthetic

    See Also
    --------
    heorsynth.scaling : The error of rows against their number.
    check_text : The checks.

    Notes
    -----
    The texts are divided at random into blocks of n that share no text, at most 20. Four laws:

    - Faults, contamination (texts with a near duplicate in the reference): a text has it with probability p, whatever
      n. The plateau is p, with the exact interval of all texts. The mean squared share of n texts is p² + p(1 - p) / n,
      so its root is within (1 + t) of p from n = (1 - p) / (p (2t + t²)) on.
    - Near duplicates within: the share rises with n. If q is the probability that two texts are near duplicates, at
      most (n - 1) q of n texts have one. So 5% need at least 1 + .05 / q texts. No limit is claimed: it depends on
      texts that are too rare to have been seen.
    - Distinct 3-grams: the share falls with n (Heaps' law), and no floor is claimed.
    - Drift: the Jensen-Shannon divergence (squared distance, base 2) of the vocabulary of n texts from that of the
      reference is d + c / n plus smaller terms (Miller & Madow). d is what more texts do not lower.

    References
    ----------
    Miller (1955) Note on the bias of information estimates. Heaps (1978) Information Retrieval, Academic Press.
    Qin et al. (2025) Scaling laws of synthetic data for language models, arXiv 2503.19551 (SynthLLM).

    Examples
    --------
    >>> import heorsynth as hs
    >>> lung = hs.datasets.load("lung")
    >>> drawn = hs.generators.create("marginals").fit(lung, seed=1).sample(n=100, m=1, seed=1)[0]
    >>> texts = hs.narrate(drawn, "summary", slots=["age", "sex"])
    >>> found = text_scaling(texts, drawn, numbers=[5, 10, 20], slots=["age", "sex"])
    >>> float(found.to_frame().set_index("measure").loc["texts with a fault", "plateau"])
    0.0
    """
    n = len(texts)
    chosen = _numbers(n, numbers, tolerance)
    report = check_text(texts, cohort, checks=["facts"], slots=slots, names=names, units=units, levels=levels)
    blocks = {size: blocks_of(n, size, seed) for size in chosen}
    faulty = {"texts with a fault": [bool(faults) for faults in report.faults]}
    faulty |= {f"facts {kind}": [any(one.endswith(f" {kind}") for one in faults) for faults in report.faults]
               for kind in KINDS}  # fmt: skip
    if reference is not None:
        copied = {pair.first for pair in near_duplicates(texts.texts, reference)}
        faulty["near duplicates of the reference"] = [at in copied for at in range(n)]
    work = _Work(texts.ids, blocks, tolerance)
    parts = [work.constant(name, np.array(hits)) for name, hits in faulty.items()]
    parts.append(work.duplicates([(pair.first, pair.second) for pair in near_duplicates(texts.texts)], n))
    parts.append(work.distinct(texts.texts))
    if reference is not None:
        words, about = ([plain(text).split() for text in one] for one in (texts.texts, reference))
        parts.append(work.drift(words, about, seed))
    measured = [row for rows, _ in parts for row in rows]
    columns = ["measure", "law", "plateau", "low", "high", "enough", "enough_low", "enough_high"]
    return TextScaling(
        n, tolerance, pd.DataFrame(measured, columns=["measure", "texts", "blocks", "value", "low", "high"]),
        pd.DataFrame([one for _, one in parts], columns=columns),
    )  # fmt: skip


def blocks_of(n: int, size: int, seed: int) -> list[np.ndarray]:
    """Return the places of the texts of each block: at most 20 blocks of a size, which share no text."""
    order = stream(seed, "text scaling", size).permutation(n)
    return [order[at * size : (at + 1) * size] for at in range(min(_MOST_BLOCKS, n // size))]


def duplicates_at(pairs: Sequence[tuple[int, int]], blocks: Sequence[np.ndarray]) -> Estimate:
    """Return the share of texts with a near duplicate in their own block, with its interval.

    Texts of a block that are near duplicates of each other, directly or by others, are one cluster.
    """
    hits, clusters = [], []
    for at, block in enumerate(blocks):
        head = {int(one): int(one) for one in block}
        inside = [pair for pair in pairs if pair[0] in head and pair[1] in head]
        for first, second in inside:
            old, new = head[second], head[first]
            head = {one: new if name == old else name for one, name in head.items()}
        known = {one for pair in inside for one in pair}
        hits += [one in known for one in head]
        clusters += [f"{at} {name}" for name in head.values()]
    return share(hits, clusters)


def divergence(words: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> float:
    """Return the Jensen-Shannon divergence of two vocabularies: the squared distance, base 2, 0 to 1."""
    counts = [Counter(word for text in one for word in text) for one in (words, other)]
    known = sorted(counts[0].keys() | counts[1].keys())
    return float(scipy.spatial.distance.jensenshannon(*([one[word] for word in known] for one in counts), base=2)) ** 2


@dataclass(frozen=True)
class _Work:
    """The rows of each measure, and of its plateau."""

    ids: Sequence[str]
    blocks: Mapping[int, Sequence[np.ndarray]]
    tolerance: float

    @property
    def _rise(self) -> float:
        return 2 * self.tolerance + self.tolerance**2

    def constant(self, name: str, hits: np.ndarray) -> tuple[list[tuple[object, ...]], tuple[object, ...]]:
        """A share that does not depend on the number of texts."""
        rows: list[tuple[object, ...]] = []
        for size, blocks in self.blocks.items():
            inside = np.concatenate(blocks)
            one = share(hits[inside], [self.ids[at] for at in inside])
            rows.append((name, size, len(blocks), one.value, one.low, one.high))
        whole = share(hits, self.ids)
        enough = [math.inf if p == 0 else (1 - p) / (p * self._rise) for p in (whole.value, whole.high, whole.low)]
        return rows, (name, CONSTANT, whole.value, whole.low, whole.high, *enough)

    def duplicates(
        self, pairs: Sequence[tuple[int, int]], n: int
    ) -> tuple[list[tuple[object, ...]], tuple[object, ...]]:
        """Near duplicates within the set, which rise with the number of texts."""
        rows: list[tuple[object, ...]] = []
        for size, blocks in self.blocks.items():
            one = duplicates_at(pairs, blocks)
            rows.append(("near duplicates within", size, len(blocks), one.value, one.low, one.high))
        likely = pairs_alike(pairs, n)
        some = [math.inf if q == 0 else 1 + _SOME / q for q in (likely.value, likely.high, likely.low)]
        return rows, ("near duplicates within", RISING, math.nan, math.nan, math.nan, *some)

    def distinct(self, texts: Sequence[str]) -> tuple[list[tuple[object, ...]], tuple[object, ...]]:
        """Distinct 3-grams among all of a block."""
        rows: list[tuple[object, ...]] = []
        for size, blocks in self.blocks.items():
            one = distinct([[texts[at] for at in block] for block in blocks], 3)
            rows.append(("distinct 3-grams", size, len(blocks), one.value, one.low, one.high))
        return rows, ("distinct 3-grams", FALLING, *[math.nan] * 6)

    def drift(
        self, words: Sequence[Sequence[str]], reference: Sequence[Sequence[str]], seed: int
    ) -> tuple[list[tuple[object, ...]], tuple[object, ...]]:
        """Divergence of the vocabulary from that of the reference: a floor, and what falls as 1 / n."""
        name, least = "divergence from the reference", min(map(len, self.blocks.values()))
        found = {size: [divergence([words[at] for at in block], reference) for block in blocks]
                 for size, blocks in self.blocks.items()}  # fmt: skip
        fit = floor_of(
            list(found), [held[:least] for held in found.values()], stream(seed, "text scaling", "bootstrap")
        )
        rows: list[tuple[object, ...]] = []
        for size, held in found.items():
            low, high = np.quantile(held, [0.025, 0.975])
            rows.append((name, size, len(held), float(np.mean(held)), float(low), float(high)))
        floors = (fit.floor.value, fit.floor.high, fit.floor.low)
        scales = (fit.scale.value, fit.scale.low, fit.scale.high)
        enough = [math.inf if d <= 0 else c / (d * self.tolerance) for d, c in zip(floors, scales, strict=True)]
        return rows, (name, FLOOR, fit.floor.value, fit.floor.low, fit.floor.high, *enough)


def floor_of(sizes: Sequence[int], errors: Sequence[Sequence[float]], rng: np.random.Generator) -> Plateau:
    """Return the plateau of divergences of r blocks of each size, with intervals that allow for few blocks.

    The bootstrap's standard error, times √(r / (r - 1)) and the quantile of t(r - 1): percentiles of a bootstrap of
    five blocks cover a known floor in 83 of 100 only.
    """
    fit, r = plateau(sizes, errors, rng), len(errors[0])
    half = float(special.stdtrit(r - 1, 0.975)) * math.sqrt(r / (r - 1))
    floor, scale = (
        replace(one, low=max(0.0, one.value - half * one.se), high=one.value + half * one.se)
        for one in (fit.floor, fit.scale)
    )
    return replace(fit, floor=floor, scale=scale)


def pairs_alike(pairs: Sequence[tuple[int, int]], n: int) -> Estimate:
    """Return the probability that two texts are near duplicates, with its interval.

    Notes
    -----
    A U-statistic of degree 2: with d_i the near duplicates of text i, the mean of d_i / (n - 1), and the variance
    4 var(d_i / (n - 1)) / n. Without any pair the upper end is the exact one of n / 2 pairs that share no text.

    References
    ----------
    Hoeffding (1948) Ann Math Stat 19:293, doi:10.1214/aoms/1177730196.
    """
    degree = np.bincount([one for pair in pairs for one in pair], minlength=n) / (n - 1)
    value = float(degree.mean())
    if not pairs:
        none = share([False] * (n // 2), np.arange(n // 2))
        return Estimate(0.0, 0.0, none.high, none.se, 0.95, "", "pairs of texts", n, n)
    se = 2 * float(degree.std(ddof=1)) / math.sqrt(n)
    spread = math.exp(1.96 * se / value)
    return Estimate(value, value / spread, min(1.0, value * spread), se, 0.95, "", "pairs of texts", n, n)


def _numbers(n: int, numbers: Sequence[int] | None, tolerance: float) -> list[int]:
    given = [n // part for part in _DIVISIONS] if numbers is None else list(numbers)
    chosen = sorted({max(int(one), _FEWEST_TEXTS) if numbers is None else int(one) for one in given})
    problems = []
    if len(chosen) < 3 or chosen[0] < _FEWEST_TEXTS or chosen[-1] * _FEWEST_BLOCKS > n:
        found = f"fewer than three, or not between {_FEWEST_TEXTS} and a fifth of the {n:,} texts"
        problems.append(Problem("numbers", found, "tell more texts, or write, for example, numbers=[10, 20, 40]"))
    if not 0 < tolerance < math.inf:
        problems.append(Problem("tolerance", "is not a share above 0", "write, for example, tolerance=0.05"))
    if problems:
        raise RoleError("text scaling", problems)
    return chosen


def _shown(numbers: Sequence[float], whole: bool = False) -> str:
    if math.isnan(numbers[0]):
        return "none claimed" if not whole else "–"
    told = ["no number" if math.isinf(one) else f"{one:,.0f}" if whole else significant(one, 3) for one in numbers]
    return f"{told[0]} ({told[1]} to {told[2]})"
