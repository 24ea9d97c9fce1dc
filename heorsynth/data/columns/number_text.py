"""Read numbers written as text, with currencies, thousands marks or percent signs, and count the cells not read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

MISSING_MARKS = ("", ".", "..", "-", "--", "'--", "---", "NA", "N/A", "#N/A", "N.A.", "NaN", "<NA>", "NULL", "?",
                 "not available", "[not available]", "not applicable", "[not applicable]")  # fmt: skip
"""Texts that usually mean missing, in upper or lower case. "None" is not included, because it may mean 0."""

_LONGEST = 60
"""A text with more characters than this is not read as a number."""

UNKNOWN_WORDS = ("unknown", "unk", "missing", "not reported", "not recorded", "not done", "not known", "not evaluated",
                 "refused", "no data", "no answer")  # fmt: skip
"""Words that say that a number is unknown. They may also be levels, so they do not count as missing marks."""

PLAIN, CURRENCY, THOUSANDS, PERCENT, ZEROS = "plain", "currency sign", "thousands mark", "percent sign", "leading zeros"
READ = (PLAIN, CURRENCY, THOUSANDS, PERCENT, ZEROS)
"""Kinds of cell that are read as a number. A cell may count in several of them, except in `PLAIN`."""

MISSING, INEQUALITY, WORD, CURRENCIES, AMBIGUOUS, OTHER = (
    "missing mark", "inequality", "word", "several currencies", "unclear mark", "other text",
)  # fmt: skip
_CODED = "spelt like a code"
"""Key for the number of cells in a column that is written like codes (`spelt_like_codes`)."""

UNREAD = (MISSING, INEQUALITY, WORD, CURRENCIES, AMBIGUOUS, OTHER)
"""Kinds of cell that are not read as a number. Each cell counts in one of them."""

CURRENCY_OF = {
    "€": "EUR", "$": "USD", "us$": "USD", "£": "GBP", "¥": "JPY", "kr": "SEK", "kr.": "SEK", "fr.": "CHF", "zł": "PLN",
    "ca$": "CAD", "a$": "AUD", "₹": "INR", "r$": "BRL", "₩": "KRW",
    **{code.lower(): code for code in (
        "EUR", "USD", "GBP", "CHF", "CAD", "AUD", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "CNY", "INR",
        "BRL", "KRW", "NZD", "ZAR", "MXN", "SGD", "TRY")},
}  # fmt: skip
"""Currency signs and codes in lower case, each with its ISO code."""

_CURRENCY = "|".join(sorted(map(re.escape, CURRENCY_OF), key=len, reverse=True))
_SPACES = "\u00a0\u202f\u2009 '’"
_AMOUNT = re.compile(
    rf"(?P<sign>[+\-−])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[+\-−])?\s*"
    rf"(?P<body>\d[\d.,{_SPACES}]*(?<![{_SPACES}])|[.,]\d+)(?P<power>e[+-]?\d+)?\s*(?P<after>{_CURRENCY}|%)?",
    re.IGNORECASE,
)
_INEQUALITIES = re.compile(r"[<>≤≥=~≈].*|(less|more|greater|below|above|under|over|at least|at most|up to)\b.*\d.*"
                          r"|.*\b(lod|loq|llod|lloq|uloq|blq|bdl|bql)\b.*|below (the )?(limit|detection).*"
                          r"|\d[\d.,]*\s*\+", re.IGNORECASE)  # fmt: skip
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:[{other}{_SPACES}]\d{{3}})+(?:{re.escape(mark)}\d*)?")
           for mark, other in ((".", ","), (",", "."))}  # fmt: skip
"""A number with thousands marks, by its decimal mark."""

_UNGROUPED = {mark: re.compile(rf"\d*(?:{re.escape(mark)}\d*)?") for mark in (".", ",")}
_PERHAPS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""A number whose only mark may be a thousands mark or a decimal mark, such as 1,234."""


@dataclass(frozen=True)
class _Cell:
    """One distinct text of a column: the reason why it is not read, or the parts of its number."""

    unread: str = ""
    body: str = ""
    negative: bool = False
    power: str = ""
    currency: str = ""
    percent: bool = False


