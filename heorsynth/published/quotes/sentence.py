"""Quoted sentences: whether one stands in a text, and whether it contains a number as printed."""

from __future__ import annotations

import re
import unicodedata

_SIGNS = str.maketrans({"‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"',
                        "”": '"', "·": "."})  # fmt: skip

_WHOLE = re.compile(r"(?<![\w.])[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?!\d|[.,]\d)")
"""A number with commas between thousands, or without."""

_SPACED = re.compile(r"(?<![\w.])\d{1,3}(?: \d{3})+(?:\.\d+)?(?!\d|[.,]\d)")
"""A number with spaces between thousands: the same signs may also be several numbers."""

_NOT_REACHED = re.compile(
    r"\bnot (?:yet |been |yet been )?(?:reached|estimable|evaluable|available)\b|\b(?:NR|NE|NA)\b", re.I
)

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: n for n, word in enumerate(_ONES)} | {word: 10 * n for n, word in enumerate(_TENS, start=2)} | {
    f"{tens}-{ones}": 10 * n + one
    for n, tens in enumerate(_TENS, start=2) for one, ones in enumerate(_ONES[1:10], start=1)
}  # fmt: skip
"""Numbers in words, such as begin a sentence: "Sixty-two patients …"."""


def visible(text: str) -> str:
    r"""Return a text without the characters that a reader does not see, and with one space for any white space.

    Dashes, quotation marks and raised decimal points become their plain form, and the text is put into Unicode NFC.

    Examples
    --------
    >>> visible("HR\u00a00·62 (0.43–0.89),\n  n\u200b = 100")
    'HR 0.62 (0.43-0.89), n = 100'
    """
    plain = unicodedata.normalize("NFC", text).translate(_SIGNS)
    kept = (one for one in plain if one.isspace() or unicodedata.category(one)[0] != "C")
    return " ".join("".join(kept).split())


def has_number(quote: str, number: str) -> bool:
    """Return whether a sentence contains a number with the same digits; "not reached" in any of its usual words.

    Examples
    --------
    >>> has_number("The median was 18.0 months in 1,204 patients.", "18.0")
    True
    >>> has_number("The median was 18.0 months in 1,204 patients.", "204")
    False
    >>> has_number("The upper limit was not reached.", "NR")
    True
    """
    sentence = visible(quote)
    if _NOT_REACHED.fullmatch(number.strip()):
        return bool(_NOT_REACHED.search(sentence))
    return _canonical(number) in _numbers_in(sentence)


def _numbers_in(sentence: str) -> set[str]:
    found = {_canonical(one.group()) for one in (*_WHOLE.finditer(sentence), *_SPACED.finditer(sentence))}
    words = re.findall(r"[a-z]+(?:-[a-z]+)?", sentence.casefold())
    return found | {str(_WORDS[word]) for word in words if word in _WORDS}


def _canonical(number: str) -> str:
    """The digits of a number: without percent sign, plus sign and marks of thousands, with a zero before the point."""
    digits = visible(number).rstrip("% ").replace(",", "").replace(" ", "").removeprefix("+")
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    return sign + ("0" + digits if digits.startswith(".") else digits)
