"""Which levels of an event column mean censored, and which the event: by their words, and by the column's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from heorsynth.data.columns.identifiers import words_of

CENSORED = {"alive", "living", "lives", "survived", "survivor", "survivors", "censored", "censor", "cens", "censoring",
            "lost", "withdrawn", "withdrew", "ongoing", "healthy", "well", "ned", "lebend",
            "vivo", "vivant"}  # fmt: skip
"""A level with one of these words means that the event was not observed."""

EVENT = {"dead", "deceased", "died", "death", "deaths", "event", "expired", "relapse", "relapsed", "recurred",
         "recurrence", "recurrent", "progressed", "progression", "progressive", "failure", "failed", "metastasis",
         "transplanted", "verstorben", "tot", "muerto", "mort"}  # fmt: skip
"""A level with one of these words means the event, unless a word of `NOT` stands before it, or "free" beside it."""

NOT = {"no", "not", "non", "never", "without", "none", "un", "nicht", "kein"}
YES, NO = {"yes", "y", "true", "t", "ja", "oui", "si"}, {"no", "n", "false", "f", "nein", "non"}
"""Answers. Whether yes is the event depends on what the column's name asks."""

ASKS_EVENT = EVENT | {"relapse", "recur", "recurrence", "progress", "progression", "pd", "dth", "dthfl", "evnt", "evt",
                      "arrest", "discontinued", "hospitalized", "hospitalised"}  # fmt: skip
"""A column named so asks whether the event was observed, so yes and 1 are the event."""

BESIDE_EVENT = {"status", "flag", "ind", "indicator", "observed", "occurred", "any", "all", "cause", "is", "has", "had",
                "was", "os", "pfs", "dfs", "rfs", "efs", "ttp", "overall", "patient", "pt", "disease", "cancer",
                "tumor", "tumour", "cv", "cardiac", "yn", "fu", "followup", "during", "study"}  # fmt: skip
"""Words that leave the question of a name as it is. Any other word may turn it round: death_excluded."""

VITAL = {"vital", "vitalstatus", "vitalstat", "vitstatus", "vitstat", "vstatus", "vstat", "vs"}
SURVIVAL = {"survival", "surv", "survivalstatus", "survstatus", "survstat"}
"""A column with one of these words may hold 1 for the living, as a vital status does in the NCDB registry."""

CENSORING = {"cens", "cnsr", "censor", "censored", "censoring", "censind", "censflag"}
"""A column named so may hold 1 for who was censored, the inverse of the house coding."""


def coding_by_words(name: str, levels: Iterable[object]) -> dict[object, int] | None:
    """Which of two or more levels are 0 (censored) and 1 (the event); None where words do not say so of every level.

    Examples
    --------
    >>> coding_by_words("vital_status", ["LIVING", "DECEASED"])
    {'LIVING': 0, 'DECEASED': 1}
    >>> coding_by_words("os_status", ["1:DECEASED", "0:LIVING"])
    {'1:DECEASED': 1, '0:LIVING': 0}
    >>> coding_by_words("relapse", ["no relapse", "relapsed"]), coding_by_words("death", ["yes", "no"])
    ({'no relapse': 0, 'relapsed': 1}, {'yes': 1, 'no': 0})
    >>> coding_by_words("status", ["yes", "no"]) is None, coding_by_words("censored", [True, False]) is None
    (True, True)
    """
    found = {level: _meaning(name, level) for level in levels}
    if set(found.values()) != {0, 1}:
        return None
    return {level: int(code or 0) for level, code in found.items()}


def _meaning(name: str, level: object) -> int | None:
    """0 for censored, 1 for the event, None where the words do not say."""
    words = words_of(str(level))
    if len(words) == 1 and words[0] in YES | NO:
        return int(words[0] in YES) if _asks_event(name) else None
    negated = next((at for at, word in enumerate(words) if word in NOT), None)
    if negated is not None:
        turned = set(words) & CENSORED or "free" in words or set(words[:negated]) & EVENT
        return 0 if set(words[negated:]) & EVENT and not turned else None
    if "free" in words:
        return None if set(_beside_free(words)) & EVENT else 0
    event, censored = bool(set(words) & EVENT), bool(set(words) & CENSORED)
    return None if event == censored else int(event)


def _asks_event(name: str) -> bool:
    """True where all words of a column's name ask whether the event was observed."""
    words = set(words_of(name))
    return bool(words & ASKS_EVENT) and words <= ASKS_EVENT | BESIDE_EVENT


def _beside_free(words: list[str]) -> list[str]:
    """The words of a level without "free" and what it is free of: relapse free, free of relapse."""
    at = words.index("free")
    return words[:at] if words[at + 1 : at + 2] in (["of"], ["from"]) else words[: max(at - 1, 0)] + words[at + 1 :]


def what_a_name_leaves_open(name: str) -> str:
    """What an event column's name speaks of that may make 1 the opposite of an event; "" where it does not.

    Examples
    --------
    >>> [what_a_name_leaves_open(name) for name in ("cnsr", "alive", "relapse_free", "survival_event", "status")]
    ['censoring', 'having no event', 'having no event', '', '']
    >>> {what_a_name_leaves_open(name) for name in ("vital_status", "VitalStatus", "vstatus", "surv_status")}
    {'having no event'}
    """
    words = set(words_of(name))
    if words & CENSORING:
        return "censoring"
    absent = words & (CENSORED | NOT) or any(word.endswith("free") for word in words)
    survival = words & SURVIVAL and not words & ASKS_EVENT
    return "having no event" if absent or survival or words & VITAL else ""


def both_ways(levels: Iterable[object]) -> list[dict[object, int]]:
    """The two codings that two levels may have; with more levels, none can be written for the user.

    Examples
    --------
    >>> both_ways([1, 2])
    [{1: 0, 2: 1}, {1: 1, 2: 0}]
    """
    held = list(levels)
    if len(held) != 2:
        return []
    return [{held[0]: 0, held[1]: 1}, {held[0]: 1, held[1]: 0}]


def key_of(value: object) -> str:
    """What a raw event code is called whether it stands as a boolean, a number or text.

    Examples
    --------
    >>> [key_of(value) for value in (True, "TRUE", 1, 1.0, "1", " dead ")]
    ['true', 'true', '1', '1', '1', 'dead']
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (int, float, np.number)) and float(value).is_integer():
        return str(int(value))
    text = re.sub(r"(?<=\d)\.0+$", "", str(value).strip())
    return text.lower() if text.lower() in ("true", "false") else text


def lookup(mapping: Mapping[object, int], keys: Iterable[str]) -> dict[str, int]:
    """A declared coding by `key_of`; where the column is of true and false, 1 and 0 stand for them.

    A YAML reader may hand `true` on as 1, and Python takes True for 1 anyway.

    Examples
    --------
    >>> lookup({1: 0, 0: 1}, ["true", "false"])
    {'true': 0, 'false': 1}
    """
    by_key = {key_of(code): value for code, value in mapping.items()}
    if set(keys) <= {"true", "false"}:
        by_key = {{"1": "true", "0": "false"}.get(code, code): value for code, value in by_key.items()}
    return by_key
