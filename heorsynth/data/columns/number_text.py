"""Reads numbers that are written as text with marks: currencies, thousands, percent. Counts what it cannot read."""

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
"""What commonly stands for a missing value, in any case of letters. "None" does not: it may mean 0."""

LONGEST = 60
"""Characters beyond which a text is no number."""

UNKNOWN_WORDS = ("unknown", "unk", "missing", "not reported", "not recorded", "not done", "not known", "not evaluated",
                 "refused", "no data", "no answer")  # fmt: skip
"""Words that mean that a number is not known. They may be a level too, so they are words and no missing marks."""

PLAIN, CURRENCY, THOUSANDS, PERCENT, ZEROS = "plain", "currency sign", "thousands mark", "percent sign", "leading zeros"
READ = (PLAIN, CURRENCY, THOUSANDS, PERCENT, ZEROS)
"""Kinds of cell that are read as a number. One cell may count in several of them, but for `PLAIN`."""

MISSING, INEQUALITY, WORD, CURRENCIES, AMBIGUOUS, OTHER = (
    "missing mark", "inequality", "word", "several currencies", "unclear mark", "other text",
)  # fmt: skip
CODED = "spelt like a code"
"""Counts the cells of a column whose spellings tell codes (`spelt_as_codes`)."""

LEFT = (MISSING, INEQUALITY, WORD, CURRENCIES, AMBIGUOUS, OTHER)
"""Kinds of cell that are not read. Each cell counts in one of them."""

CURRENCY_OF = {
    "€": "EUR", "$": "USD", "us$": "USD", "£": "GBP", "¥": "JPY", "kr": "SEK", "kr.": "SEK", "fr.": "CHF", "zł": "PLN",
    "ca$": "CAD", "a$": "AUD", "₹": "INR", "r$": "BRL", "₩": "KRW",
    **{code.lower(): code for code in (
        "EUR", "USD", "GBP", "CHF", "CAD", "AUD", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "CNY", "INR",
        "BRL", "KRW", "NZD", "ZAR", "MXN", "SGD", "TRY")},
}  # fmt: skip
"""Signs and codes of currencies, in lower case, and the code that each stands for."""

_CURRENCY = "|".join(sorted(map(re.escape, CURRENCY_OF), key=len, reverse=True))
_SPACES = "\u00a0\u202f\u2009 '’"
AMOUNT = re.compile(
    rf"(?P<sign>[+\-−])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[+\-−])?\s*"
    rf"(?P<body>\d[\d.,{_SPACES}]*(?<![{_SPACES}])|[.,]\d+)(?P<power>e[+-]?\d+)?\s*(?P<after>{_CURRENCY}|%)?",
    re.IGNORECASE,
)
INEQUALITIES = re.compile(r"[<>≤≥=~≈].*|(less|more|greater|below|above|under|over|at least|at most|up to)\b.*\d.*"
                          r"|.*\b(lod|loq|llod|lloq|uloq|blq|bdl|bql)\b.*|below (the )?(limit|detection).*"
                          r"|\d[\d.,]*\s*\+", re.IGNORECASE)  # fmt: skip
GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:[{other}{_SPACES}]\d{{3}})+(?:{re.escape(mark)}\d*)?")
           for mark, other in ((".", ","), (",", "."))}  # fmt: skip
"""A number with thousands marks, by its decimal mark."""

UNGROUPED = {mark: re.compile(rf"\d*(?:{re.escape(mark)}\d*)?") for mark in (".", ",")}
PERHAPS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""A number whose one mark may be of thousands or of decimals, such as 1,234."""


@dataclass(frozen=True)
class _Cell:
    """One different text of a column: why it is left, or the parts of the number that it holds."""

    left: str = ""
    body: str = ""
    negative: bool = False
    power: str = ""
    currency: str = ""
    percent: bool = False


def parsed(column: pd.Series) -> tuple[np.ndarray, Counter[str]]:
    """The numbers that a column holds, and how many of its cells are of which kind.

    A cell is read where it holds a plain number, a number with the sign or code of the column's one currency, with
    marks between thousands, or with a percent sign that all numbers of the column have (12% is 12). Which of comma
    and point is the decimal mark is decided once for the column, by the cells that leave no choice: 1,234.50 says
    point, 1,5 says comma. A cell such as 1,234 is left as unclear where no other cell decides.

    Returns
    -------
    numbers : array of float (n,)      nan where a cell is missing or is left
    counts : Counter                   cells by kind, one of `READ` or `LEFT`; no value of a cell is in it, and cells
                                       that are missing already are not counted

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
    mark = "" if mark == "?" and may_be_thousands([cell.body for cell in cells if not cell.left]) else mark
    values, counts = np.full(len(cells), np.nan), Counter[str]()
    for at, cell in enumerate(cells):
        value, kinds = (None, [cell.left]) if cell.left else _number(cell, mark)
        values[at] = np.nan if value is None else value
        for kind in kinds:
            counts[kind] += int(times[at])
    if spelt_as_codes([str(text).strip() for text, cell in zip(different, cells, strict=True) if not cell.left]):
        counts[CODED] = int(times[[not cell.left for cell in cells]].sum())
    numbers = np.full(len(column), np.nan)
    numbers[known] = values[codes] if len(cells) else np.nan
    return numbers, counts


