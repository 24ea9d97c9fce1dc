"""The `release:` block of a protocol: who may receive the cohorts, the key of their noise, and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from heorsynth.core.errors import Problem, ProtocolError
from heorsynth.core.section import Number, Section, Whole
from heorsynth.core.yaml_lines import Path_, line_of
from heorsynth.data.labels.levels import INTERNAL, PUBLIC_LEVEL, SHARED, level_problem
from heorsynth.generators.registry import RELEASE

_OPTIONS = (RELEASE, "release_key")
"""Options of a generator that a protocol gives in its block `release`, so that label and first page tell the same."""


_BUDGETS = ({"mu"}, {"epsilon", "delta"})
"""The keys that make a budget."""


class _BudgetSection(Section):
    """The privacy that all releases of one source may spend: `mu`, or `epsilon` and `delta`."""

    mu: Number | None = Field(default=None, gt=0)
    epsilon: Number | None = Field(default=None, gt=0)
    delta: Number | None = Field(default=None, ge=0, lt=1)


class ReleaseSection(Section):
    """The release level, the file of the release key, and the ledger of releases.

    `release: shared` is short for `release: {level: shared}`. `fewest` is the smallest number of patients in which two
    releases may differ.
    """

    level: str | None = None
    key: str | None = None
    ledger: str | None = None
    fewest: Whole | None = Field(default=None, ge=2)
    budget: _BudgetSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_level(cls, given: Any) -> Any:
        return {"level": given} if isinstance(given, str) else given


def level_of(document: Any) -> str:
    """Return the release level of a protocol: its own, else "shared" for data-sharing with heor or with an epsilon of
    it, "public" for a paper, else "internal"."""
    if document.cohort.source.published is not None:
        return PUBLIC_LEVEL
    declared = None if document.release is None else document.release.level
    shared = document.purpose == "data-sharing" or "epsilon" in document.generator.options
    default = SHARED if shared and document.generator.name == "heor" else INTERNAL
    return declared or default


def release_problems(plain: Mapping[str, Any], lines: dict[Path_, int]) -> list[tuple[type[ProtocolError], Problem]]:
    """Return the problems of the block that pydantic does not find, each with its line."""
    found: list[tuple[type[ProtocolError], Problem]] = []
    block, generator = plain.get("release"), plain.get("generator")
    level = block.get("level") if isinstance(block, dict) else block
    if isinstance(level, str) and (wrong := level_problem(level)):
        at = ("release", "level") if isinstance(block, dict) else ("release",)
        found.append((ProtocolError, Problem(f"line {line_of(lines, at)}, {'.'.join(at)}", wrong.found, wrong.fix)))
    budget = block.get("budget") if isinstance(block, dict) else None
    if isinstance(budget, dict) and set(budget) not in _BUDGETS:
        where = f"line {line_of(lines, ('release', 'budget'))}, release.budget"
        found.append((ProtocolError, Problem(where, "no complete budget", "write {mu: 1}, or {epsilon: 1, delta: 0}")))
    options = generator.get("options") if isinstance(generator, dict) else None
    if level == INTERNAL and isinstance(options, dict) and "epsilon" in options:
        where = f"line {line_of(lines, ('generator', 'options', 'epsilon'))}, generator.options.epsilon"
        fix = "write release: shared or release: public, or drop epsilon"
        found.append((ProtocolError, Problem(where, "an internal release has no noise", fix)))
    for name in sorted(set(_OPTIONS) & set(options)) if isinstance(options, dict) else ():
        where = f"line {line_of(lines, ('generator', 'options', name))}, generator.options.{name}"
        fix = "write it at the top of the protocol: release: shared, or release: {level: shared, key: FILE}"
        found.append((ProtocolError, Problem(where, "not a setting within a protocol", fix)))
    return found
