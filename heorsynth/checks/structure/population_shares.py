"""Shares of groups compared with a target population, not with the source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from heorsynth.checks.core.finding import Finding, Held
from heorsynth.checks.core.groups import names_of
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.scalar import MEAN_ABSOLUTE_NORMAL, Measured
from heorsynth.checks.core.strata import Observed, patients
from heorsynth.core.disclosure import RULES
from heorsynth.core.errors import MarginError, Problem, nearest
from heorsynth.core.numbers import is_number
from heorsynth.data.columns.levels import SMALL_COUNT

_TOLERANCE = 0.005
"""Tolerance for the sum of shares from a published table, rounded to a tenth of a percent."""


def against_targets(ask: Ask) -> list[Finding]:
    """Return the share of each level in the synthetic cohorts divided by its share in the target population.

    Notes
    -----
    The difference is the log disparity, log(share / target share). The target is taken as known, so the interval covers
    the synthesis only. `real` is the share in the source; `because` gives its own log disparity.

    References
    ----------
    Qi et al. (2021) JAMIA 28:1893 and Bhanot et al. (2021) Entropy 23:1165 (log disparity of subgroups).

    Raises
    ------
    MarginError      no target, an unknown subgroup or level, or shares that do not sum to 1
    """
    real, synthetic = ask.scope.real, ask.scope.synthetic
    findings = []
    for name, shares in checked_targets(ask.margin.settings.get("targets"), real, ask.estimand.key).items():
        held, shown = real.levels(name), names_of(real, name)
        drawn = [(cohort, cohort.levels(name)) for cohort in synthetic]
        for level, share in shares.items():
            here = _Represented(f"{name}={shown[level]}", share, patients(real, held == level), real.n)
            findings.append(
                _finding(ask, here, [patients(cohort, levels == level) / cohort.n for cohort, levels in drawn])
            )
    return findings


@dataclass(frozen=True)
class _Represented:
    """A level with its share in the target population, its number of real patients, and the number of all."""

    label: str
    target: float
    count: int
    n: int


def _finding(ask: Ask, level: _Represented, drawn: Sequence[float]) -> Finding:
    group = replace(ask.group, label=level.label)
    held = Held(count=level.count, of=level.n)
    question = ask.question("share of patients, against the target", group, n_real=level.count, held=held)
    if level.count < SMALL_COUNT:
        return question.refuse(f"fewer than {SMALL_COUNT} real patients: not shown")
    sizes = [cohort.n for cohort in ask.scope.synthetic]
    half = 0.5 / sum(sizes)
    parts = list(drawn) if any(drawn) else [half] * len(sizes)
    variances = [max(part * (1 - part), half) / n for part, n in zip(parts, sizes, strict=True)]
    own = level.count / level.n
    near = RULES.of_class(level.count, level.n) / level.n
    source = f"source {near:.0%} (log disparity {math.log(near / level.target):+.1f})"
    return question.compare(
        Measured(level.target, 0.0, parts, variances),
        before=f"target {level.target:.1%}, {source}",
        source=own,
        floor=math.sqrt((1 - own) / (own * level.n)) * MEAN_ABSOLUTE_NORMAL,
    )


def checked_targets(declared: object, real: Observed, key: str) -> dict[str, dict[str, float]]:
    """Return the target shares; MarginError for an unknown subgroup or level, or shares that do not sum to 1."""
    if not isinstance(declared, Mapping) or not declared:
        fix = "write targets: {sex: {f: 0.5, m: 0.5}}"
        raise MarginError(f"margins, {key}", Problem("targets", "no target population is declared", fix))
    problems, found = [], {}
    for name, shares in declared.items():
        if name not in real.schema.subgroups:
            fix = nearest(str(name), real.schema.subgroups)
            problems.append(Problem(f"targets: {name}", "is not a declared subgroup", fix))
            continue
        if not isinstance(shares, Mapping) or not all(_is_share(value) for value in shares.values()):
            problems.append(Problem(f"targets: {name}", "shares must be numbers above 0 and below 1"))
            continue
        levels = sorted(set(real.levels(name).tolist()) - {""})
        unknown = [str(level) for level in shares if str(level) not in levels]
        known = [level for level, shown in names_of(real, name).items() if level and level == shown]
        problems += [Problem(f"targets: {name}: {level}", "no such level", nearest(level, known)) for level in unknown]
        if abs(sum(shares.values()) - 1) > _TOLERANCE:
            fix = "give every level's share of the population"
            problems.append(Problem(f"targets: {name}", f"shares add up to {sum(shares.values()):g}, not 1", fix))
        found[str(name)] = {str(level): float(share) for level, share in shares.items()}
    if problems:
        raise MarginError(f"margins, {key}", problems)
    return found


def _is_share(value: object) -> bool:
    return is_number(value) and 0 < value < 1
