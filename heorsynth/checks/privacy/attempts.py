"""The attacks on synthetic rows, each with people never seen as its control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import LEVEL, Finding
from heorsynth.checks.core.groups import ALL
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.privacy.coordinates import Points, Space
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators import attacks
from heorsynth.estimators.attacks import Attack

MOST_ROWS = 20_000
MOST_PEOPLE = 5_000
"""Of more rows or people than this a random part is taken: the standard error says so."""

ALL_BUT = 0.05
"""A row is all but equal to a patient with the same levels and every number within so many standard deviations."""

TOLERANCE = 0.1
"""A guess of a number is right within so many of its standard deviations."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Attempt(Ask):
    """What an attack is given beside the group of patients.

    Attributes
    ----------
    space : Space          how columns become coordinates
    unseen                 people of the group whom the generator never saw; None without a hold-out
    chance : Generator     the attack's own random stream
    repeated : bool        it repeats an attack on everyone within a group: the one on everyone decides
    """

    space: Space
    unseen: Cohort | None
    chance: np.random.Generator
    repeated: bool = False

    @property
    def others(self) -> Cohort:
        """The people never seen: only attacks that need them read it."""
        return cast(Cohort, self.unseen)

    def refuse(self, reason: str, label: str = "") -> Finding:
        """The finding if there is too little to attack."""
        return self.question(label or self.estimand.plain, supports=self.repeated).refuse(reason)

    def exposure(self, label: str, attack: Attack, column: str = "") -> Finding:
        """The finding for an attack: `real` is its success on people never seen, `synthetic` on training patients.

        Notes
        -----
        One-sided: patients who are less exposed than others are no failure, however much less.
        """
        half = normal_quantile(LEVEL) * attack.se
        guessing = f"; guessing does better ({significant(attack.guessing)}): the attack is too weak to reassure"
        numbers = Numbers(
            attack.control,
            attack.success,
            attack.excess,
            attack.excess - half,
            attack.excess + half,
            float(attack.se * np.sqrt(2 / np.pi)),
        )
        question = self.question(label, supports=self.repeated, column=column)
        return question.answer(numbers, after=guessing if attack.success + half < attack.guessing else "")

    def parts(self) -> tuple[Points, Points, Points]:
        """Rows of all cohorts, patients and unseen people as points; a random part of too many."""
        rows = self.space.joined(self.group.synthetic)
        patients, unseen = self.space.of_cohort(self.group.real), self.space.of_cohort(self.others)
        return (
            rows.some(MOST_ROWS, self.chance),
            patients.some(MOST_PEOPLE, self.chance),
            unseen.some(MOST_PEOPLE, self.chance),
        )


def copies(ask: Attempt) -> list[Finding]:
    """Rows that are patients; and, as a hold-out tells copies from coincidence, patients who are in any cohort."""
    rows, source = ask.space.joined(ask.group.synthetic).codes, ask.space.of_cohort(ask.group.real).codes
    none = ask.unseen is None or ask.unseen.n < SMALL_COUNT
    unseen = None if none else ask.space.of_cohort(ask.others).codes
    found = [ask.exposure("rows equal to a patient", attacks.copies(rows, source, unseen, ask.chance))]
    if unseen is not None:
        found.append(ask.exposure("patients whom a row of any cohort equals", attacks.copied(rows, source, unseen)))
    return found


def near_copies(ask: Attempt) -> list[Finding]:
    """Rows that are all but equal to a patient."""
    rows, source, unseen = (part.points for part in ask.parts())
    attack = attacks.near_copies(rows, source, unseen, ALL_BUT, ask.chance)
    return [ask.exposure("rows all but equal to a patient", attack)]


def contamination(ask: Attempt) -> list[Finding]:
    """Whether the hold-out was seen after all: its people among the rows, more often than among the patients."""
    parts = (
        ask.space.joined(ask.group.synthetic),
        ask.space.of_cohort(ask.group.real),
        ask.space.of_cohort(ask.others),
    )
    attack = attacks.contamination(*(part.codes for part in parts))
    return [ask.exposure("rows equal to a person of the hold-out", attack)]


def nearest(ask: Attempt) -> list[Finding]:
    """Whether rows lie nearer to patients than to people never seen.

    Of everyone it is judged once more by covariates alone: whoever knows a patient knows those, not the outcome.
    """
    label = "rows nearer to a patient than to a person never seen"
    rows, source, unseen = (part.points for part in ask.parts())
    found = [ask.exposure(label, attacks.nearness(rows, source, unseen, ask.chance))]
    known = ask.space.coordinates(_covariates(ask.group.real, ask.space))
    if ask.group.kind == ALL and len(known):
        attack = attacks.nearness(rows[:, known], source[:, known], unseen[:, known], ask.chance)
        found.append(ask.exposure(f"{label}, by covariates alone", attack))
    return found


def membership(ask: Attempt) -> list[Finding]:
    """Telling who took part by a ratio of densities."""
    rows, source, unseen = (part.points for part in ask.parts())
    attack = attacks.membership(rows, source, unseen, ask.chance)
    return [ask.exposure("telling who took part (AUC of a density-ratio attack)", attack)]


def attribute(ask: Attempt) -> list[Finding]:
    """One finding a secret: each cost, utility and follow-up time, guessed from covariates, arm and subgroups.

    A total is attacked through its parts: their sum, it is itself no column of the space of points.
    """
    space = ask.space
    rows, source, unseen = ask.parts()
    known = space.coordinates(_covariates(ask.group.real, space))
    found = []
    for name in [name for name in _secrets(ask.group.real) if name in space.names]:
        label = f"guessing {name} from covariates"
        sides = [part.known(known, space.names.index(name)) for part in (rows, source, unseen)]
        if not len(known) or min(len(secret) for _, secret in sides) < SMALL_COUNT:
            found.append(ask.refuse("too little is known to guess from", label))
            continue
        tolerance = TOLERANCE * float(np.std(sides[1][1]))
        attack = attacks.inference(sides[0], sides[1], sides[2], tolerance, ask.chance)
        found.append(ask.exposure(label, attack, column=name))
    return found or [ask.refuse("no time, cost or utility to guess")]


def linkability(ask: Attempt) -> list[Finding]:
    """Joining two halves of a record by the synthetic row that both lead to."""
    space = ask.space
    if len(space.names) < 2:
        return [ask.refuse("one column has no halves")]
    left, right = (space.coordinates(space.names[start::2]) for start in (0, 1))
    cohorts = [space.of_cohort(cohort).some(MOST_PEOPLE, ask.chance) for cohort in ask.group.synthetic[:5]]
    people = [space.of_cohort(cohort).some(MOST_PEOPLE, ask.chance) for cohort in (ask.group.real, ask.others)]
    drawn = [(part.points[:, left], part.points[:, right]) for part in cohorts]
    source, unseen = ((part.points[:, left], part.points[:, right]) for part in people)
    return [ask.exposure("joining two halves of a record", attacks.linking(drawn, source, unseen))]


def singling_out(ask: Attempt) -> list[Finding]:
    """Descriptions of a synthetic row that fit one person."""
    space = ask.space
    rows = space.of_cohort(ask.group.synthetic[0]).some(MOST_PEOPLE, ask.chance)
    source, unseen = (space.of_cohort(cohort).some(MOST_PEOPLE, ask.chance) for cohort in (ask.group.real, ask.others))
    attack = attacks.singling_out(rows.codes, source.codes, unseen.codes, space.numeric, ask.chance)
    return [ask.exposure("descriptions that fit one person", attack)]


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
