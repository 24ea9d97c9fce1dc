"""Drift between two releases of texts: faults, length and vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import scipy

from heorsynth.core.estimate import Estimate
from heorsynth.core.random import stream
from heorsynth.language.checks.findings import TextFinding, TextReport
from heorsynth.language.checks.rates import of_sets
from heorsynth.language.checks.shares import difference_of_shares, share, welch_difference
from heorsynth.language.reading.plain import plain

_SHUFFLES = 200
"""Random divisions of all texts into two sets: what the distance of vocabularies is without drift."""


def drift(old: TextReport, new: TextReport, seed: int = 1) -> list[TextFinding]:
    """Return how the texts of a new release differ from those of an old one.

    Parameters
    ----------
    old, new : TextReport     of `check_text`
    seed : int                of the random divisions

    Returns
    -------
    list of TextFinding       new minus old: share of texts with each fault, words of a text; and the Jensen-Shannon
                              distance of the vocabularies with the interval of its values without drift: a distance
                              above that interval is drift
    """
    names = sorted({fault for report in (old, new) for faults in report.faults for fault in faults})
    found = [of_sets("drift of any fault", _of_fault(old, new, ""))]
    found += [TextFinding(f"drift of {name}", "", _of_fault(old, new, name)) for name in names]
    words = [[plain(text).split() for text in report.texts] for report in (old, new)]
    lengths = [np.array([len(one) for one in held], dtype=float) for held in words]
    found.append(of_sets("drift of length", welch_difference(lengths[0], lengths[1], "words")))
    found.append(_vocabulary(words[0], words[1], seed))
    return found


def _of_fault(old: TextReport, new: TextReport, name: str) -> Estimate:
    shares = [
        share([bool(faults) if not name else name in faults for faults in report.faults], report.ids)
        for report in (old, new)
    ]
    return difference_of_shares(shares[0], shares[1])


def _vocabulary(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]], seed: int) -> TextFinding:
    known = {word: at for at, word in enumerate(sorted({word for text in (*old, *new) for word in text}))}
    counts = np.zeros((len(old) + len(new), len(known)), dtype=np.int32)
    for at, text in enumerate((*old, *new)):
        for word, n in Counter(text).items():
            counts[at, known[word]] = n
    rng, total = stream(seed, "text drift"), counts.sum(axis=0)

    def distance(rows: np.ndarray) -> float:
        first = counts[rows].sum(axis=0)
        return float(scipy.spatial.distance.jensenshannon(first, total - first, base=2))

    value = distance(np.arange(len(old)))
    without = [distance(rng.permutation(len(counts))[: len(old)]) for _ in range(_SHUFFLES)]
    low, high = (float(one) for one in np.quantile(without, [0.025, 0.975]))
    n = len(counts)
    estimate = Estimate(value, low, high, unit="", method="Jensen-Shannon distance", n_used=n, n_total=n)
    note = "drift" if value > high else "no drift: as far apart as random divisions of the same texts"
    return of_sets("drift of vocabulary", estimate, f"{note}; the interval is that without drift")