def parsed(column: pd.Series) -> tuple[np.ndarray, Counter[str]]:
    """Return the numbers that a column of text holds, and the number of cells of each kind.

    A cell is read if it holds a plain number, a number with the sign or code of the column's only currency, a number
    with thousands marks, or a percentage in a column where all numbers are percentages (12% is read as 12). The
    decimal mark is decided once for the whole column, by the cells that are unambiguous: 1,234.50 shows a decimal
    point, 1,5 a decimal comma. A cell such as 1,234 is ambiguous and is not read if no other cell decides.

    Returns
    -------
    numbers : array of float (n,)      NaN if a cell is missing or is not read
    counts : Counter                   cells by kind, from `READ` or `UNREAD`, without any cell's value. Cells that
                                       were missing before are not counted

    Examples
    --------
    >>> numbers, counts = parsed(pd.Series(["€ 12", "€1,234.50", "7", "N/A", "> 75", "unknown", None]))
    >>> numbers.tolist()
    [12.0, 1234.5, 7.0, nan, nan, nan, nan]
    >>> dict(counts)
    {'currency sign': 2, 'thousands mark': 1, 'plain': 1, 'missing mark': 1, 'inequality': 1, 'word': 1}
    >>> parsed(pd.Series(["1,234", "2,500", "987"]))[1]["unclear mark"]
    2
    >>> parsed(pd.Series(["1.234,50 EUR", "12 EUR"]))[0].tolist()
    [1234.5, 12.0]
    """
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column) and not types.is_complex_dtype(column):
        numbers = column.to_numpy(float, na_value=np.nan)
        return numbers, Counter({PLAIN: int(column.notna().sum())})
    known = column.notna().to_numpy()
    codes, different = pd.factorize(column[known].astype(object).map(str).to_numpy(dtype=object))
    cells = _settled([_cell(str(text).strip()) for text in different])
    times = np.bincount(codes, minlength=len(cells)) if len(cells) else np.zeros(0, dtype=int)
    mark = _decimal_mark(cells)
    mark = "" if mark == "?" and may_be_thousands([cell.body for cell in cells if not cell.unread]) else mark
    values, counts = np.full(len(cells), np.nan), Counter[str]()
    for at, cell in enumerate(cells):
        value, kinds = (None, [cell.unread]) if cell.unread else _number(cell, mark)
        values[at] = np.nan if value is None else value
        for kind in kinds:
            counts[kind] += int(times[at])
    if spelt_like_codes([str(text).strip() for text, cell in zip(different, cells, strict=True) if not cell.unread]):
        counts[_CODED] = int(times[[not cell.unread for cell in cells]].sum())
    numbers = np.full(len(column), np.nan)
    numbers[known] = values[codes] if len(cells) else np.nan
    return numbers, counts


LEVELS, CODES, UNCLEAR, NUMBERS = "levels", "codes", "unclear", "numbers"
"""The content of a text column, as far as its cells show."""

_MOSTLY = 0.5
"""A text column holds numbers if at least this share of its known cells is or may be a number."""

_MOST_DIGITS = 1e15
"""From this size on, a float cannot represent each whole number with one decimal: such digits are codes."""


def content_of(numbers: np.ndarray, counts: Counter[str]) -> str:
    """Return what a text column holds, given the result of `parsed`: levels, codes, numbers, or unclear content.

    Examples
    --------
    >>> columns = (["low", "high", "1"], ["250.00", "250.0"], ["1", "2", "> 3"], ["1,234", "2,500"], ["1", "2"])
    >>> [content_of(*parsed(pd.Series(column))) for column in columns]
    ['levels', 'codes', 'unclear', 'unclear', 'numbers']
    """
    known = numbers[np.isfinite(numbers)]
    left = n_unread(counts)
    likely = len(known) + counts[AMBIGUOUS] + counts[CURRENCIES]
    if not likely or likely < _MOSTLY * (len(known) + left):
        return LEVELS
    if counts[ZEROS] or counts[_CODED] or bool((np.abs(known) >= _MOST_DIGITS).any()):
        return CODES
    return UNCLEAR if left else NUMBERS


_WHOLE_CODE = re.compile(r"[+-]?\d+(?:[eE]\d+)?")
_DECIMAL_CODE = re.compile(r"\d+(?:[.,]\d+)?")
_CODE_SPELLING = re.compile(r"[+-]?0\d+(?:[eE]\d+)?|[+-]?\d{16,}|\d+[eE]\d+")
"""A whole number whose spelling a float would not keep. Programs write powers with a sign or point: 1e+05, 1.0E5."""


