"""Identifiers in texts: patterns of names, numbers and addresses of persons, and canaries."""

from __future__ import annotations

import re
from collections.abc import Iterable

from heorsynth.language.reading.plain import plain

_PATTERNS = {
    "e-mail": re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{2,64}"),
    "web address": re.compile(r"\bhttps?://\S|\bwww\.\S"),
    "IP address": re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\d|\.\d)"),
    "telephone": re.compile(
        r"\+\d{1,3}[\s-]?(?:\(?\d{1,4}\)?[\s-]?){2,5}\d{2}"
        r"|\b(?:tel|phone|telephone|fax|mobile)\b\W{0,3}\+?\d[\d\s()-]{5}"
        r"|\(\d{3}\)\s?\d{3}-\d{4}|\b\d{3}-\d{3}-\d{4}\b"
    ),
    "social security number": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    "record number": re.compile(
        r"\b(?:mrn|nhs|hospital|medical record|patient|chart|case|insurance|passport|policy)\s{0,3}"
        r"(?:no\.?|number|id|nr\.?|#)?\s{0,3}[:#]?\s{0,3}(?=[a-z]{0,3}\d)[a-z]{0,3}[\d-]{5}"
        r"|\b(?:(?:hospital|record|patient|chart|case|insurance|passport|policy)\s(?:no\.?|number|id|nr\.?|#)"
        r"|(?:mrn|nhs)(?:\s(?:no\.?|number))?)\s{0,3}[:#]?\s{0,3}"
        r"(?:[a-z]{0,3}(?:[ -]?\d){6}|(?=(?:[a-z]*\d){3})[a-z\d]{6})"
    ),
    "date of birth": re.compile(r"\b(?:dob|d\.o\.b\.?|date of birth|born on|birth date)(?!\w)\W{0,4}(?=\S{0,20}\d)"),
    "postal address": re.compile(
        r"\b\d{1,5}[a-z]?\s(?:[a-z]{1,20}\s){1,3}"
        r"(?:street|st|road|rd|avenue|ave|lane|drive|square|boulevard|blvd|court|close)\b"
    ),
    "bank account": re.compile(r"\b[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){3,7}\b"),
}
"""Recognisers of plain text, in lower case."""

_TITLED = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Sir|Nurse|Herr|Frau|Mme|Señor|Señora)\.?\s{1,3}[A-ZÀ-Ý][\w'-]+"
)
_NAMED = re.compile(
    r"\b(?:[Nn]amed|[Cc]alled|[Nn]ame is|[Nn]ame was|[Nn]ame:)\s+[A-ZÀ-Ý][\w'-]+"
    r"|\b(?:[Pp]atient|[Pp]articipant|[Ss]ubject|[Ww]oman|[Mm]an),?\s+[A-ZÀ-Ý][a-zà-ÿ'-]+\s+[A-ZÀ-Ý][a-zà-ÿ'-]+"
)

_SEPARATORS = re.compile(r"[\s\-_./]+")


def identifiers_in(text: str) -> tuple[str, ...]:
    """Return the kinds of identifiers in a text, without their values.

    Examples
    --------
    >>> identifiers_in("Mrs. Smith, DOB 1/2/1960, wrote from a@b.org")
    ('e-mail', 'date of birth', 'name')
    """
    held = plain(text)
    found = [kind for kind, pattern in _PATTERNS.items() if pattern.search(held)]
    if _TITLED.search(text) or _NAMED.search(text):
        found.append("name")
    return tuple(found)


def canaries_in(text: str, canaries: Iterable[str]) -> int:
    """Return how many canaries stand in a text, whatever its case, separators and Unicode form.

    Examples
    --------
    >>> canaries_in("the canary\\u2011ada  7319", ["Canary-Ada-7319", "Canary-Bert"])
    1
    """
    held = _SEPARATORS.sub("", plain(text))
    return sum(bool(one) and one in held for one in (_SEPARATORS.sub("", plain(canary)) for canary in canaries))
