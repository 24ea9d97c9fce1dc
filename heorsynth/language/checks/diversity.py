"""Diversity of a set of texts: self-BLEU and the share of distinct n-grams."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem, TextError
from heorsynth.core.estimate import Estimate
from heorsynth.language.reading.plain import plain

_BLOCK, _MOST_BLOCKS, _FEWEST_BLOCKS = 15, 12, 3
"""Texts in a block, and the number of blocks: the values of blocks that share no text give the interval."""


def blocks_of(texts: Sequence[str], rng: np.random.Generator) -> list[list[str]]:
    """Return blocks of texts drawn at random without a common text.

    Raises
    ------
    NotEstimableError      fewer texts than three blocks need
    """
    n_blocks = min(_MOST_BLOCKS, len(texts) // _BLOCK)
    if n_blocks < _FEWEST_BLOCKS:
        found = f"{len(texts)} texts; {_BLOCK * _FEWEST_BLOCKS} are needed"
        raise NotEstimableError("diversity", Problem("", found, "check more texts"))
    order = rng.permutation(len(texts))[: n_blocks * _BLOCK]
    return [[texts[at] for at in part] for part in np.split(order, n_blocks)]


def self_bleu(blocks: Sequence[Sequence[str]]) -> Estimate:
    """Return self-BLEU: how well a text is predicted by the others of its block, from 0 (nothing) to 100 (a copy).

    References
    ----------
    Zhu et al. (2018) SIGIR, doi:10.1145/3209978.3210080; Post (2018) WMT (sacrebleu).
    """
    bleu = _bleu()
    values = [
        float(
            np.mean([bleu.sentence_score(text, [*block[:at], *block[at + 1 :]]).score for at, text in enumerate(block)])
        )
        for block in blocks
    ]
    return _of_blocks(values, "of 100", blocks)


def distinct(blocks: Sequence[Sequence[str]], n: int) -> Estimate:
    """Return the share of distinct n-grams among the first words of a block; each block gives the same number of words.

    References
    ----------
    Li et al. (2016) NAACL, doi:10.18653/v1/N16-1014.
    """
    words = [[word for text in block for word in plain(text).split()] for block in blocks]
    least = min(map(len, words))
    values = []
    for held in words:
        grams = [tuple(held[at : at + n]) for at in range(least - n + 1)]
        values.append(len(set(grams)) / max(1, len(grams)))
    return _of_blocks(values, "", blocks)


def _of_blocks(values: Sequence[float], unit: str, blocks: Sequence[Sequence[str]]) -> Estimate:
    held = np.asarray(values)
    se = float(held.std(ddof=1)) / math.sqrt(len(held))
    half = float(special.stdtrit(len(held) - 1, 0.975)) * se
    value, n = float(held.mean()), sum(map(len, blocks))
    return Estimate(value, value - half, value + half, se, 0.95, unit, "mean over blocks of texts, t", n, n)


def _bleu() -> Any:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        fix = "pip install 'heorsynth[language]', or leave out this check"
        raise TextError("diversity", Problem("", "sacrebleu is not installed", fix)) from None
    return BLEU(effective_order=True)
