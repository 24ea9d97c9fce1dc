"""Near duplicates: texts that share most of their shingles, within a set and with another set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from heorsynth.core.errors import Problem, TextError
from heorsynth.language.reading.plain import plain

LEAST_JACCARD = 0.8
"""Texts are near duplicates from this share of common shingles on."""

_WORDS = 3
"""Words in a shingle."""

_BANDS, _ROWS = 32, 8
"""Bands and rows of the locality-sensitive hashing: a pair at Jaccard J is a candidate with probability
1 - (1 - J^8)^32, which is .997 at .8. Every candidate is then compared exactly."""


@dataclass(frozen=True)
class _Duplicate:
    """Two near duplicates: places of the texts, and the share of common shingles."""

    first: int
    second: int
    jaccard: float


def shingles(text: str) -> frozenset[str]:
    """Return the shingles of three words of a text.

    Examples
    --------
    >>> sorted(shingles("A woman of 64."))
    ['a woman of', 'woman of 64']
    """
    words = plain(text).replace(".", " ").replace(",", " ").split()
    if len(words) <= _WORDS:
        return frozenset([" ".join(words)])
    return frozenset(" ".join(words[at : at + _WORDS]) for at in range(len(words) - _WORDS + 1))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of common shingles among all of two texts."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def near_duplicates(
    texts: Sequence[str], reference: Sequence[str] | None = None, least: float = LEAST_JACCARD
) -> list[_Duplicate]:
    """Return the pairs of near duplicates within a set of texts, or of a text and one of a reference.

    Parameters
    ----------
    texts, reference : sequence of str    with a reference, `second` is a place in it
    least : float                         Jaccard similarity from which a pair counts, .8 or more

    Raises
    ------
    TextError      datasketch is not installed, or `least` is below .8

    References
    ----------
    Broder (1997) Proc Compression and Complexity of Sequences 21, doi:10.1109/SEQUEN.1997.666900.
    """
    if not LEAST_JACCARD <= least <= 1:
        raise TextError("near duplicates", Problem("least", "must lie between 0.8 and 1", "give 0.8"))
    sets = [shingles(text) for text in texts]
    others = sets if reference is None else [shingles(text) for text in reference]
    index = _index(others)
    found = []
    for at, sketch in enumerate(_sketches(sets)):
        for name in index.query(sketch):
            other = int(name)
            if reference is None and other <= at:
                continue
            alike = jaccard(sets[at], others[other])
            if alike >= least:
                found.append(_Duplicate(at, other, alike))
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def _index(sets: Sequence[frozenset[str]]) -> Any:
    index = _datasketch().MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
    for at, sketch in enumerate(_sketches(sets)):
        index.insert(str(at), sketch, check_duplication=False)
    return index


def _sketches(sets: Sequence[frozenset[str]]) -> Any:
    words = ([shingle.encode() for shingle in sorted(held)] for held in sets)
    return _datasketch().MinHash.generator(words, num_perm=_BANDS * _ROWS, seed=1)


def _datasketch() -> Any:
    try:
        import datasketch
    except ImportError:
        fix = "pip install 'heorsynth[language]', or leave out this check"
        raise TextError("near duplicates", Problem("", "datasketch is not installed", fix)) from None
    return datasketch
