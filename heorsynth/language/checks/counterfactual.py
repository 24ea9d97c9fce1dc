"""Counterfactual pairs: the same facts with another sex or ethnicity, and how the texts differ beside that fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.core.errors import Problem, RoleError, TextError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.language.checks.findings import TextFinding
from heorsynth.language.checks.rates import of_sets
from heorsynth.language.checks.shares import mean_difference
from heorsynth.language.facts.sheet import Sheet, require_synthetic, sheet_of
from heorsynth.language.facts.vocabulary import read_words
from heorsynth.language.narratives.narrate import narrate
from heorsynth.language.reading.compare import Reader
from heorsynth.language.reading.plain import plain

_READ = ("names", "units", "levels", "slots", "language")
"""Options of `narrate` that say what the slots are."""


@dataclass(frozen=True)
class _Counterfactual:
    """Texts of the same patients with two levels of one column.

    Attributes
    ----------
    column : str
    levels : tuple of str             first and second
    first, second : tuple of str      texts, pair by pair
    findings : tuple of TextFinding   second minus first: words, tone, facts stated
    """

    column: str
    levels: tuple[str, str]
    first: tuple[str, ...]
    second: tuple[str, ...]
    findings: tuple[TextFinding, ...]


def counterfactual(cohort: Cohort, column: str, levels: Sequence[str] | None = None, **options: Any) -> _Counterfactual:
    """Return texts of every patient with each of two levels of a column, and how they differ.

    Parameters
    ----------
    cohort : Cohort        synthetic, with its label
    column : str           such as "sex" or "ethnicity"
    levels : sequence      the two levels compared; the only two of the column if not given
    **options              of `narrate`: kind, model, seed, names, units, levels

    Raises
    ------
    LabelError, RoleError  the cohort is not labelled as synthetic; the column has other levels than two

    Notes
    -----
    Template texts differ in the words of the column alone: both use the same streams. A difference of a model's texts,
    beyond those words, is a difference of the model.
    """
    require_synthetic(cohort, "counterfactual texts")
    known = sorted(set(map(str, cohort.levels(column))) - {""})
    pair = tuple(known if levels is None else levels)
    if len(pair) != 2 or not set(pair) <= set(known):
        found = f"{len(known)} levels; two are compared"
        raise RoleError(f"column {column!r}", Problem("levels", found, "give two of its levels as levels=(…, …)"))
    chosen = dict(options)
    shown = chosen.pop("printed", None)
    if shown is not None:
        chosen["levels"] = shown
    made = [_with_level(cohort, column, level) for level in pair]
    texts = [narrate(one, **chosen) for one in made]
    common = [name for name in texts[0].ids if name in set(texts[1].ids)]
    held = [dict(zip(one.ids, one.texts, strict=True)) for one in texts]
    first, second = ([one[name] for name in common] for one in held)
    reading = {name: value for name, value in chosen.items() if name in _READ}
    sheets = [sheet_of(one, **reading) for one in made]
    stated = [_stated(sheet, one) for sheet, one in zip(sheets, held, strict=True)]
    facts = np.array([stated[1][name] - stated[0][name] for name in common])
    findings = compared_pairs(first, second, chosen.get("language", "en"))
    findings.append(of_sets("pairs: facts stated", mean_difference(facts, "facts")))
    return _Counterfactual(column, (pair[0], pair[1]), tuple(first), tuple(second), tuple(findings))


def compared_pairs(first: Sequence[str], second: Sequence[str], language: str = "en") -> list[TextFinding]:
    """Return the mean difference of words and of tone, second minus first, with intervals.

    Raises
    ------
    TextError      the texts are not pairs

    Notes
    -----
    Tone is 100 (positive - negative words) / words, with the words of `checks/en.toml`.
    """
    if len(first) != len(second) or len(first) < 2:
        raise TextError("pairs of texts", Problem("", f"{len(first)} and {len(second)} texts", "give pairs"))
    words = [np.array([len(plain(text).split()) for text in texts], dtype=float) for texts in (first, second)]
    tones = [np.array([_tone(text, language) for text in texts]) for texts in (first, second)]
    return [
        of_sets("pairs: words", mean_difference(words[1] - words[0], "words")),
        of_sets("pairs: tone", mean_difference(tones[1] - tones[0], "per 100 words")),
    ]


def _tone(text: str, language: str) -> float:
    held = read_words("checks", language)["tone"]
    words = [word.strip(".,;:()?!") for word in plain(text).split()]
    good = sum(word in held["positive"] for word in words) - sum(word in held["negative"] for word in words)
    return 100.0 * good / max(1, len(words))


def _stated(sheet: Sheet, texts: dict[str, str]) -> dict[str, int]:
    """Return how many facts each text states rightly."""
    reader, rows = Reader(sheet), dict(zip(sheet.ids, sheet.rows, strict=True))
    return {name: len(rows[name]) - _missed(reader, text, sheet, rows[name]) for name, text in texts.items()}


def _missed(reader: Reader, text: str, sheet: Sheet, row: Any) -> int:
    return len({fault.slot for fault in reader.faults(text, row) if fault.slot in row})


def _with_level(cohort: Cohort, column: str, level: str) -> Cohort:
    frame = cohort.rows.copy()
    own = frame[column]
    value = next(one for one, text in zip(own, cohort.levels(column), strict=True) if str(text) == level)
    frame[column] = own.where(own.isna(), value)
    return Cohort.derive(cohort.schema, frame, label=cohort.label, name=cohort.name)
