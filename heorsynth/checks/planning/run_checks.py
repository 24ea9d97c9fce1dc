"""What every check answers of rows, each from its own random stream, on whichever engine is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.planning import registry
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import Engine

Asked = tuple[str, Mapping[str, Margin]]
"""A check by name, and the margins of what it is asked."""


@dataclass(frozen=True)
class Rows:
    """The rows that checks look at: of patients, of synthetic cohorts, and of a hold-out, if any; and the seed."""

    real: Cohort
    synthetic: Sequence[Cohort]
    seed: int
    holdout: Cohort | None = None

    def findings(self, asked: Sequence[Asked], engine: Engine) -> list[Finding]:
        """The findings of every check, in the order they are asked."""
        return [one for found in engine.map(_answers, asked, self, what="checking", named=_named) for one in found]


def _named(task: Asked) -> str:
    return f"check {task[0]!r}"


def _answers(rows: Rows, task: Asked) -> list[Finding]:
    """The findings of one check."""
    name, margins = task
    return registry.load(name)(rows.real, rows.synthetic, margins, stream(rows.seed, "check", name), rows.holdout)
