"""The analyses that nobody declared, on the patients and on every synthetic cohort: how many differ?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np
from scipy import special

from heorsynth.checks.core.finding import LEVEL, PASS, Finding
from heorsynth.checks.core.kept import kept
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.refusals import too_few
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.structure.panel_analyses import KINDS, Analysis, drawn_panel
from heorsynth.checks.structure.panel_columns import values_of
from heorsynth.core.disclosure import RULES
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.core.ranks import discovery_rates
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.least_squares import first_coefficients

_OFF = 1.0
"""An analysis is off if the mean over the cohorts differs by more than this many standard errors of the patients."""

_CLEARLY = 0.001
"""The chance that an analysis at exactly `_OFF` standard errors is taken for one that is clearly off."""

_DISCOVERY = 0.05
"""At most this share of the effects that are said to be clearly shown is due to chance."""

_EXACT = 1e-8
"""A standard error below this, of columns with spread 1, is rounding error: a column is the sum of others, for example.
Such a model has no uncertainty, so no difference can be counted in standard errors."""

_NAMED = 3
"""This many of the worst analyses are named in the finding."""

_STREAM = 18
"""Name of the panel's own random stream within the stream of the check."""

ONE_RESAMPLE = float(2 * special.ndtr(-_OFF))
"""The share of analyses off in one bootstrap resample of the patients: P(|Z| > 1) = 0.317."""


@dataclass(frozen=True, eq=False)
class PanelResult:
    """The panel's estimates.

    Attributes
    ----------
    analyses : tuple (J,)           what is estimated
    real, error : array (J,)        the patients' estimates and their HC2 standard errors
    synthetic : array (J,)          mean over the cohorts in which it can be estimated; NaN if it is unknown in
                                    more than half of them
    difference : array (J,)         synthetic - real, in standard errors of the patients; infinite if unknown
    chance : array (J,)             standard error of `difference` over the cohorts; infinite for one cohort
    freedom : array (J,)            its degrees of freedom: one less than the cohorts in which it can be estimated
    told : str                      which of the cohort's columns were analysed, if not all
    """

    analyses: tuple[Analysis, ...]
    real: np.ndarray
    error: np.ndarray
    synthetic: np.ndarray
    difference: np.ndarray
    chance: np.ndarray
    freedom: np.ndarray
    told: str = ""

    def half_width(self, tail: float = (1 - LEVEL) / 2) -> np.ndarray:
        """Return the half-width (J,) of the t-interval of `difference`, given these patients; infinite if unknown."""
        known = np.isfinite(self.chance)
        with np.errstate(invalid="ignore"):
            return np.where(known, -special.stdtrit(self.freedom, tail) * self.chance, np.inf)

    @property
    def off(self) -> np.ndarray:
        """Whether each analysis is off (J,)."""
        return np.asarray(np.abs(self.difference) > _OFF)

    @property
    def shown(self) -> np.ndarray:
        """Whether the patients show an effect (J,): a 95% interval without 0."""
        return np.asarray(np.abs(self.real) > normal_quantile(0.95) * self.error)

    @property
    def kinds(self) -> dict[str, np.ndarray]:
        """The kinds of analyses, with whether each analysis is of this kind (J,)."""
        held = np.array([one.kind for one in self.analyses])
        return {kind: held == kind for kind in KINDS if (held == kind).any()}

    @property
    def lost(self) -> np.ndarray:
        """Whether the patients clearly show an effect (J,) of which the copy clearly keeps less than half.

        Clearly shown: a false discovery rate of 5% among the analyses of its kind (Benjamini and Hochberg 1995).
        Clearly lost: the interval of the difference, whose tail is 0.001, lies beyond half of the effect.
        """
        effect = np.abs(self.real) / self.error
        clear = np.zeros(len(effect), dtype=bool)
        for held in self.kinds.values():
            clear[held] = discovery_rates(2 * special.ndtr(-effect[held])) <= _DISCOVERY
        change = self.difference * np.sign(self.real) + self.half_width(_CLEARLY)
        return np.asarray(clear & (np.isinf(self.difference) | (change < -effect / 2)))

    @property
    def worst(self) -> list[int]:
        """The places of the analyses, the largest difference first."""
        return [int(place) for place in np.argsort(-np.abs(self.difference), kind="stable")]

    def numbers(self, level: float = LEVEL) -> Numbers:
        """Return the share of analyses that are off in the kind where it is largest, its interval, and its floor.

        Notes
        -----
        A copy can lose how treatment works by a covariate and keep all else. These analyses are few among all, so each
        kind has a share of its own, and the largest is the answer. Its interval is from the largest of the lower ends
        to the largest of the upper ends.

        Within a kind, let a be (1 - level)/2. U is the share of analyses whose interval at this level does not lie
        within ±1 standard error: one that is off is taken for one within with a probability of at most a, so the true
        share p has E(U) ≥ (1 - a) p, and the upper end is U/(1 - a). L is the share whose interval lies beyond ±1. The
        lower end rests on it alone, so it uses b = 0.001 for a: E(L) ≤ p + b (1 - p), and it is (L - b)/(1 - b). A
        purpose with many decisive findings needs no further correction of it (`fails_among`).

        The interval covers the randomness of the m cohorts, so more cohorts make it narrower. It is about these
        patients and this panel: another seed draws another panel. The floor is the share off in one bootstrap resample
        of the patients, P(|Z| > 1) = 0.317; the mean over many resamples is off in none.
        """
        tail = (1 - level) / 2
        size = np.abs(self.difference)
        beyond = size - self.half_width(min(tail, _CLEARLY)) > _OFF
        not_within = size + self.half_width(tail) > _OFF
        kinds = self.kinds.values()
        share = max(float(self.off[held].mean()) for held in kinds)
        lower = max(max(float(beyond[held].mean()) - _CLEARLY, 0.0) / (1 - _CLEARLY) for held in kinds)
        upper = max(min(float(not_within[held].mean()) / (1 - tail), 1.0) for held in kinds)
        return replace(Numbers.of_distance(share, lower, upper, ONE_RESAMPLE), for_many=True)


