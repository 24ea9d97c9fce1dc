"""Errors that tell an analyst what is wrong, where, what was found, and what to do, without any patient's value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One problem: where it is, what was found there, and how to fix it.

    Attributes
    ----------
    where, found, fix : str
    in_protocol : str           the fix as written in a protocol, if it differs from Python
    """

    where: str
    found: str
    fix: str = ""
    in_protocol: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.found}" if self.where else self.found
        return f"{head}\n      fix: {self.fix}" if self.fix else head

    def to_dict(self) -> dict[str, str]:
        return {"where": self.where, "found": self.found, "fix": self.fix}


class HeorsynthError(Exception):
    """Base class of all errors raised on purpose. `problems` holds the same information as data.

    See Also
    --------
    Problem : One problem, with its fix.

    Examples
    --------
    >>> error = HeorsynthError("cohort 'trial'", Problem("age", "3 values are negative", "correct or drop them"))
    >>> print(error)
    cohort 'trial' has 1 problem
      1. age: 3 values are negative
          fix: correct or drop them
    >>> error.problems[0].fix
    'correct or drop them'
    """

    def __init__(self, subject: str, problems: Problem | Sequence[Problem] = ()) -> None:
        self.subject = subject
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__(self._text())

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the message without a traceback. IPython calls this method."""
        return [f"{type(self).__name__}: {self}"]

    def _text(self) -> str:
        if not self.problems:
            return self.subject
        count = len(self.problems)
        lines = [f"{self.subject} has {count} problem{'s' if count > 1 else ''}"]
        lines += [f"  {i}. {problem}" for i, problem in enumerate(self.problems, start=1)]
        return "\n".join(lines)


class CohortError(HeorsynthError):
    """A frame and its declared roles do not make a cohort."""


class MissingColumnError(CohortError):
    """A role names a column that the frame does not have."""


class RoleError(CohortError):
    """A role is impossible: one column used twice, an unknown endpoint, a malformed declaration."""


class DurationError(CohortError):
    """A duration is missing, not a number, not positive, or not after its entry time."""


class EventCodingError(CohortError):
    """An event column holds codes outside the declared coding."""


class NoEventsError(CohortError):
    """An endpoint in which every patient is censored."""


class ArmError(CohortError):
    """The arm column has one level, or more than two levels without a reference."""


class DuplicateIdError(CohortError):
    """The id column does not identify patients uniquely."""


class SparseLevelError(CohortError):
    """A subgroup level with a single patient."""


class TooFewPatientsError(CohortError):
    """There are fewer patients than the operation needs."""


class EmptyColumnError(CohortError):
    """A column that is constant or entirely missing."""


class UnfitColumnError(CohortError):
    """A column that no generator can reproduce, such as dates or free text."""


class MixedTypesError(CohortError):
    """A column that mixes numbers and text."""


class FileError(HeorsynthError):
    """A file is not what its ending says, or cannot be read."""


class EncodingError(FileError):
    """A text file that is not UTF-8."""


class DamagedFileError(FileError):
    """A file that is truncated or corrupt."""


class LabelError(FileError):
    """A file's synthetic label is missing, belongs to another file, or cannot be read."""


class HorizonError(HeorsynthError):
    """A time past the last follow-up, where the estimand is not identified."""


class NotEstimableError(HeorsynthError):
    """The data cannot give an estimate: no patients, no events, or no variation."""


class AnalysisError(HeorsynthError):
    """A declared analysis has an impossible setting, or names what the cohort lacks."""


class UnknownNameError(HeorsynthError):
    """A name that is not in the registry, schema or list of datasets."""


class GeneratorError(HeorsynthError):
    """A generator cannot be fitted or cannot draw the requested rows."""


class ProtocolError(HeorsynthError):
    """A protocol file does not follow its schema. Every problem names its line."""


class PaperError(HeorsynthError):
    """A paper file, or a file of its curves, does not say what its schema asks. Every problem names its line."""


class ComparisonError(HeorsynthError):
    """An indirect comparison has an impossible setting, or names what its cohorts lack."""


class MarginError(HeorsynthError):
    """A margin has the wrong sign or no scale, or is so wide that the check is meaningless."""


class SeedError(HeorsynthError):
    """A run without a seed, or a seed that is not a non-negative whole number."""


class LedgerError(HeorsynthError):
    """A release that may not be made beside earlier ones of the same patients, or one that exceeds their budget."""


class CurveError(HeorsynthError):
    """A published curve, or the numbers printed beside it, cannot come from one group of patients."""


class OutputError(HeorsynthError):
    """The output folder cannot be written, or already holds another run."""


class LanguageError(HeorsynthError):
    """A text, prompt or language model is not what it should be."""


class PromptError(LanguageError):
    """A prompt template with an unknown or unfilled slot, or a prompt of something that no prompt may hold."""


class ModelCallError(LanguageError):
    """A language model did not answer, refused, or answered with another model. It never holds a key or a prompt."""


class ProposalError(LanguageError):
    """A proposed fact is not quoted from the text, or is to be used before a person accepted it."""


class CallRecordError(LanguageError):
    """A recorded call is missing without a live model, was altered, or cannot be written."""


class TextError(LanguageError):
    """Texts do not fit their cohort, or are too many or too long."""


class EngineError(HeorsynthError):
    """An engine cannot be opened, or a task failed on it twice. It names the task, never the task's data."""


class RunError(HeorsynthError):
    """A run folder is incomplete, or does not match its checksums."""


class SignatureError(HeorsynthError):
    """A signature or envelope was altered, forged or made with another key, or a key is not valid."""


def as_yaml(text: str) -> str:
    """Return the text as a quoted YAML scalar, for a fix that can be pasted into a protocol."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


FEW_NAMES, LONGEST_NAME = 12, 60
"""The largest number of names listed if none is close, and of characters shown of a long name."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a phrase with the closest known name, ignoring case. If none is close, it lists all, or the five closest.

    Examples
    --------
    >>> nearest("tiem", ["time", "event"])
    "did you mean 'time'?"
    >>> nearest("sex", ["time", "event"])
    'use one of: event, time'
    >>> nearest("sex", [f"gene{number:05}" for number in range(10_000)])
    'none of the 10,000 names is close; the nearest: gene00000, gene00001, gene00002, gene00003, gene00004'
    """
    names = sorted(known)
    closest = _closest(_cut(name).casefold(), names, 5)
    if closest and closest[0][0] >= 0.5:
        return f"did you mean {_cut(closest[0][1])!r}?"
    if len(names) <= FEW_NAMES:
        return "use one of: " + ", ".join(map(_cut, names))
    told = ", ".join(_cut(one) for _, one in closest)
    return f"none of the {len(names):,} names is close; the nearest: {told}"


def _closest(wanted: str, names: list[str], most: int) -> list[tuple[float, str]]:
    """The closest names with their similarity, most similar first; of equally close ones the first.

    A similarity is computed only where its upper bounds, which cost a tenth, exceed that of the last one held.
    """
    matcher = difflib.SequenceMatcher(b=wanted)
    held: list[tuple[float, str]] = []
    for name in names:
        matcher.set_seq1(_cut(name).casefold())
        least = held[-1][0] if len(held) == most else -1.0
        if matcher.real_quick_ratio() > least and matcher.quick_ratio() > least and (found := matcher.ratio()) > least:
            held = sorted([*held, (found, name)], key=lambda one: -one[0])[:most]
    return held


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is not in `known`, with the closest known name."""
    return UnknownNameError(f"{kind} {name!r} is not known: {nearest(name, known)}")
