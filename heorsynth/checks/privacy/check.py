"""What do the rows betray of the patients they were made from, beyond people who took no part?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from heorsynth.checks.core.finding import LEVEL, Finding, because, decide, not_estimable
from heorsynth.checks.core.groups import ALL, Group, groups_of
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import too_few
from heorsynth.checks.privacy.coordinates import Points, Space
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators import attacks
from heorsynth.estimators.attacks import Attack

MOST_ROWS = 20_000
MOST_PEOPLE = 5_000
"""Of more rows or people than this a random part is taken: the standard error says so."""

SAME_PEOPLE = 0.05
"""More of a hold-out than this also in the source, beyond coincidence: it is no hold-out."""

ALL_BUT = 0.05
"""A row is all but equal to a patient with the same levels and every number within so many standard deviations."""

PATIENTS_COPIED = "patients whom a row of any cohort equals"

TOLERANCE = 0.1
"""A guess of a number is right within so many of its standard deviations."""

NO_HOLDOUT = (
    "needs people the generator never saw: keep some aside with `holdout: 0.5` in the protocol, "
    "or fit to a part and give validate(..., holdout=...) the rest"
)

WHAT = {
    "disclosure.copies": "rows equal to a patient",
    "disclosure.nearest": "rows nearer to a patient than to a person never seen",
    "disclosure.membership": "telling who took part (AUC of a density-ratio attack)",
    "disclosure.attribute": "guessing",
    "disclosure.singling_out": "descriptions that fit one person",
    "disclosure.linkability": "joining two halves of a record",
    "disclosure.contamination": "rows equal to a person of the hold-out",
    "disclosure.near_copies": "rows all but equal to a patient",
}
"""Key to what is tried, for a reader. Each has its own stream by its place here: new ones come last."""


def check(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on seven attacks and on the hold-out itself, as `margins` asks for them; all but copies need a hold-out.

    Each attack has its own stream, so that asking for fewer changes none.
    """
    everyone = Group("all", ALL, real, tuple(synthetic))
    if few := too_few(real):
        return [_cannot(key, everyone, few, margin) for key, margin in margins.items()]
    space = Space.of(real, synthetic, holdout)
    chance = dict(zip(WHAT, rng.spawn(len(WHAT)), strict=True))
    found = []
    if "disclosure.copies" in margins:
        its_chance = chance["disclosure.copies"]
        found += _copies(everyone, space, holdout, margins["disclosure.copies"], its_chance)
    asked = {key: margin for key, margin in margins.items() if key != "disclosure.copies"}
    reason = _unfit(space, real, holdout) if asked else ""
    if reason or holdout is None:
        return [*found, *(_cannot(key, everyone, reason, margin) for key, margin in asked.items())]
    for key, margin in asked.items():
        if key in BY_GROUP:
            found += _by_group(key, everyone, holdout, space, margin, chance[key])
        else:
            found += OF_EVERYONE[key](everyone, holdout, space, margin, chance[key])
            if key in REPEATED:
                found += _in_groups(key, everyone, holdout, space, margin, chance[key])
    return found


def _unfit(space: Space, real: Cohort, holdout: Cohort | None) -> str:
    """Why a hold-out cannot serve, or ""."""
    if holdout is None:
        return NO_HOLDOUT
    if holdout.n < SMALL_COUNT:
        return f"the hold-out has fewer than {SMALL_COUNT} people"
    if attacks.overlap(space.of_cohort(real).codes, space.of_cohort(holdout).codes) > SAME_PEOPLE:
        return "the hold-out holds patients of the source: it must be people the generator never saw"
    return ""


def _parts(group: Group, holdout: Cohort, space: Space, rng: np.random.Generator) -> tuple[Points, Points, Points]:
    """Rows of all cohorts, patients and unseen people as points; a random part of too many."""
    rows = space.joined(group.synthetic)
    patients, unseen = space.of_cohort(group.real), space.of_cohort(holdout)
    return rows.some(MOST_ROWS, rng), patients.some(MOST_PEOPLE, rng), unseen.some(MOST_PEOPLE, rng)