LEVELS, CODES, UNCLEAR, NUMBERS = "levels", "codes", "unclear", "numbers"
"""What a column of text holds, as far as its cells tell."""

MOSTLY = 0.5
"""Text of which at least this share of the known cells is, or may be, a number holds numbers."""

MOST_DIGITS = 1e15
"""From here on a float no longer tells each whole number and its first decimal from the next: such digits are codes."""


def held(numbers: np.ndarray, counts: Counter[str]) -> str:
    """What a column of text holds, from what `parsed` gives: levels, codes, numbers, or numbers beside what is unclear.

    Examples
    --------
    >>> columns = (["low", "high", "1"], ["250.00", "250.0"], ["1", "2", "> 3"], ["1,234", "2,500"], ["1", "2"])
    >>> [held(*parsed(pd.Series(column))) for column in columns]
    ['levels', 'codes', 'unclear', 'unclear', 'numbers']
    """
    known = numbers[np.isfinite(numbers)]
    left = n_left(counts)
    likely = len(known) + counts[AMBIGUOUS] + counts[CURRENCIES]
    if not likely or likely < MOSTLY * (len(known) + left):
        return LEVELS
    if counts[ZEROS] or counts[CODED] or bool((np.abs(known) >= MOST_DIGITS).any()):
        return CODES
    return UNCLEAR if left else NUMBERS


WHOLE_CODE = re.compile(r"[+-]?\d+(?:[eE]\d+)?")
DECIMAL_CODE = re.compile(r"\d+(?:[.,]\d+)?")
TELLS_CODE = re.compile(r"[+-]?0\d+(?:[eE]\d+)?|[+-]?\d{16,}|\d+[eE]\d+")
"""A whole number that does not come back from a float. Programs write powers with a sign or a point: 1e+05, 1.0E5."""


def spelt_as_codes(cells: Sequence[str]) -> bool:
    """True where the different cells of a column are spelt as codes are, and as no program or person writes numbers.

    Whole numbers: one has a leading zero, more than 15 digits or a bare power (1E5), or all have a plus sign.
    Decimals: one has a leading zero (001.1), or one ends in zeros (250.00) where others have more or fewer decimals;
    numbers of equally many decimals or equally many digits (1.50, 12.0) are measurements, and so is "7.0" beside
    "7.25". Or there are so many decimals that different cells are one float.

    Examples
    --------
    >>> codes = (["250.00", "250.0"], ["272.40", "401.9"], ["001.1", "250.1"], ["01", "-9"], ["1E5", "100000"], ["+49"])
    >>> numbers = (["1.50", "2.25"], ["7.0", "7.25"], ["1.50", "12.0", "0.250"], ["1e+05", "3"], ["+1", "-1"], ["0"])
    >>> [spelt_as_codes(cells) for cells in codes], [spelt_as_codes(cells) for cells in numbers]
    ([True, True, True, True, True, True], [False, False, False, False, False, False])
    """
    if all(WHOLE_CODE.fullmatch(cell) for cell in cells):
        plus = bool(cells) and all(cell.startswith("+") for cell in cells)
        return plus or any(TELLS_CODE.fullmatch(cell) for cell in cells)
    if not all(DECIMAL_CODE.fullmatch(cell) for cell in cells):
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


def n_left(counts: Counter[str]) -> int:
    """How many known cells `parsed` did not read, missing marks left out.

    Examples
    --------
    >>> n_left(parsed(pd.Series(["1", "NA", "<LOD", "unknown"]))[1])
    2
    """
    return sum(counts[kind] for kind in LEFT if kind != MISSING)


def told(counts: Counter[str], kinds: tuple[str, ...] = LEFT) -> str:
    """The counts of these kinds in words; "" where there are none.

    Examples
    --------
    >>> told(parsed(pd.Series(["1", "NA", "<LOD", "unknown"]))[1])
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
    """The marks of a vocabulary that a column of text holds, as they are written there.

    They are marks of the vocabulary and so tell nothing of a patient.

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
    """The codes of the currencies whose signs stand in a column of text.

    Examples
    --------
    >>> currencies_in(pd.Series(["€ 12", "7", "EUR 3"]))
    {'EUR'}
    """
    return {cell.currency for cell in (_cell(text.strip()) for text in map(str, column.dropna().unique()))} - {""}


