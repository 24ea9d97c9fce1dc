"""The attacks on synthetic rows. The control of each attack is the hold-out: patients kept out of training."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import LEVEL, Finding
from heorsynth.checks.core.groups import ALL
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.privacy.coordinates import Parts, Space
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators.attacks import differencing as two_releases
from heorsynth.estimators.attacks import guesses, members, records
from heorsynth.estimators.attacks.attack import Attack
from heorsynth.estimators.attacks.differencing import Releases
from heorsynth.estimators.attacks.members import Found

MOST_ROWS = 20_000
MOST_PEOPLE = 5_000
"""Above this number a random sample of rows or people is attacked; the standard error reflects it."""

_ALL_BUT = 0.05
"""A near copy of a patient has the same levels, and every number within this many standard deviations."""

_RATES = (0.01, 0.001)
"""The false-positive rates at which members are counted; the first decides, the other is shown in support."""

_NO_REFIT = (
    "needs releases without single patients: declare a margin for it in the protocol, or give "
    "validate(..., refit=lambda cohort: ...)"
)

_TOLERANCE = 0.1
"""A guess of a number is correct within this many of its standard deviations."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Attempt(Ask):
    """The input of an attack.

    Attributes
    ----------
    space : Space          how columns become coordinates
    unseen                 people of the group in the hold-out; None without a hold-out
    chance : Generator     the random stream of the attack
    repeated : bool        True for an attack within a group that was also made on everyone; only the latter decides
    """

    space: Space
    unseen: Cohort | None
    chance: np.random.Generator
    repeated: bool = False

    @property
    def others(self) -> Cohort:
        """The people of the hold-out, for attacks that need them."""
        return cast(Cohort, self.unseen)

    def refuse(self, reason: str, label: str = "") -> Finding:
        """Return the finding "not estimable" for an attack with too few data."""
        return self.question(label or self.estimand.plain, supports=self.repeated).refuse(reason)

    def exposure(self, label: str, attack: Attack, column: str = "") -> Finding:
        """Return the finding for an attack: `real` is its success on the hold-out, `synthetic` on training patients.

        Notes
        -----
        The test is one-sided: less success on training patients than on the hold-out is no failure.
        """
        half = normal_quantile(LEVEL) * attack.se
        guessing = f"; guessing succeeds more often ({significant(attack.guessing, 2)}): too weak to show safety"
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

    def exposed(self, label: str, found: Found, supports: bool) -> Finding:
        """Return the finding for members found: `real` is the share expected of people never seen."""
        error = np.sqrt(found.control * (1 - found.control) * (1 / self.group.real.n + 1 / self.others.n))
        numbers = Numbers(
            found.control,
            found.share,
            found.share - found.control,
            found.lower,
            found.upper,
            float(error * np.sqrt(2 / np.pi)),
        )
        return self.question(label, supports=supports).answer(numbers)

    def parts(self) -> Parts:
        """Return rows of all cohorts, patients and hold-out as points; random samples if there are too many."""
        return self.all_parts().some(MOST_ROWS, MOST_PEOPLE, self.chance)

    def all_parts(self) -> Parts:
        """Return all rows, patients and people of the hold-out as points."""
        return self.space.parts(self.group.synthetic, self.group.real, self.others)


def copies(ask: Attempt) -> list[Finding]:
    """Return the share of rows equal to a patient and, with a hold-out, of patients equal to a row."""
    rows, source = ask.space.codes_of(*ask.group.synthetic), ask.space.codes_of(ask.group.real)
    none = ask.unseen is None or ask.unseen.n < SMALL_COUNT
    unseen = None if none else ask.space.codes_of(ask.others)
    findings = [ask.exposure("rows equal to a patient", records.copies(rows, source, unseen, ask.chance))]
    if unseen is not None:
        findings.append(ask.exposure("patients whom a row of any cohort equals", records.copied(rows, source, unseen)))
    return findings


def near_copies(ask: Attempt) -> list[Finding]:
    """Return the share of rows that are nearly equal to a patient."""
    rows, source, unseen = (part.points for part in ask.parts())
    attack = records.near_copies(rows, source, unseen, _ALL_BUT, ask.chance)
    return [ask.exposure("rows all but equal to a patient", attack)]


