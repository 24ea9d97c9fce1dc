"""What do the rows betray of the patients they were made from, beyond people who took no part?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from heorsynth.checks.core.estimand import EVERY_GROUP, EVERYONE, Estimand
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, groups_of
from heorsynth.checks.core.question import Scope, too_few
from heorsynth.checks.privacy.attempts import Attempt
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.checks.privacy.estimands import STREAMS
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators import attacks

SAME_PEOPLE = 0.05
"""More of a hold-out than this also in the source, beyond coincidence: it is no hold-out."""

NO_HOLDOUT = (
    "needs people the generator never saw: keep some aside with `holdout: 0.5` in the protocol, "
    "or fit to a part and give validate(..., holdout=...) the rest"
)


def check(scope: Scope) -> list[Finding]:
    """Findings on seven attacks and on the hold-out itself, as far as asked; all but copies need a hold-out.

    Each attack has its own stream, so that asking for fewer changes none.
    """
    asks, holdout = scope.asks(), scope.holdout
    if few := too_few(scope.real):
        return [ask.question(ask.estimand.plain).refuse(few) for ask in asks]
    space = Space.of(scope.real, scope.synthetic, holdout)
    known = [*STREAMS, *(ask.estimand for ask in asks if ask.estimand not in STREAMS)]
    chance = dict(zip(known, scope.rng.spawn(len(known)), strict=True))
    attempts = [
        Attempt(ask.estimand, ask.margin, scope, ask.group, space=space, unseen=holdout, chance=chance[ask.estimand])
        for ask in asks
    ]
    reason = _no_holdout(space, scope.real, holdout) if any(_needs_holdout(ask.estimand) for ask in asks) else ""
    found: list[Finding] = []
    for attempt in sorted(attempts, key=lambda one: _needs_holdout(one.estimand)):
        if reason and _needs_holdout(attempt.estimand):
            found.append(attempt.question(attempt.estimand.plain).refuse(reason))
        elif attempt.estimand.asked_of == EVERY_GROUP:
            found += [one for part in _in_groups(attempt) for one in part]
        else:
            found += attempt.estimand.answer(attempt)
            if attempt.estimand.asked_of != EVERYONE:
                repeated = replace(attempt, repeated=True)
                found += [one for part in _in_groups(repeated) for one in part]
    return found


def _needs_holdout(estimand: Estimand) -> bool:
    """Whether an attack has no control without a hold-out: all but the first, which counts copies."""
    return estimand is not STREAMS[0]


def _no_holdout(space: Space, real: Cohort, holdout: Cohort | None) -> str:
    """Why a hold-out cannot serve, or ""."""
    if holdout is None:
        return NO_HOLDOUT
    if holdout.n < SMALL_COUNT:
        return f"the hold-out has fewer than {SMALL_COUNT} people"
    if attacks.overlap(space.of_cohort(real).codes, space.of_cohort(holdout).codes) > SAME_PEOPLE:
        return "the hold-out holds patients of the source: it must be people the generator never saw"
    return ""


def _in_groups(attempt: Attempt) -> Iterator[list[Finding]]:
    """The attack in each group, against the group's own unseen people: the most exposed must not hide in a mean.

    An attack that is repeated in support has been made on everyone already, and needs enough rows of each cohort.
    """
    apart = {group.label: group.real for group in groups_of(attempt.others, ())}
    for group in attempt.scope.groups():
        if attempt.repeated and group.kind == ALL:
            continue
        unseen = apart.get(group.label)
        rows = [cohort.n for cohort in group.synthetic]
        enough = min(rows) if attempt.repeated else sum(rows)
        here = replace(attempt, group=group)
        if unseen is None or min(group.real.n, unseen.n, enough) < SMALL_COUNT:
            reason = f"fewer than {SMALL_COUNT} patients, unseen people or rows of this group"
            yield [here.refuse(reason)]
        else:
            yield attempt.estimand.answer(replace(here, unseen=unseen))
