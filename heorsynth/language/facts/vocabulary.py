"""The vocabulary of a language: the words of closed slots, read from data files and never from patients."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from heorsynth.core.errors import unknown_name

_LANGUAGES = ("en",)
"""Languages with data files. Another language is one more file of each kind."""


@cache
def read_words(package: str, language: str) -> dict[str, Any]:
    """Return the data file of a language in a package of `heorsynth.language`.

    Parameters
    ----------
    package : str       such as "facts" or "narratives"
    language : str      ISO 639-1 code

    Raises
    ------
    UnknownNameError    there are no data files for this language

    Examples
    --------
    >>> read_words("facts", "en")["units"]["day"]
    ['day', 'days']
    """
    if language not in _LANGUAGES:
        raise unknown_name("language", language, _LANGUAGES)
    text = files(f"heorsynth.language.{package}").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def yes_or_no(level: str, language: str = "en") -> bool | None:
    """Return True or False for a level that says yes or no, None for any other.

    Examples
    --------
    >>> yes_or_no("1"), yes_or_no("No"), yes_or_no("maybe")
    (True, False, None)
    """
    words = read_words("facts", language)["yes"]
    key = plain_level(level)
    return True if key in words["yes"] else False if key in words["no"] else None


def sex_of(level: str, language: str = "en") -> str:
    """Return "f" or "m" for a level that names a sex in words, "" for any other.

    Examples
    --------
    >>> sex_of("Female"), sex_of("M"), sex_of("1")
    ('f', 'm', '')
    """
    words = read_words("facts", language)["sex"]
    return next((sex for sex, known in words.items() if plain_level(level) in known), "")


def plain_level(level: str) -> str:
    """Return a level in lower case, a whole number without its decimals: "1.0" is "1"."""
    text = level.strip().lower()
    return text[:-2] if text.endswith(".0") else text
