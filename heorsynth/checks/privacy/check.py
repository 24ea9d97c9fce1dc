"""Disclosure: what the rows reveal about training patients, compared with people kept out of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from heorsynth.checks.core.estimand import EVERY_GROUP, EVERYONE, Estimand
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, groups_of
from heorsynth.checks.core.question import Scope
from heorsynth.checks.core.refusals import too_few
from heorsynth.checks.privacy.attempts import Attempt
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.checks.privacy.estimands import COPIES, OF_RELEASES, STREAMS
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators.attacks import records

_SAME_PEOPLE = 0.05
"""If a larger share of the hold-out is also in the source, beyond coincidence, it is not a valid hold-out."""

_NO_HOLDOUT = (
    "needs a hold-out, people the generator never saw: write `holdout: 0.5` in the protocol, "
    "or fit to one part of the patients and give the rest to validate(..., holdout=...)"
)


def check(scope: Scope) -> list[Finding]:
    """Return the findings on the attacks and on the hold-out itself; most attacks need a hold-out.

    Each attack has its own random stream, so its result does not depend on which other attacks are made.
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
    """Return whether an attack needs a hold-out as control: all except copies and the attacks on two releases."""
    return estimand not in (COPIES, *OF_RELEASES)


def _no_holdout(space: Space, real: Cohort, holdout: Cohort | None) -> str:
    """Return why the hold-out is missing or invalid, or ""."""
    if holdout is None:
        return _NO_HOLDOUT
    if holdout.n < SMALL_COUNT:
        return f"the hold-out has fewer than {SMALL_COUNT} people"
    if records.overlap(space.of_cohort(real).codes, space.of_cohort(holdout).codes) > _SAME_PEOPLE:
        return "the hold-out contains patients of the source: it must be people the generator never saw"
    return ""


def _in_groups(attempt: Attempt) -> Iterator[list[Finding]]:
    """Yield the findings of an attack in each group, with the hold-out of that group as control.

    A mean over all patients could hide a small group at high risk. A repeated attack skips everyone, and needs enough
    rows of the group in each cohort.
    """
    others = attempt.others
    apart = attempt.scope.shared(
        "groups of the hold-out", lambda: {one.label: one.real for one in groups_of(others, ())}
    )
    for group in attempt.scope.groups():
        if attempt.repeated and group.kind == ALL:
            continue
        unseen = apart.get(group.label)
        rows = [cohort.n for cohort in group.synthetic]
        enough = min(rows) if attempt.repeated else sum(rows)
        here = replace(attempt, group=group)
        if unseen is None or min(group.real.n, unseen.n, enough) < SMALL_COUNT:
            reason = f"fewer than {SMALL_COUNT} patients, people of the hold-out or rows in this group"
            yield [here.refuse(reason)]
        else:
            yield attempt.estimand.answer(replace(here, unseen=unseen))