def contamination(ask: Attempt) -> list[Finding]:
    """Return whether the generator has seen the hold-out: its people equal rows more often than they equal patients."""
    attack = records.contamination(*(part.codes for part in ask.all_parts()))
    return [ask.exposure("rows equal to a person of the hold-out", attack)]


def nearest(ask: Attempt) -> list[Finding]:
    """Return the share of rows that are nearer to a training patient than to a person of the hold-out.

    For everyone the attack is repeated with covariates only: an intruder who knows a patient knows these, not outcomes.
    """
    label = "rows nearer to a patient than to a person never seen"
    parts = ask.parts()
    rows, source, unseen = (part.points for part in parts)
    findings = [ask.exposure(label, records.nearness(rows, source, unseen, ask.chance, parts.neighbours))]
    known = ask.space.coordinates(_covariates(ask.group.real, ask.space))
    if ask.group.kind == ALL and len(known):
        attack = records.nearness(rows[:, known], source[:, known], unseen[:, known], ask.chance)
        findings.append(ask.exposure(f"{label}, by covariates alone", attack))
    return findings


def membership(ask: Attempt) -> list[Finding]:
    """Return the success of a density-ratio attack on membership in the training data."""
    attack = members.separation(ask.parts().density_ratio)
    return [ask.exposure("telling who took part (AUC of a density-ratio attack)", attack)]


def nearest_record(ask: Attempt) -> list[Finding]:
    """Return the success of an attack on membership by the distance to the nearest row of any cohort."""
    attack = members.separation(ask.parts().nearest_record)
    return [ask.exposure("telling who took part by the nearest row (AUC)", attack)]


def marginal(ask: Attempt) -> list[Finding]:
    """Return the success of an attack on membership that needs the distribution of single columns only."""
    attack = members.separation(ask.parts().marginal)
    return [ask.exposure("telling who took part by single columns (AUC)", attack)]


def members_found(ask: Attempt) -> list[Finding]:
    """Return the share of patients whom each attack on membership finds at a low false-positive rate.

    An AUC is a mean over patients: it can hide a few who are certain to be found.
    """
    parts = ask.parts()
    scores = {
        "single columns": parts.marginal,
        "a density ratio": parts.density_ratio,
        "the nearest row": parts.nearest_record,
    }
    findings = []
    for rate in _RATES[:1] if ask.repeated else _RATES:
        supports = ask.repeated or rate < _RATES[0]
        label = f"patients found at a false-positive rate of {rate:.1%}"
        if len(parts.unseen.points) < members.people_needed(rate):
            few = f"a false-positive rate of {rate:.1%} needs {members.people_needed(rate)} people in the hold-out"
            findings.append(
                ask.question(label, supports=supports).refuse(f"{few}; there are {len(parts.unseen.points)}")
            )
            continue
        findings += [
            ask.exposed(f"{label}, by {attack}", members.found(one, rate), supports) for attack, one in scores.items()
        ]
    return findings


def differencing(ask: Attempt) -> list[Finding]:
    """Return how much of the error of a patient's numbers is removed by two releases that differ by this patient."""

    def attack(releases: Releases, label: str) -> Finding:
        if not releases.numeric.any():
            return ask.refuse("no column of numbers", label)
        found, error = two_releases.numbers(releases, ask.chance)
        return ask.exposure(f"{label} (median error {significant(error)} SD)", found)

    return _of_releases(ask, "numbers of a patient left out of a second release", attack)


def differencing_levels(ask: Attempt) -> list[Finding]:
    """Return how often a level of a patient is right by two releases that differ by this patient."""

    def attack(releases: Releases, label: str) -> Finding:
        if releases.numeric.all():
            return ask.refuse("no column of levels", label)
        return ask.exposure(label, two_releases.levels(releases))

    return _of_releases(ask, "levels of a patient left out of a second release", attack)


def extreme_patients(ask: Attempt) -> list[Finding]:
    """Return how well a cohort tells whether one of the most extreme patients took part."""
    label = "telling whether an extreme patient took part (AUC)"
    return _of_releases(ask, label, lambda found, label: ask.exposure(label, two_releases.took_part(found)))


def _of_releases(ask: Attempt, label: str, attack: Callable[[Releases, str], Finding]) -> list[Finding]:
    """Return the finding of an attack on two releases; without them, why there are none."""
    releases: Releases | str | None = ask.scope.releases
    if isinstance(releases, Releases):
        return [attack(releases, label)]
    return [ask.refuse(releases or _NO_REFIT, label)]


