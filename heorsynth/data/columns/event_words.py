"""Recognise which levels of an event column mean censored and which mean the event, from their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from heorsynth.data.columns.identifiers import words_of

_CENSORED = {"alive", "living", "lives", "survived", "survivor", "survivors", "censored", "censor", "cens", "censoring",
            "lost", "withdrawn", "withdrew", "ongoing", "healthy", "well", "ned", "lebend",
            "vivo", "vivant"}  # fmt: skip
"""A level with one of these words means censored."""

EVENT = {"dead", "deceased", "died", "death", "deaths", "event", "expired", "relapse", "relapsed", "recurred",
         "recurrence", "recurrent", "progressed", "progression", "progressive", "failure", "failed", "metastasis",
         "transplanted", "verstorben", "tot", "muerto", "mort"}  # fmt: skip
"""A level with one of these words means the event, unless a word of `_NOT` precedes it or "free" is next to it."""

_NOT = {"no", "not", "non", "never", "without", "none", "un", "nicht", "kein"}
YES, NO = {"yes", "y", "true", "t", "ja", "oui", "si"}, {"no", "n", "false", "f", "nein", "non"}
"""Answers. The column's name decides whether yes means the event."""

_EVENT_NAMES = EVENT | {"relapse", "recur", "recurrence", "progress", "progression", "pd", "dth", "dthfl", "evnt",
                       "evt",
                      "arrest", "discontinued", "hospitalized", "hospitalised"}  # fmt: skip
"""A column with one of these words in its name asks whether the event was observed: yes and 1 mean the event."""

_BESIDE_EVENT = {"status", "flag", "ind", "indicator", "observed", "occurred", "any", "all", "cause", "is", "has",
                 "had",
                "was", "os", "pfs", "dfs", "rfs", "efs", "ttp", "overall", "patient", "pt", "disease", "cancer",
                "tumor", "tumour", "cv", "cardiac", "yn", "fu", "followup", "during", "study"}  # fmt: skip
"""Words that do not change what a column name asks. Any other word may invert it, as in death_excluded."""

VITAL = {"vital", "vitalstatus", "vitalstat", "vitstatus", "vitstat", "vstatus", "vstat", "vs"}
_SURVIVAL = {"survival", "surv", "survivalstatus", "survstatus", "survstat"}
"""A column with one of these words may hold 1 for the living, as a vital status does in the NCDB registry."""

_CENSORING = {"cens", "cnsr", "censor", "censored", "censoring", "censind", "censflag"}
"""A column with one of these words in its name may hold 1 for censored, the inverse of the coding used here."""


def coding_by_words(name: str, levels: Iterable[object]) -> dict[object, int] | None:
    """Return the code of each level, 0 = censored or 1 = event. None if the words do not decide for every level.

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
    meanings = {level: _meaning(name, level) for level in levels}
    if set(meanings.values()) != {0, 1}:
        return None
    return {level: int(code or 0) for level, code in meanings.items()}


def _meaning(name: str, level: object) -> int | None:
    """Return 0 for censored, 1 for the event, None if the words do not decide."""
    words = words_of(str(level))
    if len(words) == 1 and words[0] in YES | NO:
        return int(words[0] in YES) if _asks_event(name) else None
    negated = next((at for at, word in enumerate(words) if word in _NOT), None)
    if negated is not None:
        turned = set(words) & _CENSORED or "free" in words or set(words[:negated]) & EVENT
        return 0 if set(words[negated:]) & EVENT and not turned else None
    if "free" in words:
        return None if set(_beside_free(words)) & EVENT else 0
    event, censored = bool(set(words) & EVENT), bool(set(words) & _CENSORED)
    return None if event == censored else int(event)


def _asks_event(name: str) -> bool:
    """Return True if the column's name asks whether the event was observed."""
    words = set(words_of(name))
    return bool(words & _EVENT_NAMES) and words <= _EVENT_NAMES | _BESIDE_EVENT


def _beside_free(words: list[str]) -> list[str]:
    """Return the words of a level without "free" and the word it belongs to, as in relapse free or free of relapse."""
    at = words.index("free")
    return words[:at] if words[at + 1 : at + 2] in (["of"], ["from"]) else words[: max(at - 1, 0)] + words[at + 1 :]


def inverted_meaning(name: str) -> str:
    """Return what 1 may mean instead of the event, judged by the column's name; "" if the name is clear.

    In a column of vital status, 1 or true may mean alive, as in the NCDB registry.

    Examples
    --------
    >>> [inverted_meaning(name) for name in ("cnsr", "alive", "relapse_free", "survival_event", "status")]
    ['censoring', 'having no event', 'having no event', '', '']
    >>> {inverted_meaning(name) for name in ("vital_status", "VitalStatus", "vstatus", "surv_status")}
    {'having no event'}
    """
    words = set(words_of(name))
    if words & _CENSORING:
        return "censoring"
    absent = words & (_CENSORED | _NOT) or any(word.endswith("free") for word in words)
    survival = words & _SURVIVAL and not words & _EVENT_NAMES
    return "having no event" if absent or survival or words & VITAL else ""


def possible_codings(levels: Iterable[object]) -> list[dict[object, int]]:
    """Return the two possible codings of two levels. The list is empty for any other number of levels.

    Examples
    --------
    >>> possible_codings([1, 2])
    [{1: 0, 2: 1}, {1: 1, 2: 0}]
    """
    pair = list(levels)
    if len(pair) != 2:
        return []
    return [{pair[0]: 0, pair[1]: 1}, {pair[0]: 1, pair[1]: 0}]


def key_of(value: object) -> str:
    """Return the text key of a raw event code. It is the same for a code stored as a boolean, a number or text.

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
    """Return a declared coding by `key_of`. In a column of true and false, its 1 and 0 stand for true and false.

    A YAML reader may return `true` as 1, and in Python True equals 1.

    Examples
    --------
    >>> lookup({1: 0, 0: 1}, ["true", "false"])
    {'true': 0, 'false': 1}
    """
    by_key = {key_of(code): value for code, value in mapping.items()}
    if set(keys) <= {"true", "false"}:
        by_key = {{"1": "true", "0": "false"}.get(code, code): value for code, value in by_key.items()}
    return by_key