def spelt_like_codes(cells: Sequence[str]) -> bool:
    """Return True if the distinct cells of a column are written like codes.

    Whole numbers are codes if one has a leading zero, more than 15 digits or a bare power (1E5), or if all have a plus
    sign. Decimals are codes if one has a leading zero (001.1), if one ends in zeros (250.00) while others have more
    or fewer decimals, or if different cells become the same float because they have too many decimals. Numbers with
    equally many decimals or equally many digits (1.50, 12.0) are measurements, and so is "7.0" next to "7.25".

    Examples
    --------
    >>> codes = (["250.00", "250.0"], ["272.40", "401.9"], ["001.1", "250.1"], ["01", "-9"], ["1E5", "100000"], ["+49"])
    >>> numbers = (["1.50", "2.25"], ["7.0", "7.25"], ["1.50", "12.0", "0.250"], ["1e+05", "3"], ["+1", "-1"], ["0"])
    >>> [spelt_like_codes(cells) for cells in codes], [spelt_like_codes(cells) for cells in numbers]
    ([True, True, True, True, True, True], [False, False, False, False, False, False])
    """
    if all(_WHOLE_CODE.fullmatch(cell) for cell in cells):
        plus = bool(cells) and all(cell.startswith("+") for cell in cells)
        return plus or any(_CODE_SPELLING.fullmatch(cell) for cell in cells)
    if not all(_DECIMAL_CODE.fullmatch(cell) for cell in cells):
        return False
    parts = [(whole, decimals) for whole, mark, decimals in (cell.replace(",", ".").partition(".") for cell in cells)
             if mark]  # fmt: skip
    if any(len(whole) > 1 and whole[0] == "0" for whole, _ in parts):
        return True
    uneven = len({len(decimals) for _, decimals in parts}) > 1
    digits = {len((whole + decimals).lstrip("0")) for whole, decimals in parts if (whole + decimals).strip("0")}
    if uneven and len(digits) > 1 and any(len(one) > 1 and one[-1] == "0" for _, one in parts):
        return True
    exact = {(whole, decimals.rstrip("0")) for whole, decimals in parts}
    return len({float(f"{whole}.{decimals}") for whole, decimals in exact}) < len(exact)


def n_unread(counts: Counter[str]) -> int:
    """Return the number of known cells that `parsed` did not read, without missing marks.

    Examples
    --------
    >>> n_unread(parsed(pd.Series(["1", "NA", "<LOD", "unknown"]))[1])
    2
    """
    return sum(counts[kind] for kind in UNREAD if kind != MISSING)


def counts_in_words(counts: Counter[str], kinds: tuple[str, ...] = UNREAD) -> str:
    """Return the counts of these kinds in words; "" if all are 0.

    Examples
    --------
    >>> counts_in_words(parsed(pd.Series(["1", "NA", "<LOD", "unknown"]))[1])
    '1 missing mark, 1 inequality, 1 word'
    """
    plural = {
        INEQUALITY: "inequalities",
        CURRENCIES: "in several currencies",
        ZEROS: "with leading zeros",
        OTHER: OTHER,
    }
    return ", ".join(f"{counts[kind]:,} {kind if counts[kind] == 1 else plural.get(kind, kind + 's')}"
                     for kind in kinds if counts[kind])  # fmt: skip


def marks_in(column: pd.Series, vocabulary: tuple[str, ...] = MISSING_MARKS) -> tuple[str, ...]:
    """Return the marks of a vocabulary that occur in a text column, as they are written there.

    All of them belong to the vocabulary, so they reveal no patient's value.

    Examples
    --------
    >>> marks_in(pd.Series(["1", "n/a", "'--", "yes"]))
    ("'--", 'n/a')
    """
    if types.is_numeric_dtype(column):
        return ()
    known = {mark.casefold() for mark in vocabulary}
    return tuple(sorted({text for text in map(str, column.dropna().unique()) if text.strip().casefold() in known}))


def currencies_in(column: pd.Series) -> set[str]:
    """Return the codes of all currencies in a text column.

    Examples
    --------
    >>> currencies_in(pd.Series(["€ 12", "7", "EUR 3"]))
    {'EUR'}
    """
    return {cell.currency for cell in (_cell(text.strip()) for text in map(str, column.dropna().unique()))} - {""}