def attribute(ask: Attempt) -> list[Finding]:
    """Return one finding for each cost, utility and follow-up time, guessed from covariates, arm and subgroups.

    A total is attacked through its parts, because it is their sum and no column of the space.
    """
    secrets = [name for name in _secrets(ask.group.real) if name in ask.space.names]
    guessed = _guessed(ask, _covariates(ask.group.real, ask.space), secrets, "guessing {} from covariates")
    return guessed or [ask.refuse("no time, cost or utility to guess")]


def linkage(ask: Attempt) -> list[Finding]:
    """Return one finding for each other column, guessed from the rows that are linked by the quasi-identifiers."""
    declared = ask.margin.settings.get("quasi_identifiers")
    if declared is None:
        return [ask.refuse("no quasi-identifiers are declared: write quasi_identifiers: [age, sex] in its margin")]
    known = [name for name in cast(Sequence[str], declared) if name in ask.space.names]
    secrets = [name for name in ask.space.names if name not in known]
    guessed = _guessed(ask, known, secrets, f"guessing {{}} of a person linked by {', '.join(known)}")
    return guessed or [ask.refuse("no other column to guess")]


def _guessed(ask: Attempt, names: Collection[str], secrets: Sequence[str], label: str) -> list[Finding]:
    """Return the finding for each secret column, guessed from the known columns; `label` has a place for its name."""
    space = ask.space
    known, findings, parts = space.coordinates(names), [], ask.parts()
    for name in secrets:
        rows, source, unseen = (part.known(known, space.names.index(name)) for part in parts)
        if not len(known) or min(len(one[1]) for one in (rows, source, unseen)) < SMALL_COUNT:
            findings.append(ask.refuse("too few known values to guess from", label.format(name)))
            continue
        tolerance = None if name in space.levels else _TOLERANCE * float(np.std(source[1]))
        attack = guesses.inference(rows, source, unseen, tolerance, ask.chance)
        findings.append(ask.exposure(label.format(name), attack, column=name))
    return findings


def linkability(ask: Attempt) -> list[Finding]:
    """Return how often two halves of a record lead to the same synthetic row."""
    space = ask.space
    if len(space.names) < 2:
        return [ask.refuse("one column cannot be split into two halves")]
    left, right = (space.coordinates(space.names[start::2]) for start in (0, 1))
    cohorts = [space.of_cohort(cohort).some(MOST_PEOPLE, ask.chance) for cohort in ask.group.synthetic[:5]]
    people = [space.of_cohort(cohort).some(MOST_PEOPLE, ask.chance) for cohort in (ask.group.real, ask.others)]
    drawn = [(part.points[:, left], part.points[:, right]) for part in cohorts]
    source, unseen = ((part.points[:, left], part.points[:, right]) for part in people)
    return [ask.exposure("joining two halves of a record", guesses.linking(drawn, source, unseen))]


def singling_out(ask: Attempt) -> list[Finding]:
    """Return how often the description of a synthetic row fits exactly one person."""
    space = ask.space
    rows = space.of_cohort(ask.group.synthetic[0]).some(MOST_PEOPLE, ask.chance)
    source, unseen = (space.of_cohort(cohort).some(MOST_PEOPLE, ask.chance) for cohort in (ask.group.real, ask.others))
    attack = guesses.singling_out(rows.codes, source.codes, unseen.codes, space.numeric, ask.chance)
    return [ask.exposure("descriptions that fit one person", attack)]


def _covariates(real: Cohort, space: Space) -> set[str]:
    """Return what an intruder may know: all columns except times, events, costs and utilities, and their parts."""
    return set(space.names) - {*real.schema.events, *_secrets(real)}


def _secrets(real: Cohort) -> list[str]:
    """Return times, costs and utilities; a total is replaced by its parts, which reveal it."""
    schema, secrets = real.schema, []
    waiting = [*schema.times, *schema.costs, *schema.utilities]
    while waiting:
        name = waiting.pop(0)
        if name in schema.totals:
            waiting[:0] = [part for part in schema.totals[name] if part not in secrets]
        elif name not in secrets:
            secrets.append(name)
    return secrets
