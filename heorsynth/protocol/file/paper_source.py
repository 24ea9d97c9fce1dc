"""What a protocol may say whose source is a published paper: keys that need patients are refused with their line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heorsynth.core.errors import Problem, ProtocolError
from heorsynth.core.yaml_lines import Path_, line_of
from heorsynth.evidence.paper import PURPOSE

PUBLISHED = "published"
"""The name of the generator that reconstructs the cohorts of a paper."""

_SEED, _COHORTS = 1, 20
"""Seed and number of cohorts where a protocol of a paper has no generator block."""

_NEEDS_PATIENTS = ("economics", "analyses", "holdout", "release", "use", "most_rows")
_NEEDS_ROWS = ("n", "targets", "where")
_ALLOWED = ("source", "name")

_Found = Iterator[tuple[type[ProtocolError], Problem]]
_Told = Iterator[tuple[Path_, str, str]]


def _is_published(plain: object) -> bool:
    """Return whether the source of a protocol, as plain data, is a paper."""
    cohort = plain.get("cohort") if isinstance(plain, Mapping) else None
    source = cohort.get("source") if isinstance(cohort, Mapping) else None
    return isinstance(source, Mapping) and source.get(PUBLISHED) is not None


def with_generator(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a protocol of a paper with its generator block: complete if it has none, with its name if it has one."""
    if not _is_published(plain):
        return plain
    if "generator" not in plain:
        return {**plain, "generator": {"name": PUBLISHED, "m": _COHORTS, "seed": _SEED}}
    generator = plain["generator"]
    return {**plain, "generator": {"name": PUBLISHED, **generator}} if isinstance(generator, dict) else plain


def paper_problems(plain: Mapping[str, Any], lines: dict[Path_, int]) -> _Found:
    """Yield what a protocol says that a paper cannot answer, or a generator that needs a paper without one."""
    found = _of_paper(plain) if _is_published(plain) else _without_paper(plain)
    for at, what, fix in found:
        yield ProtocolError, Problem(f"line {line_of(lines, at)}, {'.'.join(map(str, at))}", what, fix)


def _section(plain: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    held = plain.get(key)
    return held if isinstance(held, Mapping) else {}


def _without_paper(plain: Mapping[str, Any]) -> _Told:
    if _section(plain, "generator").get("name") == PUBLISHED:
        found, fix = "reconstructs the cohorts of a paper, and the source is none", "write name: heor"
        yield ("generator", "name"), found, f"{fix}, or source: {{published: paper.yaml}}"


def _of_paper(plain: Mapping[str, Any]) -> _Told:
    generator, purpose = _section(plain, "generator"), plain.get("purpose")
    named, m = generator.get("name", PUBLISHED), generator.get("m", _COHORTS)
    if named != PUBLISHED:
        found = f"a paper has no patients to fit {named!r} to"
        yield ("generator", "name"), found, "write name: published, or leave the block out"
    if isinstance(m, int) and m < 2:
        yield ("generator", "m"), "one cohort does not show what the paper leaves open", "write m: 20"
    if isinstance(purpose, str) and purpose != PURPOSE:
        yield ("purpose",), f"cohorts of a paper are judged for {PURPOSE} only", f"write purpose: {PURPOSE}"
    for key in _NEEDS_ROWS:
        if generator.get(key) not in (None, "same", {}):
            yield ("generator", key), "the paper says who the patients are", "leave it out"
    for key in _NEEDS_PATIENTS:
        if plain.get(key) not in (None, [], {}):
            yield (key,), "needs patients, and a paper has none", "leave it out"
    for key in _section(plain, "cohort"):
        if key not in _ALLOWED:
            yield ("cohort", str(key)), "the paper file gives the roles", "leave it out"
