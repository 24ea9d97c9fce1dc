"""The `narratives:` block of a protocol: the texts of synthetic patients, who writes them, and their checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field, model_validator

from heorsynth.core.errors import Problem, PromptError, ProtocolError, nearest
from heorsynth.core.section import Level, Number, Section, Whole
from heorsynth.core.yaml_lines import Path_, line_of
from heorsynth.language.checks.check_text import CHECKS
from heorsynth.language.models.model import model_problem
from heorsynth.language.models.prompts import Template
from heorsynth.language.narratives.writer import kinds_of

_CHECKS = tuple(name for name in CHECKS if name != "memorised")
"""Checks of a run; memorised spans need a corpus, which a protocol does not name."""


class _ModelSection(Section):
    """The language model that tells the patients beside the template, and the folder of its recorded calls.

    `model: openai:NAME` is short for `model: {name: openai:NAME}`. `patients` is how many it tells; all that are told
    if not given.
    """

    name: str
    records: str = "records"
    prompt: str | None = None
    patients: Whole | None = Field(default=None, ge=1)
    temperature: Number = Field(default=0.0, ge=0)
    top_p: Number = Field(default=1.0, gt=0, le=1)
    max_tokens: Whole = Field(default=512, ge=1)
    url: str = ""
    key_variable: str = ""


class NarrativesSection(Section):
    """Texts of patients of the first synthetic cohort, as `heorsynth.narrate` and `heorsynth.check_text`."""

    kind: str = "vignette"
    slots: list[str] = Field(min_length=1)
    names: dict[str, str] = {}
    units: dict[str, str] = {}
    levels: dict[str, dict[Level, str]] = {}
    patients: Whole = Field(default=60, ge=1)
    language: str = "en"
    checks: list[str] = ["facts", "identifiers"]
    model: _ModelSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_model(cls, given: Any) -> Any:
        short = isinstance(given, dict) and isinstance(given.get("model"), str)
        return {**given, "model": {"name": given["model"]}} if short else given

    @property
    def facts(self) -> dict[str, Any]:
        """What the narratives and the checks of their facts are told alike."""
        levels = {column: {str(level): text for level, text in held.items()} for column, held in self.levels.items()}
        return {"slots": self.slots, "names": self.names, "units": self.units, "levels": levels,
                "language": self.language}  # fmt: skip


def narratives_problems(plain: Mapping[str, Any], lines: dict[Path_, int]) -> list[tuple[type[ProtocolError], Problem]]:
    """Return the problems of the block that pydantic does not find and no cohort is needed for, each with its line."""
    block = plain.get("narratives")
    if not isinstance(block, dict):
        return []
    given = block.get("model")
    model = {"name": given} if isinstance(given, str) else given if isinstance(given, dict) else {}
    found = [*_of_names(block), *_of_model(model, isinstance(given, str))]
    return [
        (ProtocolError, Problem(f"line {line_of(lines, at)}, {'.'.join(map(str, at))}", one.found, one.fix))
        for at, one in ((("narratives", *path), problem) for path, problem in found)
    ]


def _of_names(block: Mapping[str, Any]) -> Iterator[tuple[Path_, Problem]]:
    """Languages, kinds and checks that are none."""
    language, kind, checks = block.get("language", "en"), block.get("kind"), block.get("checks")
    if language != "en":
        yield ("language",), Problem("", "no texts in this language yet", "write en, or leave it out")
    elif isinstance(kind, str) and kind not in kinds_of(language):
        yield ("kind",), Problem("", "no such kind of text", nearest(kind, kinds_of(language)))
    for at, name in enumerate(checks if isinstance(checks, list) else ()):
        if isinstance(name, str) and name not in _CHECKS:
            yield ("checks", at), Problem("", "no such check of texts", nearest(name, _CHECKS))


def _of_model(model: Mapping[str, Any], short: bool) -> Iterator[tuple[Path_, Problem]]:
    """A model that is none, a folder outside the protocol's, and a prompt with another slot than the facts."""
    name, url, records, prompt = (model.get(key) for key in ("name", "url", "records", "prompt"))
    if isinstance(name, str) and (wrong := model_problem(name, url if isinstance(url, str) else "")):
        yield ("model",) if short else ("model", wrong.where or "name"), wrong
    if isinstance(records, str) and not _is_beside(records):
        fix = "name a folder beside the protocol, such as records"
        yield ("model", "records"), Problem("", "lies outside the protocol's folder", fix)
    if isinstance(prompt, str):
        yield from ((("model", "prompt"), one) for one in _prompt_problems(prompt))


def _prompt_problems(prompt: str) -> Iterable[Problem]:
    try:
        template = Template("protocol", prompt)
    except PromptError as error:
        return [Problem("", f"{one.where}: {one.found}" if one.where else one.found, one.fix)
                for one in error.problems]  # fmt: skip
    if template.slots != {"facts"}:
        return [Problem("", "its only slot must be {facts}", "write {facts} where the patient's facts go")]
    return []


def _is_beside(records: str) -> bool:
    """True for a folder below that of the protocol."""
    path = PurePosixPath(records)
    parts = path.parts
    return bool(parts) and not path.is_absolute() and ".." not in parts and "\\" not in records and ":" not in records
