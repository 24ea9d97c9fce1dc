"""Memorised spans: runs of words that stand in a corpus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from heorsynth.language.reading.plain import plain

_LEAST_WORDS = 8
"""A run of so many words in common is a memorised span."""

_WORD = re.compile(r"\w+(?:[.'/-]\w+)*")
"""A word without the punctuation around it, so that a run may end a sentence or stand in its middle."""


class Corpus:
    """The spans of a corpus, for many texts to be compared with.

    Parameters
    ----------
    texts : iterable of str
    least : int                words of a span
    """

    def __init__(self, texts: Iterable[str], least: int = _LEAST_WORDS) -> None:
        self.least = least
        self._spans = {span for text in texts for span in _spans(_WORD.findall(plain(text)), least)}

    def longest(self, text: str) -> int:
        """Return the words of the longest run of a text that stands in the corpus, 0 below `least`.

        A run is counted from overlapping spans, each of which stands in the corpus.

        Examples
        --------
        >>> Corpus(["a b c d e"], least=3).longest("x b c d e y")
        4
        """
        longest = run = 0
        for span in _spans(_WORD.findall(plain(text)), self.least):
            run = run + 1 if span in self._spans else 0
            longest = max(longest, run)
        return longest + self.least - 1 if longest else 0


def _spans(words: Sequence[str], least: int) -> Iterable[tuple[str, ...]]:
    return (tuple(words[at : at + least]) for at in range(len(words) - least + 1))