def panel_result(real: Cohort, synthetic: Sequence[Cohort], rng: np.random.Generator) -> PanelResult:
    """Draw a panel of analyses from the patients and estimate it in every cohort.

    Parameters
    ----------
    real, synthetic      the patients, and the m synthetic cohorts
    rng : Generator      the stream of the check. Only its seed is used, so earlier draws change no panel, and the panel
                         changes no later draw

    Notes
    -----
    Cuts, levels and horizons come from the patients. Every analysis uses the rows in which its columns are known. The
    mean is over the cohorts in which an analysis can be estimated, so it ignores a group that is empty in a few of
    them. An analysis that is unknown in more than half of them is off.
    """
    seeds = cast(np.random.SeedSequence, rng.bit_generator.seed_seq)
    own = np.random.default_rng(np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, _STREAM)))
    return kept(real, synthetic, "panel", own, lambda: _panel_result(real, synthetic, own))


def _panel_result(real: Cohort, synthetic: Sequence[Cohort], own: np.random.Generator) -> PanelResult:
    drawn = drawn_panel(real, own)
    if not drawn.analyses:
        none = np.empty(0)
        return PanelResult((), none, none, none, none, none, none)
    value, error = first_coefficients(drawn.values, drawn.models)
    usable = np.flatnonzero(np.isfinite(value) & (error > _EXACT))
    analyses = tuple(drawn.analyses[place] for place in usable)
    models = [drawn.models[place] for place in usable]
    values = np.array([first_coefficients(values_of(one, drawn.columns), models, errors=False)[0] for one in synthetic])
    real_value, real_error = value[usable], error[usable]
    mean, chance, freedom = _over_cohorts((values - real_value) / real_error)
    lost = np.isnan(mean)
    unit = np.array([one.unit for one in analyses])
    return PanelResult(
        analyses,
        real_value * unit,
        real_error * unit,
        (real_value + mean * real_error) * unit,
        np.where(lost, np.inf, mean),
        np.where(lost, 0.0, chance),
        freedom,
        drawn.told,
    )


def _over_cohorts(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of known differences (m, J), NaN if most are unknown, its error and its degrees of freedom."""
    known = np.isfinite(differences)
    count = known.sum(axis=0)
    held = np.where(known, differences, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = held.sum(axis=0) / count
        spread = np.sqrt((np.where(known, differences - mean, 0.0) ** 2).sum(axis=0) / (count - 1))
        chance = spread / np.sqrt(count)
    return (
        np.where(2 * count >= len(differences), mean, np.nan),
        np.where(count > 1, chance, np.inf),
        np.maximum(count - 1, 1),
    )


def panel(ask: Ask) -> list[Finding]:
    """Return the share of analyses that nobody declared and that are off by more than one standard error."""
    group = ask.group
    question = ask.question("analyses that nobody declared, off by more than one standard error")
    if few := too_few(group.real):
        return [question.refuse(few)]
    found = panel_result(group.real, group.synthetic, ask.rng)
    if not found.analyses:
        return [question.refuse("no two columns with enough patients to analyse together")]
    numbers, doubt = found.numbers(question.standing.level), partial(_lost, found)
    return [question.answer(numbers, before=_shares(found), doubt=doubt, worst=_worst(found))]


def _lost(found: PanelResult, verdict: str) -> str:
    """Return why a pass is withheld: few analyses may be off, but no effect that is clearly shown may be lost."""
    lost = found.lost
    places = [place for place in found.worst if lost[place]]
    if verdict != PASS or not places:
        return ""
    named = f"{_told(found, places[0])}{f', and {len(places) - 1} more' if len(places) > 1 else ''}"
    return f"an effect that the patients clearly show is lost: {named}; declare it as an analysis to settle it"


def _shares(found: PanelResult) -> str:
    """Return the share off in each kind of analyses, and among those in which the patients show an effect."""
    kinds = ", ".join(f"{_share(found.off[held])} ({kind})" for kind, held in found.kinds.items())
    shown = f"; {_share(found.off[found.shown])} where the patients show an effect" if found.shown.any() else ""
    return f"{found.told}analyses that are off: {kinds}{shown}"


def _share(off: np.ndarray) -> str:
    return f"{int(off.sum())} of {len(off)}"


def _worst(found: PanelResult) -> str:
    return "; ".join(_told(found, place) for place in found.worst[:_NAMED])


def _told(found: PanelResult, place: int) -> str:
    """Return one analysis with both estimates, rounded as they may be published."""
    error = RULES.spread(float(found.error[place]))
    if not np.isfinite(found.difference[place]):
        end = "not estimable in most synthetic cohorts"
    else:
        drawn = RULES.rounded(float(found.synthetic[place]), error)
        end = f"synthetic {significant(drawn, 3)}, {abs(found.difference[place]):.1f} standard errors"
    real = RULES.rounded(float(found.real[place]), error)
    return f"{found.analyses[place].words}: real {significant(real, 3)}, {end}"
