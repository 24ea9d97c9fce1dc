"""Real and synthetic folders held against each other: counted partition by partition, and never loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from heorsynth.checks import registry
from heorsynth.checks.estimands import ESTIMANDS, FROM_TALLIES
from heorsynth.checks.finding import Finding, not_estimable
from heorsynth.checks.margin import Margin
from heorsynth.checks.plan import Plan
from heorsynth.core.engine import Engine
from heorsynth.core.random import stream
from heorsynth.data.domain import Domain
from heorsynth.data.folder import CohortFolder
from heorsynth.data.tally import NEEDS_ROWS, Tally


def judged(
    real: CohortFolder,
    of_real: Tally,
    synthetic: Sequence[CohortFolder],
    asked: Plan,
    seed: int,
    engine: Engine,
) -> tuple[list[Finding], dict[str, int], tuple[str, ...]]:
    """What tallies can say, rows that break a post-condition, and notes on what needs rows.

    An estimand that needs rows is a finding that is not estimable: a decisive one keeps the verdict from being "fit".
    """
    counted = [_counted(folder, real.domain, engine) for folder in synthetic]
    tallies = [tally for tally, _ in counted]
    broken: Counter[str] = Counter()
    for _, breaks in counted:
        broken.update(breaks)
    findings: list[Finding] = []
    for name, margins in asked.by_check().items():
        if known := {key: margin for key, margin in margins.items() if key in FROM_TALLIES}:
            check = cast(Any, registry.load(name))
            findings += check(of_real, tallies, known, stream(seed, "check", name), None)
        findings += [_unasked(key, margin, real.n) for key, margin in margins.items() if key not in FROM_TALLIES]
    return findings, dict(broken), tuple(_notes(asked.margins, [of_real, *tallies]))


def _unasked(key: str, margin: Margin, n_real: int) -> Finding:
    """The finding for an estimand that counts cannot answer."""
    found = not_estimable(key.split(".", maxsplit=1)[0], ESTIMANDS[key].what, "all", NEEDS_ROWS, margin, n_real=n_real)
    return replace(found, key=key)


def _notes(margins: Mapping[str, Margin], tallies: Sequence[Tally]) -> list[str]:
    notes = ["Judged from counts and moments of folders, of all rows."]
    if unasked := [key for key in margins if key not in FROM_TALLIES]:
        notes.append(
            f"Not asked, as they need rows: {', '.join(unasked)}. Judge a cohort drawn to fit memory for these."
        )
    if not all(tally.exact for tally in tallies):
        notes.append("Some times or values were so many that they were rounded, to 0.00024 of themselves at most.")
    return notes


def _counted(folder: CohortFolder, domain: Domain, running: Engine) -> tuple[Tally, Counter[str]]:
    """The tally of a synthetic folder, and how many of its rows break a post-condition of the real one."""
    total: Tally | None = None
    broken: Counter[str] = Counter()
    for tally, breaks in running.map(
        _of_part, range(len(folder.files)), (folder, domain), what=f"counting {folder.name}", named=folder.file_name
    ):
        total = tally if total is None else total + tally
        broken.update(breaks)
    assert total is not None, "a folder has a partition"
    return total, broken


def _of_part(task: tuple[CohortFolder, Domain], part: int) -> tuple[Tally, dict[str, int]]:
    folder, domain = task
    cohort = folder.part(part)
    return Tally.of(cohort), domain.breaks(cohort.rows)
