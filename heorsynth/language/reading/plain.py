"""A text made plain before it is read: one script of letters, no hidden characters, and its sentences."""

from __future__ import annotations

import re
import unicodedata

_DASHES = str.maketrans({"‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"',
                         "”": '"', "\u00a0": " ", "\u2009": " ", "\u202f": " ", "μ": "µ"})  # fmt: skip

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_END = re.compile(r"(?<=[.!;])[)\"']?\s+(?=[\w(\"'€$£])|\n+")

_ABBREVIATED = re.compile(
    r"\b(?:(?:mr|mrs|ms|dr|approx|ca|vs|st|prof|e\.g|i\.e)\.(?=\s)"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)\.(?=\s+\d))"
)
"""Words whose stop ends no sentence."""


def plain(text: str) -> str:
    """Return a text in lower case and NFKC, without control, direction and zero-width characters.

    Examples
    --------
    >>> plain("A 64\u2011year\u2011old wo\u200bman, \uff11.\uff14 mg/dL")
    'a 64-year-old woman, 1.4 mg/dl'
    """
    text = _CONTROL.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_DASHES)).translate(_DASHES)
        text = "".join(one for one in text if one == "\n" or unicodedata.category(one)[0] != "C")
    return text.lower()


def sentences(text: str) -> list[str]:
    """Return the sentences of a plain text. A question is one sentence with its answer.

    Examples
    --------
    >>> sentences("ascites? no. aged 64 yrs. cost: 1.5; he died.")
    ['ascites? no.', 'aged 64 yrs.', 'cost: 1.5;', 'he died.']
    >>> sentences("treated by dr. x on jan. 5")
    ['treated by dr x on jan 5']
    """
    text = _ABBREVIATED.sub(lambda found: found.group()[:-1], text)
    return [part for part in _END.split(text) if part and not part.isspace()]
