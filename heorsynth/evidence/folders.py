"""Comparison of real and synthetic folders: from counts of all rows, and from a random sample of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from heorsynth.checks.core.estimand import COUNTS, NEVER, SAMPLE
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, Group, names_of
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.economics.analysis import ADJUSTMENTS
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.checks.planning.plan import Plan
from heorsynth.checks.planning.run_checks import Rows
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.one_pass import seen
from heorsynth.data.folders.sampling import rows_of, sampled
from heorsynth.data.folders.tally import Tally
from heorsynth.data.labels.label import patients_behind
from heorsynth.engine.engine import Engine
from heorsynth.engine.task import memory_given_back
from heorsynth.evidence.economics import EconomicNumbers, economic_numbers

_NOT_ASKED = (
    "it searches all rows for copies of patients, and a sample misses copies of patients who are not in it: draw a "
    "cohort that fits in memory, and check it against patients that fit in memory"
)
"""Why an estimand is not estimable for folders."""

_NO_NUMBERS = (
    "ICER, net benefit, P(cost-effective) and EVPI are not given: an adjusted evaluation needs all rows side by side, "
    "and a sample knows them less well than the folder. A larger most_rows gives them."
)


@dataclass(frozen=True)
class Sample:
    """A simple random sample of each folder, small enough for memory.

    Attributes
    ----------
    real : Cohort                  of the patients
    synthetic : tuple of Cohort    of each synthetic folder
    of_real, of_synthetic : int    patients, and synthetic rows of all folders, that there are
    """

    real: Cohort
    synthetic: tuple[Cohort, ...]
    of_real: int
    of_synthetic: int

    @classmethod
    def drawn(
        cls, real: CohortFolder, synthetic: Sequence[CohortFolder], most_rows: int, seed: int, engine: Engine
    ) -> Sample:
        """Draw at most `most_rows` rows of each folder, each with its own random stream."""
        held = tuple(sampled(folder, most_rows, _chance(seed, part), engine) for part, folder in enumerate(synthetic))
        return cls(sampled(real, most_rows, _chance(seed), engine), held, real.n, sum(folder.n for folder in synthetic))

    @property
    def whole(self) -> bool:
        """Whether it contains all rows of all folders."""
        return (self.real.n, self._rows) == (self.of_real, self.of_synthetic)

    @property
    def _rows(self) -> int:
        return sum(cohort.n for cohort in self.synthetic)

    @property
    def told(self) -> str:
        """The size of the sample in words."""
        synthetic = f"{self._rows:,} of {self.of_synthetic:,} synthetic rows"
        return f"a random sample, {self.real.n:,} of {self.of_real:,} patients and {synthetic}"

    def standing(self, usual: Standing) -> Standing:
        """Return the standing of findings from the sample: their reason names it, unless it contains all rows.

        The share of the patients outside the sample adds its part of their sampling error to each interval.
        """
        unsampled = 1 - self.real.n / self.of_real
        return usual if self.whole else replace(usual, before=(f"from {self.told}",), unsampled=unsampled)

    def lost(self, of_real: Tally) -> list[str]:
        """Return the levels of arm and subgroups that are not in the sample."""
        found = []
        for name in self.real.schema.strata:
            absent = set(of_real.levels(name).tolist()) - set(self.real.levels(name).tolist()) - {""}
            names = names_of(of_real, name)
            found += [f"{name}={names[level]}" for level in sorted(absent)]
        return found


def _chance(seed: int, part: int | None = None) -> np.random.Generator:
    """Return the random stream of the sample of the patients, or of a synthetic folder."""
    return stream(seed, "judged", *(("patients",) if part is None else ("synthetic", part)))


def patients_of(real: CohortFolder, most_rows: int, seed: int, engine: Engine) -> Cohort:
    """Return the sample of the patients; where they were not counted yet, that is done in the same pass."""
    if real.is_counted:
        return sampled(real, most_rows, _chance(seed), engine)
    found = seen(real, engine, rows_of(real, most_rows, _chance(seed))).sample
    assert found is not None, "a sample has rows"
    return found


@dataclass(frozen=True)
class Judged:
    """What folders show: findings, rows that break a rule by rule, notes, and the numbers of their evaluation."""

    findings: list[Finding]
    broken: dict[str, int]
    notes: tuple[str, ...]
    economics: tuple[EconomicNumbers, ...]


def judged(
    real: CohortFolder,
    of_real: Tally,
    synthetic: Sequence[CohortFolder],
    asked: Plan,
    seed: int,
    engine: Engine,
    most_rows: int,
    standing: Standing,
    sample: Sample | None = None,
    patients: Cohort | None = None,
) -> Judged:
    """Return findings from tallies and from a sample, the number of rows that break a rule, notes and numbers.

    The numbers of an adjusted evaluation need rows: there are none unless the sample contains all of them.

    An estimand that needs all rows gives a finding "not estimable"; if it is decisive, the verdict cannot be "fit".

    Parameters
    ----------
    sample : Sample or None    already drawn from these folders with this seed; None draws one where a check needs it
    patients : Cohort or None  the sample's patients, where only they are drawn already
    """
    of_rows = _those(asked, SAMPLE)
    drawn = bool(of_rows) and sample is None
    passes = [
        seen(folder, engine, rows_of(folder, most_rows, _chance(seed, part)) if drawn else None, real.domain)
        for part, folder in enumerate(synthetic)
    ]
    tallies = [one.tally for one in passes]
    broken: Counter[str] = Counter()
    for one in passes:
        broken.update(one.broken)
    findings: list[Finding] = []
    behind = patients_behind(real.n, (folder.label for folder in synthetic))
    standing = replace(standing, trained=behind / real.n)
    for name, margins in _those(asked, COUNTS).items():
        chance = stream(seed, "check", name)
        findings += registry.findings(name, of_real, tallies, margins, chance, None, standing)
    everyone = Group("all", ALL, of_real, ())
    findings += [
        Question(ESTIMANDS[key], ESTIMANDS[key].definition, everyone, margin, standing).refuse(_NOT_ASKED)
        for key, margin in asked.margins.items()
        if _how(key, margin) == NEVER
    ]
    used = None
    if of_rows:
        if sample is None:
            held = tuple(one.sample for one in passes if one.sample is not None)
            patients = patients_of(real, most_rows, seed, engine) if patients is None else patients
            sample = Sample(patients, held, real.n, sum(folder.n for folder in synthetic))
        used = sample
        memory_given_back()  # what counting has freed, before workers need theirs
        side_by_side = Rows(used.real, used.synthetic, seed, standing=used.standing(standing))
        findings += side_by_side.findings(list(of_rows.items()), engine)
    everyone_seen: tuple[Observed, Sequence[Observed]] = of_real, tallies
    notes = _notes(asked.margins, of_real, tallies, used)
    if used is not None and any(asked.economics.get(name) for name in ADJUSTMENTS):
        if used.whole:
            everyone_seen = used.real, used.synthetic
        else:
            notes.append(_NO_NUMBERS)
    numbers = economic_numbers(*everyone_seen, asked.economics, seed, behind)
    return Judged(findings, dict(broken), tuple(notes), numbers)


def _how(key: str, margin: Margin) -> str:
    """Return how an estimand is estimated; an adjusted evaluation needs rows, which only a sample gives."""
    how = ESTIMANDS[key].folders
    return SAMPLE if how == COUNTS and any(margin.settings.get(name) for name in ADJUSTMENTS) else how


def _those(asked: Plan, how: str) -> dict[str, dict[str, Margin]]:
    """Return the margins of each check whose estimands are estimated in this way."""
    parts = {
        name: {key: margin for key, margin in margins.items() if _how(key, margin) == how}
        for name, margins in asked.by_check().items()
    }
    return {name: margins for name, margins in parts.items() if margins}


def _notes(margins: Mapping[str, Margin], of_real: Tally, tallies: Sequence[Tally], sample: Sample | None) -> list[str]:
    notes = ["Estimates from counts and moments use all rows of the folders."]
    if sample is not None:
        notes += _of_sample(margins, of_real, sample)
    if unasked := [key for key, margin in margins.items() if _how(key, margin) == NEVER]:
        notes.append(
            f"Not asked of folders: {', '.join(unasked)}. A sample cannot show the copy of a patient who is not in it. "
            "Judge a cohort drawn to fit memory for these."
        )
    if not all(tally.exact for tally in (of_real, *tallies)):
        notes.append("Columns with too many distinct values were rounded, with a relative error of at most 0.00024.")
    return notes


def _of_sample(margins: Mapping[str, Margin], of_real: Tally, sample: Sample) -> list[str]:
    """Return notes on the estimands that use the sample, and on its limits."""
    keys = ", ".join(key for key, margin in margins.items() if _how(key, margin) == SAMPLE)
    if sample.whole:
        return [f"Asked of all rows side by side, as every folder is small enough: {keys}."] if keys else []
    notes = []
    if keys:
        notes.append(
            f"Asked of {sample.told}, as they need rows side by side: {keys}. The intervals are those of the sample, "
            "with the part of the patients' sampling error that is due to those outside it."
        )
    if keys and (lost := sample.lost(of_real)):
        notes.append(
            f"No patient of the sample has {', '.join(lost)}: estimands that need rows leave out these groups."
        )
    return notes