def _cell(text: str) -> _Cell:
    """What one text is, before the column's decimal mark is known."""
    if text.casefold() in _FOLDED_MARKS:
        return _Cell(MISSING)
    if len(text) > LONGEST:
        return _Cell(OTHER)
    found = AMOUNT.fullmatch(text)
    if found is None:
        return _Cell(INEQUALITY if INEQUALITIES.fullmatch(text) else OTHER if re.search(r"\d", text) else WORD)
    signs = [found["sign"], found["inner"]]
    before, after = (found["before"] or "").lower(), (found["after"] or "").lower()
    if all(signs) or (before and after):
        return _Cell(OTHER)
    currency = CURRENCY_OF.get(before or after, "")
    negative = bool({"-", "−"} & set(signs))
    return _Cell("", found["body"], negative, found["power"] or "", currency, after == "%")


_FOLDED_MARKS = {mark.casefold() for mark in MISSING_MARKS}


def _settled(cells: list[_Cell]) -> list[_Cell]:
    """The cells, with those left whose currency or percent sign contradicts the rest of the column."""
    several = len({cell.currency for cell in cells if cell.currency}) > 1
    some_percent = {cell.percent for cell in cells if not cell.left} == {True, False}
    return [
        _Cell(CURRENCIES) if several and cell.currency else _Cell(AMBIGUOUS) if some_percent and cell.percent else cell
        for cell in cells
    ]


def _decimal_mark(cells: list[_Cell]) -> str:
    """The column's decimal mark, "." or ","; "" where two cells contradict one another; "?" where no cell decides."""
    said = {mark for cell in cells if not cell.left for mark in _says(cell)}
    return "?" if not said else said.pop() if len(said) == 1 else ""


def may_be_thousands(bodies: Sequence[str], fewest: int = 20) -> bool:
    """Whether numbers with points may have them between thousands, such as 4.828 beside 572.

    A program that writes decimals leaves out zeros at the end, or writes equally many decimals everywhere. So `fewest`
    or more different numbers with one point and exactly three digits behind it, beside whole numbers below 1,000 and
    no others, are more likely thousands.

    Examples
    --------
    >>> counts = [f"{n // 1000}.{n % 1000:03d}" if n >= 1000 else str(n) for n in range(100, 9000, 310)]
    >>> may_be_thousands(counts), may_be_thousands([*counts, "1.5"])
    (True, False)
    """
    marked = {body for body in bodies if "." in body}
    whole = [body for body in bodies if "." not in body]
    small = bool(whole) and all(body.isdigit() and len(body) <= 3 for body in whole)
    return len(marked) >= fewest and small and all(PERHAPS.fullmatch(body) for body in marked)


def _says(cell: _Cell) -> set[str]:
    """The decimal marks that alone make a number of a cell; none where both or neither do."""
    if not {".", ","} & set(cell.body) or PERHAPS.fullmatch(cell.body):
        return set()
    fits = {mark for mark in (".", ",") if _fits(cell.body, mark)}
    return fits if len(fits) == 1 else set()


def _fits(body: str, mark: str) -> bool:
    return bool(UNGROUPED[mark].fullmatch(body) or GROUPED[mark].fullmatch(body))


def _number(cell: _Cell, mark: str) -> tuple[float | None, list[str]]:
    """The number in a cell and the kinds it counts in, given the column's decimal mark."""
    marked = bool({".", ","} & set(cell.body))
    if marked and mark == "?" and PERHAPS.fullmatch(cell.body) and (cell.currency or "," in cell.body):
        return None, [AMBIGUOUS]
    if marked and mark == "":
        return None, [AMBIGUOUS]
    decimal = mark if mark in (".", ",") else "."
    if not _fits(cell.body, decimal):
        return None, [OTHER]
    grouped = not UNGROUPED[decimal].fullmatch(cell.body)
    digits = re.sub(rf"[{_SPACES}]", "", cell.body)
    digits = digits.replace("," if decimal == "." else ".", "").replace(",", ".")
    zeros = len(digits) > 1 and digits[0] == "0" and digits[1] != "."
    kinds = [kind for kind, held in ((CURRENCY, bool(cell.currency)), (THOUSANDS, grouped), (PERCENT, cell.percent),
                                     (ZEROS, zeros)) if held]  # fmt: skip
    return float(("-" if cell.negative else "") + digits + cell.power), kinds or [PLAIN]
