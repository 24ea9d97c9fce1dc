"""From the curves of a figure to an ensemble of cohorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pandas as pd

from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema, schema_of
from heorsynth.data.labels.claims import claim_of
from heorsynth.data.labels.label import ID_COLUMN, Label, synthetic_ids
from heorsynth.data.labels.levels import PUBLIC_LEVEL
from heorsynth.generators.sampling.request import whole_number
from heorsynth.generators.sampling.write_folder import release_of
from heorsynth.published.reconstruction.arm import Arm, ArmPatients
from heorsynth.published.reconstruction.cleaning import arms_of
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.constraints import agreeing_arms

_NAME = "published-curve"
"""The generator's name in the label."""

_RESTS_ON = "published"
"""What the rows rest on, in the label's settings: no patient's data, but what a paper prints."""

_STATEMENT = (
    "Synthetic data: no row is a patient. Reconstructed from a published figure; not evidence about any individual. "
    "The cohorts of a release differ by what the figure leaves open."
)


def reconstruct(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    totals: pd.DataFrame | None = None,
    m: int = 20,
    seed: int = 1,
    unit: str = "month",
    *,
    endpoint: str = "os",
    hazard_ratio: str | float | None = None,
    reference: str | None = None,
    medians: Mapping[str, str | float] | None = None,
    accuracy: float | None = None,
) -> ReconstructedCohorts:
    """Return m cohorts that agree with the Kaplan-Meier curves of a figure and with what is printed beside them.

    Parameters
    ----------
    curves : DataFrame              arm, time, survival: clicked points in any order; survival as a share or in percent
    at_risk : DataFrame, optional   arm, time, at_risk: patients with T >= time; any number of times
    totals : DataFrame, optional    arm, n, events; events may be missing
    m, seed : int                   number of cohorts, at least 2; and the seed of the draw
    unit : str                      of the times: day, week, month or year
    endpoint : str                  its name in the cohorts
    hazard_ratio : str or float     as printed, two arms only; "0.80" keeps its zero. Every cohort's Cox (Efron) hazard
                                    ratio is printed alike
    reference : str, optional       the arm in the denominator of the hazard ratio; the first arm of `curves` if None
    medians : mapping, optional     arm to its median as printed; every cohort's is printed alike
    accuracy : float, optional      standard deviation of a click in pixels of a 600 x 400 axis; estimated if None

    Returns
    -------
    ReconstructedCohorts            columns time, event, arm. Numbers at risk and total events are exact, the curve is
                                    within the clicking error

    Raises
    ------
    CurveError                      the frames are wrong or contradict each other; all problems at once

    Warns
    -----
    PercentSurvival                 the curves are in percent
    RepeatedCohorts                 fewer than m reconstructions agree with a printed number: intervals are too narrow

    Notes
    -----
    Between its steps a Kaplan-Meier curve is S_j / S_(j-1) = 1 - d_j / n_j with whole d_j and n_j. A particle filter
    passes the clicked points from left to right and draws, at each, how many died and how many left since the last:
    deaths by the clicked height (normal, standard deviation of a click), losses by their number in the interval, which
    the curve and both numbers at risk imply, and by the law of their times. The law of the losses' times is the weak
    prior that is stated here: in an interval with known ends the share lost up to position u is u^k, log k
    normal(0, 0.35); after the last number at risk, losses follow a censoring distribution ((u - a) / (1 - a))^k with
    a uniform(0, 0.95) and log k normal(0, 0.4), mixed with steady loss (a beta(1, 5) share of it); with probability 0.3
    a uniform share of those left stands at the end of the curve.

    See Also
    --------
    joined : Joins the reconstructions of two endpoints of the same patients.

    References
    ----------
    Guyot, Ades, Ouwens & Welton (2012) BMC Med Res Methodol 12:9, doi:10.1186/1471-2288-12-9 (one reconstruction).
    Doucet & Johansen (2011) A tutorial on particle filtering and smoothing, Oxford Handbook of Nonlinear Filtering.

    Examples
    --------
    >>> curve = pd.DataFrame({"arm": "a", "time": [1.0, 1.0, 2.0, 2.0, 3.0], "survival": [1.0, 0.8, 0.8, 0.6, 0.6]})
    >>> risk = pd.DataFrame({"arm": "a", "time": [0, 2], "at_risk": [5, 4]})
    >>> cohorts = reconstruct(curve, risk, m=3)
    >>> len(cohorts), int(cohorts[0].frame["event"].sum()), cohorts.label.settings["rests_on"]
    (3, 2, 'published')
    """
    whole_number("reconstruct", "m", m, 2)
    check_seed(seed)
    arms = arms_of(curves, at_risk, totals, accuracy)
    drawn = agreeing_arms(arms, m, seed, hazard_ratio, reference, medians or {})
    names = [arm.name for arm in arms]
    schema = schema_of(
        endpoints={endpoint: ("time", "event")},
        arm="arm" if len(names) > 1 else None,
        arm_reference=(reference or names[0]) if len(names) > 1 else None,
        unit=unit,
    )
    frames = [_frame(arms, one, stream(seed, "order", part)) for part, one in enumerate(drawn)]
    facts = {
        "rests_on": _RESTS_ON,
        "arms": {arm.name: arm.n for arm in arms},
        "at_risk": int(sum(len(a.at_risk) for a in arms)),
    }
    facts |= {"hazard_ratio": str(hazard_ratio)} if hazard_ratio is not None else {}
    facts |= {"medians": {arm: str(value) for arm, value in medians.items()}} if medians else {}
    return labelled(frames, schema, facts, seed)


def _frame(arms: Sequence[Arm], drawn: Sequence[ArmPatients], rng: np.random.Generator) -> pd.DataFrame:
    names = np.repeat([arm.name for arm in arms], [len(one.time) for one in drawn])
    time, event = (np.concatenate([getattr(one, name) for one in drawn]) for name in ("time", "event"))
    frame = pd.DataFrame({"time": time, "event": event.astype(np.int64), "arm": names})
    return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)


def labelled(
    frames: Sequence[pd.DataFrame],
    schema: Schema,
    facts: Mapping[str, object],
    seed: int,
    generator: str = _NAME,
    statement: str = _STATEMENT,
) -> ReconstructedCohorts:
    """Return frames that were made from one paper as labelled cohorts, each row with its synthetic id."""
    release, made, cohorts = release_of(generator, frames[0], None), 0, []
    for part, frame in enumerate(frames):
        n = len(frame)
        frame.index = pd.Index(synthetic_ids(release, made, n), name=ID_COLUMN)
        made += n
        label = Label(
            release=release,
            generator=generator,
            n_source=len(frames[0]),
            rests_on=len(frames[0]),
            n_rows=n,
            part=part,
            m=len(frames),
            seed=seed,
            version=version("heorsynth"),
            settings=dict(facts),
            statement=statement,
            level=PUBLIC_LEVEL,
        )
        label = replace(label, **vars(claim_of(frame, ())))
        cohorts.append(Cohort.derive(schema, frame, label=label, name=f"{generator} {part}"))
    return ReconstructedCohorts(cohorts)