def _copies(
    group: Group, space: Space, holdout: Cohort | None, margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    """Rows that are patients; and where a hold-out tells copies from coincidence, patients who are in any cohort."""
    key, rows, source = "disclosure.copies", space.joined(group.synthetic).codes, space.of_cohort(group.real).codes
    unseen = None if holdout is None or holdout.n < SMALL_COUNT else space.of_cohort(holdout).codes
    found = [exposure(key, WHAT[key], group, attacks.copies(rows, source, unseen, rng), margin)]
    if unseen is not None:
        found.append(exposure(key, PATIENTS_COPIED, group, attacks.copied(rows, source, unseen), margin))
    return found


def _contamination(
    group: Group, holdout: Cohort, space: Space, margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    """Whether the hold-out was seen after all: its people among the rows, more often than among the patients."""
    key = "disclosure.contamination"
    parts = (space.joined(group.synthetic), space.of_cohort(group.real), space.of_cohort(holdout))
    attack = attacks.contamination(*(part.codes for part in parts))
    return [exposure(key, WHAT[key], group, attack, margin)]


def _by_group(
    key: str, everyone: Group, holdout: Cohort, space: Space, margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    """The finding for everyone, then for each arm and subgroup level: who is most exposed is not hidden in a mean.

    Nearness is judged once more by covariates alone: whoever knows a patient knows those, not the outcome.
    """
    found = []
    apart = {group.label: group.real for group in groups_of(holdout, ())}
    for group in groups_of(everyone.real, everyone.synthetic):
        unseen = apart.get(group.label)
        drawn = sum(cohort.n for cohort in group.synthetic)
        if unseen is None or min(group.real.n, unseen.n) < SMALL_COUNT or drawn < SMALL_COUNT:
            reason = f"fewer than {SMALL_COUNT} patients, unseen people or rows of this group"
            found.append(_cannot(key, group, reason, margin))
            continue
        rows, source, others = (part.points for part in _parts(group, unseen, space, rng))
        attack = BY_GROUP[key](rows, source, others, rng)
        found.append(exposure(key, WHAT[key], group, attack, margin))
        if key == "disclosure.nearest" and group.kind == ALL:
            known = space.coordinates(_covariates(group.real, space))
            if len(known):
                attack = attacks.nearness(rows[:, known], source[:, known], others[:, known], rng)
                found.append(exposure(key, f"{WHAT[key]}, by covariates alone", group, attack, margin))
    return found


def _in_groups(
    key: str, everyone: Group, holdout: Cohort, space: Space, margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    """An attack on everybody repeated in each arm and subgroup level, in support: the average decides."""
    found = []
    apart = {group.label: group.real for group in groups_of(holdout, ())}
    for group in groups_of(everyone.real, everyone.synthetic):
        unseen = apart.get(group.label)
        sizes = [group.real.n, 0 if unseen is None else unseen.n, *(cohort.n for cohort in group.synthetic)]
        if group.kind == ALL:
            continue
        if unseen is None or min(sizes) < SMALL_COUNT:
            reason = f"fewer than {SMALL_COUNT} patients, unseen people or rows of this group"
            found.append(_cannot(key, group, reason, margin))
        else:
            found += OF_EVERYONE[key](group, unseen, space, margin, rng)
    return [replace(finding, decisive=False) for finding in found]


def _near_copies(
    group: Group, holdout: Cohort, space: Space, margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    key = "disclosure.near_copies"
    rows, source, unseen = (part.points for part in _parts(group, holdout, space, rng))
    attack = attacks.near_copies(rows, source, unseen, ALL_BUT, rng)
    return [exposure(key, WHAT[key], group, attack, margin)]


def _covariates(real: Cohort, space: Space) -> set[str]:
    """What an intruder may know: all but times, events, costs and utilities, and what these are the totals of."""
    return set(space.names) - {*real.schema.events, *_secrets(real)}


def _secrets(real: Cohort) -> list[str]:
    """Times, costs and utilities; for a total its parts, which give it away."""
    schema, found = real.schema, []
    waiting = [*schema.times, *schema.costs, *schema.utilities]
    while waiting:
        name = waiting.pop(0)
        if name in schema.totals:
            waiting[:0] = [part for part in schema.totals[name] if part not in found]
        elif name not in found:
            found.append(name)
    return found


def _attribute(group: Group, holdout: Cohort, space: Space, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """One finding a secret: each cost, utility and follow-up time, guessed from covariates, arm and subgroups.

    A total is attacked through its parts: their sum, it is itself no column of the space of points.
    """
    rows, source, unseen = _parts(group, holdout, space, rng)
    secrets = [name for name in _secrets(group.real) if name in space.names]
    known = space.coordinates(_covariates(group.real, space))
    found = []
    for name in secrets:
        label = f"{WHAT['disclosure.attribute']} {name} from covariates"
        sides = [part.known(known, space.names.index(name)) for part in (rows, source, unseen)]
        if not len(known) or min(len(secret) for _, secret in sides) < SMALL_COUNT:
            found.append(_cannot("disclosure.attribute", group, "too little is known to guess from", margin, label))
            continue
        tolerance = TOLERANCE * float(np.std(sides[1][1]))
        attack = attacks.inference(sides[0], sides[1], sides[2], tolerance, rng)
        found.append(exposure("disclosure.attribute", label, group, attack, margin))
    return found or [_cannot("disclosure.attribute", group, "no time, cost or utility to guess", margin)]


def _linkability(
    group: Group, holdout: Cohort, space: Space, margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    if len(space.names) < 2:
        return [_cannot("disclosure.linkability", group, "one column has no halves", margin)]
    halves = [space.coordinates(space.names[start::2]) for start in (0, 1)]
    cohorts = [space.of_cohort(cohort).some(MOST_PEOPLE, rng) for cohort in group.synthetic[:5]]
    people = [space.of_cohort(cohort).some(MOST_PEOPLE, rng) for cohort in (group.real, holdout)]
    left, right = halves
    drawn = [(part.points[:, left], part.points[:, right]) for part in cohorts]
    source, unseen = ((part.points[:, left], part.points[:, right]) for part in people)
    attack = attacks.linking(drawn, source, unseen)
    return [exposure("disclosure.linkability", WHAT["disclosure.linkability"], group, attack, margin)]


def _singling_out(
    group: Group, holdout: Cohort, space: Space, margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    rows = space.of_cohort(group.synthetic[0]).some(MOST_PEOPLE, rng)
    source, unseen = (space.of_cohort(cohort).some(MOST_PEOPLE, rng) for cohort in (group.real, holdout))
    attack = attacks.singling_out(rows.codes, source.codes, unseen.codes, space.numeric, rng)
    return [exposure("disclosure.singling_out", WHAT["disclosure.singling_out"], group, attack, margin)]


BY_GROUP: Mapping[str, Callable[..., Attack]] = {
    "disclosure.nearest": attacks.nearness,
    "disclosure.membership": attacks.membership,
}
OF_EVERYONE: Mapping[str, Callable[..., list[Finding]]] = {
    "disclosure.contamination": _contamination,
    "disclosure.attribute": _attribute,
    "disclosure.singling_out": _singling_out,
    "disclosure.linkability": _linkability,
    "disclosure.near_copies": _near_copies,
}
REPEATED = ("disclosure.attribute", "disclosure.singling_out", "disclosure.linkability", "disclosure.near_copies")
"""Attacks on everybody that are repeated in groups, in support."""


def exposure(key: str, what: str, group: Group, attack: Attack, margin: Margin) -> Finding:
    """The finding for an attack: `real` is its success on people never seen, `synthetic` on the source's patients.

    Notes
    -----
    One-sided: patients who are less exposed than others are no failure, however much less.
    """
    half = normal_quantile(LEVEL) * attack.se
    lower, upper = attack.excess - half, attack.excess + half
    verdict = decide(max(lower, 0.0), max(upper, 0.0), margin.width)
    reason = because(verdict, max(lower, 0.0), max(upper, 0.0), margin)
    if attack.success + half < attack.guessing:
        reason += f"; guessing does better ({significant(attack.guessing)}): the attack is too weak to reassure"
    return replace(
        not_estimable("disclosure", what, group.label, reason, margin, n_real=group.real.n, decisive=group.decisive),
        key=key,
        real=attack.control,
        synthetic=attack.success,
        difference=attack.excess,
        lower=lower,
        upper=upper,
        floor=attack.se * np.sqrt(2 / np.pi),
        verdict=verdict,
    )


def _cannot(key: str, group: Group, reason: str, margin: Margin, what: str = "") -> Finding:
    found = not_estimable("disclosure", what or WHAT[key], group.label, reason, margin, n_real=group.real.n)
    return replace(found, key=key, decisive=group.decisive)
