"""The release levels: who may receive the cohorts of a run."""

from __future__ import annotations

from heorsynth.core.errors import Problem, nearest

INTERNAL, SHARED, PUBLIC_LEVEL = "internal", "shared", "public"

LEVELS = {
    INTERNAL: "not to leave the custodian",
    SHARED: "for recipients who have agreed with the custodian on its use",
    PUBLIC_LEVEL: "for anybody",
}
"""Level to the readers it allows, in words."""


def level_problem(level: object) -> Problem | None:
    """Return what is wrong with a release level, with the nearest valid name; None for a valid one."""
    if isinstance(level, str) and level in LEVELS:
        return None
    return Problem("release", f"{level!r} is not a release level", nearest(str(level), LEVELS))


def level_sentence(level: str, noise_key: str = "") -> str:
    """Return the release level of a cohort as a sentence.

    Parameters
    ----------
    level : str         of the label; "" for a label of an older version
    noise_key : str     of the label

    Examples
    --------
    >>> level_sentence("internal")
    'Release level internal: not to leave the custodian.'
    """
    if not level:
        return "No release level is stated: treat it as internal, not to leave the custodian."
    sentence = f"Release level {level}: {LEVELS[level]}."
    return f"{sentence} {key_sentence(noise_key)}" if noise_key else sentence


def key_sentence(noise_key: str) -> str:
    """Return which key the noise of a release follows.

    Examples
    --------
    >>> key_sentence("public")
    'The key of its noise is public: the data are.'
    """
    if noise_key == "public":
        return "The key of its noise is public: the data are."
    return f"Its noise follows the custodian's secret key {noise_key}."