def _cell(text: str) -> _Cell:
    """Return one text as a cell, before the column's decimal mark is known."""
    if text.casefold() in _FOLDED_MARKS:
        return _Cell(MISSING)
    if len(text) > _LONGEST:
        return _Cell(OTHER)
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return _Cell(INEQUALITY if _INEQUALITIES.fullmatch(text) else OTHER if re.search(r"\d", text) else WORD)
    signs = [found["sign"], found["inner"]]
    before, after = (found["before"] or "").lower(), (found["after"] or "").lower()
    if all(signs) or (before and after):
        return _Cell(OTHER)
    currency = CURRENCY_OF.get(before or after, "")
    negative = bool({"-", "−"} & set(signs))
    return _Cell("", found["body"], negative, found["power"] or "", currency, after == "%")


_FOLDED_MARKS = {mark.casefold() for mark in MISSING_MARKS}


def _settled(cells: list[_Cell]) -> list[_Cell]:
    """Return the cells. Those whose currency or percent sign contradicts the rest of the column become unread."""
    several = len({cell.currency for cell in cells if cell.currency}) > 1
    some_percent = {cell.percent for cell in cells if not cell.unread} == {True, False}
    return [
        _Cell(CURRENCIES) if several and cell.currency else _Cell(AMBIGUOUS) if some_percent and cell.percent else cell
        for cell in cells
    ]


def _decimal_mark(cells: list[_Cell]) -> str:
    """Return the column's decimal mark, "." or ",".

    "" means that cells contradict each other. "?" means that no cell decides.
    """
    implied = {mark for cell in cells if not cell.unread for mark in _implied_marks(cell)}
    return "?" if not implied else implied.pop() if len(implied) == 1 else ""


def may_be_thousands(bodies: Sequence[str], fewest: int = 20) -> bool:
    """Return True if points are probably thousands marks, as in 4.828 next to 572.

    A program that writes decimals either drops trailing zeros or writes equally many decimals everywhere. Therefore
    thousands are more likely if `fewest` or more different numbers have one point with exactly three digits after it,
    and all other numbers are whole and below 1,000.

    Examples
    --------
    >>> counts = [f"{n // 1000}.{n % 1000:03d}" if n >= 1000 else str(n) for n in range(100, 9000, 310)]
    >>> may_be_thousands(counts), may_be_thousands([*counts, "1.5"])
    (True, False)
    """
    marked = {body for body in bodies if "." in body}
    whole = [body for body in bodies if "." not in body]
    small = bool(whole) and all(body.isdigit() and len(body) <= 3 for body in whole)
    return len(marked) >= fewest and small and all(_PERHAPS.fullmatch(body) for body in marked)


def _implied_marks(cell: _Cell) -> set[str]:
    """Return the decimal mark that a cell implies. Empty if both marks or none make it a number."""
    if not {".", ","} & set(cell.body) or _PERHAPS.fullmatch(cell.body):
        return set()
    fits = {mark for mark in (".", ",") if _fits(cell.body, mark)}
    return fits if len(fits) == 1 else set()


def _fits(body: str, mark: str) -> bool:
    return bool(_UNGROUPED[mark].fullmatch(body) or _GROUPED[mark].fullmatch(body))


def _number(cell: _Cell, mark: str) -> tuple[float | None, list[str]]:
    """Return a cell's number and the kinds it counts in, given the column's decimal mark."""
    marked = bool({".", ","} & set(cell.body))
    if marked and mark == "?" and _PERHAPS.fullmatch(cell.body) and (cell.currency or "," in cell.body):
        return None, [AMBIGUOUS]
    if marked and mark == "":
        return None, [AMBIGUOUS]
    decimal = mark if mark in (".", ",") else "."
    if not _fits(cell.body, decimal):
        return None, [OTHER]
    grouped = not _UNGROUPED[decimal].fullmatch(cell.body)
    digits = re.sub(rf"[{_SPACES}]", "", cell.body)
    digits = digits.replace("," if decimal == "." else ".", "").replace(",", ".")
    zeros = len(digits) > 1 and digits[0] == "0" and digits[1] != "."
    kinds = [kind for kind, held in ((CURRENCY, bool(cell.currency)), (THOUSANDS, grouped), (PERCENT, cell.percent),
                                     (ZEROS, zeros)) if held]  # fmt: skip
    return float(("-" if cell.negative else "") + digits + cell.power), kinds or [PLAIN]
