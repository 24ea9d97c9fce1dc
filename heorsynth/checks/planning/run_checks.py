"""Run the checks, each with its own random stream, on an open engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.planning import registry
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import Engine

_Task = tuple[str, Mapping[str, Margin]]
"""The name of a check, and the margins of its estimands."""


@dataclass(frozen=True)
class Rows:
    """The input of all checks: patients, synthetic cohorts, the seed, and the hold-out and refits if there are any."""

    real: Any
    synthetic: Sequence[Any]
    seed: int
    holdout: Cohort | None = None
    standing: Standing = field(default_factory=Standing)
    releases: Any = None

    def findings(self, tasks: Sequence[_Task], engine: Engine) -> list[Finding]:
        """Return the findings of all checks, in the order of the tasks."""
        return [one for found in engine.map(_answers, tasks, self, what="checking", named=_named) for one in found]


def _named(task: _Task) -> str:
    return f"check {task[0]!r}"


def _answers(rows: Rows, task: _Task) -> list[Finding]:
    """Return the findings of one check."""
    name, margins = task
    rng = stream(rows.seed, "check", name)
    return registry.findings(name, rows.real, rows.synthetic, margins, rng, rows.holdout, rows.standing, rows.releases)
