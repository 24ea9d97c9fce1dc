"""Post-processing of raw answers: named steps, so that a record says what was done to a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from heorsynth.core.errors import ModelCallError, Problem, unknown_name
from heorsynth.core.json_schema import jsonschema
from heorsynth.core.reading import json_of
from heorsynth.language.models.calls import Answer

_FENCED = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)

_REFUSALS = re.compile(
    r"\s*(i['’]?m sorry|i am sorry|sorry,|i (can ?not|can['’]?t|won['’]?t|am unable to|am not able to)|as an ai\b"
    r"|unfortunately,? i (can ?not|can['’]?t|am unable))",
    re.IGNORECASE,
)
"""How a refusal begins."""

_CUT = {"length", "max_tokens"}
"""Reasons to end that mean that the answer was cut."""


def _complete(text: str, finish: str) -> str:
    """Refuse an answer that the endpoint cut at the largest number of tokens."""
    if finish in _CUT:
        raise _refused("the answer was cut at the largest number of tokens", "raise max_tokens")
    return text


def _not_refused(text: str, finish: str) -> str:
    """Refuse an empty answer, one in which the model declines, and one that repeats the data of the prompt."""
    if finish in ("content_filter", "refusal") or _REFUSALS.match(text):
        raise _refused("the model declined to answer", "change the template or the model")
    if "<data>" in text or "</data>" in text:
        raise _refused("the answer repeats the data of the prompt", "change the template or the model")
    if not text.strip():
        raise _refused("the answer is empty", "change the template or the model")
    return text


def _unfenced(text: str, finish: str) -> str:
    """Return what stands in the first code fence; the text itself if it has none."""
    found = _FENCED.search(text)
    return found.group(1) if found else text


def _plain(text: str, finish: str) -> str:
    """Return the text in Unicode NFC without control and direction marks, and without spaces at its ends."""
    kept = (one for one in unicodedata.normalize("NFC", text) if one in "\n\t" or unicodedata.category(one)[0] != "C")
    return "".join(kept).strip()


STEPS: Mapping[str, Callable[[str, str], str]] = {
    "complete": _complete,
    "not-refused": _not_refused,
    "unfenced": _unfenced,
    "plain": _plain,
}
"""Steps by name. Each takes the text and the reason why the answer ended."""

USUAL = ("complete", "not-refused", "unfenced", "plain")
"""The steps of every text that is used as it stands."""


def processed(answer: Answer, steps: tuple[str, ...]) -> str:
    """Return the answer after these steps.

    Raises
    ------
    ModelCallError      a step refuses the answer
    UnknownNameError    there is no such step

    Examples
    --------
    >>> processed(Answer("```text\\nA woman of 64 years.\\n```", "m"), USUAL)
    'A woman of 64 years.'
    """
    text = answer.text
    for step in steps:
        if step not in STEPS:
            raise unknown_name("post-processing step", step, STEPS)
        text = STEPS[step](text, answer.finish)
    return text


def json_answer(text: str, schema: Mapping[str, Any] | None = None) -> Any:
    """Return a processed answer as data.

    Parameters
    ----------
    schema : Mapping, optional     JSON schema that the data must follow

    Raises
    ------
    ModelCallError      it is not JSON, only a part of it, or does not follow the schema

    Examples
    --------
    >>> json_answer('{"arm": "new"}')
    {'arm': 'new'}
    """
    try:
        data = json_of(text)
    except ValueError:
        raise _refused("the answer is not complete JSON", "ask again, or raise max_tokens") from None
    if schema is not None:
        faults = sorted(
            jsonschema().Draft202012Validator(dict(schema)).iter_errors(data), key=lambda one: one.json_path
        )
        if faults:
            problems = [
                Problem(one.json_path, f"breaks the rule {one.validator!r} of the schema") for one in faults[:10]
            ]
            raise ModelCallError("answer of the model", problems)
    return data


def _refused(found: str, fix: str) -> ModelCallError:
    return ModelCallError("answer of the model", Problem("", found, fix))
