"""The default generator, made for small and under-represented cohorts; it needs neither SDV nor torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from heorsynth.core.disclosure import small
from heorsynth.core.display import counted
from heorsynth.core.errors import GeneratorError, Problem, nearest
from heorsynth.core.numbers import is_whole
from heorsynth.core.random import check_seed, stream
from heorsynth.core.secret import ReleaseKey, noise_stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.datasets.bundled import key_for
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.keyed_patients import keyed_patients
from heorsynth.data.folders.sampling import most_rows_problem
from heorsynth.data.labels import facts
from heorsynth.data.labels.levels import INTERNAL, SHARED, level_problem
from heorsynth.data.rules.discover import rules_of
from heorsynth.data.rules.rules import MIN_PATIENTS as RULE_PATIENTS
from heorsynth.engine.engine import EngineSpec, open_engine
from heorsynth.engine.task import one_thread
from heorsynth.generators.heor.borrowing import ExternalCohort
from heorsynth.generators.heor.cells import MIN_STRATUM
from heorsynth.generators.heor.keep_columns import ALL_COLUMNS, resolved
from heorsynth.generators.heor.law import HeorLaw
from heorsynth.generators.heor.private import PrivatePlan
from heorsynth.generators.latent.dependence import Thresholds
from heorsynth.generators.latent.quantiles import MIN_PATIENTS
from heorsynth.generators.protection.account import Account, budget_problems, delta_problem
from heorsynth.generators.protection.guard import BOUNDS, Guard
from heorsynth.generators.protection.public import public_columns, public_domain, public_problems, stated_schema
from heorsynth.generators.rules.plan import in_shown_order, kept_parts, mending_of
from heorsynth.generators.sampling.calibration import Aim, CalibrationRequest, aims_of, facts_met
from heorsynth.generators.sampling.sampler import Sampler, depth_of
from heorsynth.generators.sampling.source import require_real, require_source
from heorsynth.generators.sampling.subsample import stratified
from heorsynth.generators.visits.attendance import Attendance
from heorsynth.generators.visits.completion import completed

_PRIVACY = {
    "standard": Thresholds(residual=2.5, score=3.0, hazard=0.5, product=2.0, cluster=1.0),
    "strong": Thresholds(residual=9.0, score=16.0, hazard=6.0, product=9.0, cluster=4.0),
}
"""Setting to thresholds for the associations that are kept; `benchmarks/generators.py` measures what they cost."""

_UNSHRUNK = Thresholds(residual=0.0, score=0.0, hazard=0.0, product=2.0, cluster=0.0)
"""Every association is kept as the patients show it, luck and all."""

BY_CONSTRUCTION = {
    "endpoints": (facts.SURVIVAL_CURVES,),
    "subgroups": (facts.COUNTS,),
    "costs": (facts.MEAN_COSTS, facts.NO_COST),
    "utilities": (facts.MEAN_EFFECTS,),
}
"""Role to the facts that this generator keeps by construction: they are no evidence that the copy is faithful.

Follow-up is drawn along the source's own curve within each combination of arm and subgroups. So Kaplan-Meier curves by
arm, and the hazard ratio of the arms, equal those of the source up to smoothing.
"""


@dataclass(frozen=True)
class Heor:
    """Exact subgroups, survival by construction, costs with their zeros and tails, and little memory of patients.

    Parameters
    ----------
    privacy : str         "standard", or "strong": only stronger associations are kept, so rows lie less near to the
                          training patients; docs/methods.md has what it costs
    min_patients : int    every level, spike, knot and mean rests on so many patients or more; at least 5. The counts
                          of declared arms and subgroups are kept whatever their size
    calibrate : list      estimands that every cohort meets: ``["survival.os by arm", "costs.mean by arm"]``; as a
                          dict, estimand to a published value (see `generators.sampling.calibration.aims_of`)
    most_rows : int       of a folder, about this many rows at most are learnt from; the shares of arms and
                          subgroups are always those of all its rows
    keep : list           covariates of adjusted analyses: ``["u0", "age"]``. Their means by arm, and their covariances
                          with costs, utilities and the outcome in each arm, are those of the patients and are not
                          shrunk (docs/methods.md, *Kept covariates*). "all": every covariate; no association is
                          shrunk, and bent relations are kept too. It is for copies that stay with the custodian
    release : str         "internal", "shared" or "public": who may receive the rows. Shared and public bound what one
                          patient moves, with noise that follows `release_key` (docs/methods.md, *Releases*)
    release_key : path    the secret that the noise of a shared or public release is drawn from: a file with it, or
                          the key itself; by default see `data.datasets.bundled.key_for`
    epsilon, delta : float   differential privacy: what is learnt changes little if one patient, with all his values,
                          is replaced by another (docs/methods.md, *Differential privacy*). The release is then shared
                          unless `release` says public
    public : dict         with epsilon, what is known of each column: ``{"age": [0, 110], "sex": ["f", "m"]}``, a range,
                          rising edges or levels; None in a list says that values may be missing

    Notes
    -----
    1. Each cell of arm and subgroups has its share of rows, to rounding.
    2. Within each cell, follow-up and its cause of ending are drawn along a smoothed quantile function.
    3. Each other column follows a latent normal score. It depends on the arm, the subgroups, the martingale residual
       and the time of the outcome, and on the other columns. Associations that a sample of this size shows by chance
       are shrunk to 0 (positive-part James-Stein).
    4. Values come from the smoothed quantile function or the shares of their column. Spikes, zeros, heaping and means
       are kept, and no piece rests on fewer than five patients.

    Examples
    --------
    ``Heor().fit(cohort, seed=1).sample(m=20, seed=1)``
    """

    privacy: str = "standard"
    min_patients: int = MIN_PATIENTS
    calibrate: CalibrationRequest = ()
    most_rows: int = 200_000
    keep: Sequence[str] | str = ()
    release: str = INTERNAL
    release_key: str | Path | ReleaseKey | None = None
    epsilon: float | None = None
    delta: float | None = None
    public: Mapping[str, Sequence[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.privacy not in _PRIVACY:
            raise GeneratorError(
                "generator 'heor'",
                Problem("privacy", f"{self.privacy!r} is not a setting", nearest(str(self.privacy), _PRIVACY)),
            )
        if not is_whole(self.min_patients, MIN_PATIENTS):
            problem = Problem("min_patients", f"{self.min_patients!r}", f"a whole number, {MIN_PATIENTS} or more")
            raise GeneratorError("generator 'heor'", problem)
        if wrong := most_rows_problem(self.most_rows):
            raise GeneratorError("generator 'heor'", wrong)
        if isinstance(self.calibrate, str):
            problem = Problem("calibrate", "one text", "write a list: ['costs.mean by arm']")
            raise GeneratorError("generator 'heor'", problem)
        named = isinstance(self.keep, list | tuple) and all(isinstance(name, str) for name in self.keep)
        if not named and self.keep != ALL_COLUMNS:
            problem = Problem("keep", "not a list of columns", "write a list: ['u0', 'age'], or 'all'")
            raise GeneratorError("generator 'heor'", problem)
        if wrong := level_problem(self.release):
            raise GeneratorError("generator 'heor'", wrong)
        if not isinstance(self.release_key, str | Path | ReleaseKey | None):
            problem = Problem("release_key", f"{type(self.release_key).__name__}, not a path", "give the key's file")
            raise GeneratorError("generator 'heor'", problem)
        if problems := [*budget_problems(self.epsilon, self.delta), *public_problems(self.public)]:
            raise GeneratorError("generator 'heor'", problems)
        if self.public and self.epsilon is None:
            problem = Problem("public", "nothing asks for it", "give epsilon and delta too, or drop public")
            raise GeneratorError("generator 'heor'", problem)

    @property
    def name(self) -> str:
        return "heor"

    @property
    def level(self) -> str:
        """The release level: that of `release`, but with an epsilon at least shared."""
        return SHARED if self.epsilon is not None and self.release == INTERNAL else self.release

    def fit(
        self,
        cohort: Cohort | CohortFolder,
        seed: int = 1,
        *,
        borrow: Cohort | None = None,
        weight: float | None = None,
        allow_synthetic_source: bool = False,
        engine: EngineSpec = "local",
        workers: int | None = None,
    ) -> Sampler:
        """The sampler of this cohort's law.

        Parameters
        ----------
        cohort : Cohort or CohortFolder   of a folder, a random sample of about `most_rows` rows is learnt from
        borrow : Cohort, optional    a registry or older trial whose patients inform the correlations of a small
                                     cohort's covariates, and nothing else
        weight : float               of a borrowed patient, where a patient of the cohort has 1: above 0, at most 1
        engine, workers              where the sample of a folder is taken
        allow_synthetic_source       fit to rows that are themselves synthetic; refused otherwise

        Raises
        ------
        LabelError         the cohort, or the borrowed one, holds synthetic rows
        CohortError        the cohort cannot be a source; see `heorsynth.generators.sampling.source.require_source`
        GeneratorError     too few patients for `min_patients`, or an impossible `calibrate` or `borrow`
        """
        require_real(cohort, f"source {cohort.name!r}", allow_synthetic_source)
        if borrow is not None:
            require_real(borrow, "borrow", allow_synthetic_source)
        with one_thread():  # many small products: a second thread changes last digits, and costs more than it gives
            if self.epsilon is not None and self.delta is not None:
                return self._private(cohort, seed, borrow, self.epsilon, self.delta)
            if isinstance(cohort, CohortFolder):
                with open_engine(engine, workers) as opened:
                    sample = stratified(cohort, self.most_rows, seed, opened, MIN_STRATUM)
                return self._fitted(sample, seed, borrow, weight, cohort)
            return self._fitted(cohort, seed, borrow, weight)

    @property
    def _pieces(self) -> int:
        """Patients to a piece of the law."""
        return max(self.min_patients, BOUNDS[self.release].pieces) if self.release in BOUNDS else self.min_patients

    def _private(
        self, cohort: Cohort | CohortFolder, seed: int, borrow: Cohort | None, epsilon: float, delta: float
    ) -> Sampler:
        """The sampler of a law under differential privacy. It looks for no rule in patients, and refuses added ones."""
        if isinstance(cohort, CohortFolder):
            fix = "read the patients as one file, or drop epsilon"
            raise GeneratorError("generator 'heor'", Problem("epsilon", "a folder has no private law", fix))
        require_source(cohort, allow_synthetic_source=True)
        if wrong := delta_problem(delta, cohort.n):
            raise GeneratorError("generator 'heor'", wrong)
        if self.keep:
            problem = Problem("keep", "keeps moments of the patients, and epsilon does not", "drop keep, or epsilon")
            raise GeneratorError("generator 'heor'", problem)
        aims = aims_of(self.calibrate, cohort, self.min_patients)
        self._require_bounded(cohort, aims, borrow)
        public = public_columns(self.public, cohort.schema, cohort.rows.columns)
        schema = stated_schema(cohort.schema, public)
        key = key_for(cohort, self.release_key)
        stated = {name: list(held) for name, held in sorted(self.public.items())}
        what = json.dumps([epsilon, delta, self.privacy, stated, schema.to_dict()], sort_keys=True).encode()
        what = b"private\0" + keyed_patients(cohort, key).content + what + b"\0"
        shares = PrivatePlan.shares(schema, public)
        account = Account(epsilon, delta, lambda name: key.tag(what + name.encode()), shares)
        plan = PrivatePlan.of(cohort, public, account)
        law = plan.law(cohort, _PRIVACY[self.privacy], stream(seed, "heor"))
        told: dict[str, object] = {
            "privacy": self.privacy,
            "public": stated,
            **account.to_dict(),
            "noise_covers": cohort.n,
        }
        told |= {"calibrate": {aim.name: dict(aim.values) for aim in aims}} if aims else {}
        domain = public_domain(public, schema, cohort.rows.columns, cohort.n)
        made = Sampler(self.name, told, domain, law, check_seed(seed), depth_of(cohort), aims=aims)
        return replace(made, cells=law.cells.sizes, release=self.level, noise_key=key.stated)

    def _guarded(self, cohort: Cohort, key: ReleaseKey) -> tuple[Cohort, Guard]:
        """The rows in an order of their content, and what hides a patient of them.

        The noise follows the key, the content of the rows and the settings, and no seed. In a fixed order, sorting a
        file does not give a second draw of it.
        """
        patients = keyed_patients(cohort, key)
        content = patients.content
        settings = [self.release, self.privacy, self.min_patients, list(self.keep), cohort.schema.to_dict()]
        what = content + json.dumps(settings, sort_keys=True).encode()
        guard = Guard(lambda name: noise_stream(key, what + b"\0" + name.encode()), BOUNDS[self.release])
        return cohort.take(np.argsort(patients.rows, kind="stable")), guard

    def _require_bounded(self, cohort: Cohort, aims: Sequence[Aim], borrow: Cohort | None) -> None:
        """Raise GeneratorError if an option sets something equal to the patients, which the release must not show."""
        exact = {
            "keep": "every association of the patients" if self.keep == ALL_COLUMNS else "",
            "calibrate": "values of the source" if any(aim.source for aim in aims) else "",
            "borrow": "correlations of the external patients" if borrow is not None else "",
            "cluster": "how patients lie in clusters" if cohort.schema.cluster is not None else "",
            "visits": "the shares of patients who missed visits" if cohort.visits else "",
        }
        problems = [
            Problem(name, f"keeps {told}, and the release is {self.level}", f"drop {name}, or release: internal")
            for name, told in exact.items()
            if told
        ]
        if problems:
            raise GeneratorError("generator 'heor'", problems)

    def _fitted(
        self,
        cohort: Cohort,
        seed: int,
        borrow: Cohort | None,
        weight: float | None,
        whole: CohortFolder | None = None,
    ) -> Sampler:
        """The sampler of these rows; if they are a sample of a folder, with the shares and ranges of the folder."""
        require_source(cohort, allow_synthetic_source=True)
        if cohort.n < 2 * self._pieces:
            easier = "a smaller min_patients" if self._pieces == self.min_patients else "release: internal"
            fix = f"at least {2 * self._pieces} patients, or {easier}"
            raise GeneratorError("generator 'heor'", Problem("min_patients", counted(cohort.n, "patient"), fix))
        if (borrow is None) != (weight is None):
            fix = "give both: borrow=registry, weight=0.3"
            raise GeneratorError("generator 'heor'", Problem("borrow", "only one of borrow and weight is given", fix))
        external = None if borrow is None or weight is None else ExternalCohort(borrow, weight)
        aims = aims_of(self.calibrate, cohort, self.min_patients)
        if any(aim.column in cohort.schema.derived for aim in aims):
            problem = Problem("calibrate", "names a column derived from visits", "leave it out")
            raise GeneratorError("generator 'heor'", problem)
        key = key_for(whole or cohort, self.release_key) if self.release in BOUNDS else None
        guard = None
        if key is not None:
            self._require_bounded(cohort, aims, borrow)
            cohort, guard = self._guarded(cohort, key)
        rng = stream(seed, "heor")
        counts = None if whole is None else whole.cells
        keep, everything = resolved(self.keep, cohort), self.keep == ALL_COLUMNS
        rules = rules_of(cohort.rows, cohort.schema, max(RULE_PATIENTS, self._pieces))
        schema = in_shown_order(cohort.schema, rules)
        ordered = cohort
        if schema is not cohort.schema:
            ordered = Cohort.derive(schema, cohort.rows, label=cohort.label, name=cohort.name)
        mending = mending_of(rules, schema, [aim.column for aim in aims], keep)
        complete = completed(ordered, rng) if cohort.visits else ordered
        law = HeorLaw.of(
            complete,
            _UNSHRUNK if everything else _PRIVACY[self.privacy],
            rng,
            least=self._pieces,
            external=external,
            counts=counts,
            keep=kept_parts(keep, mending),
            whole=everything,
            guard=guard,
            mending=mending,
        )
        if cohort.visits:
            law = replace(law, shape=replace(law.shape, visits=Attendance.of(cohort, complete, self._pieces)))
        settings = self._settings(cohort, law, aims, external, whole, rules.texts)
        kept = {fact for role, found in BY_CONSTRUCTION.items() if _constructed(cohort, role) for fact in found}
        kept |= {facts.COVARIANCES} if everything else set()
        ruled = {facts.RULES} if law.mending.steps else set()
        ruled |= {facts.CLUSTER_ARMS} if law.clusters is not None and cohort.schema.arm else set()
        calibrated = tuple(sorted(kept | ruled | set(facts_met(aims))))
        names = keep if everything else tuple(dict.fromkeys(self.keep))
        if law.noise is not None:
            calibrated = tuple(sorted(ruled | set(facts_met(aims))))
        made = Sampler.fitted(
            self.name,
            settings,
            cohort,
            law,
            seed,
            calibrated,
            aims,
            whole=whole,
            kept=names,
            release=self.release,
            noise_key="" if key is None else key.stated,
        )
        if law.noise is None:
            return made
        return replace(made, cells=law.cells.sizes)

    def _settings(
        self,
        cohort: Cohort,
        law: HeorLaw,
        aims: Sequence[Aim],
        external: ExternalCohort | None,
        whole: CohortFolder | None,
        rules: Sequence[str],
    ) -> dict[str, object]:
        """What labels and records say of how this law was made."""
        settings: dict[str, object] = {"privacy": self.privacy, "min_patients": self.min_patients}
        if whole is not None:
            settings["learnt_from"] = {"rows": cohort.n, "of": whole.n, "stratified_by": list(cohort.schema.strata)}
        told: dict[str, object] = {
            "pooled_rare_levels": {name: small(count) for name, count in law.shape.pooled.items()},
            "keep": ALL_COLUMNS if self.keep == ALL_COLUMNS else list(dict.fromkeys(self.keep)),
            "not_kept": {} if law.kept is None else dict(law.kept.reasons),
            "rules": list(rules),
            "clusters": 0 if law.clusters is None else law.clusters.count,
            "calibrate": {aim.name: "source" if aim.source else dict(aim.values) for aim in aims},
        }
        settings |= {name: found for name, found in told.items() if found}
        if external is not None:
            columns = list(external.common(law.shape))
            settings["borrow"] = {"patients": external.cohort.n, "weight": external.weight, "columns": columns}
        if law.noise is not None:
            settings |= {"noise": law.noise.to_dict(), "noise_covers": int(BOUNDS[self.release].patients)}
            if lost := [one.name for one in law.columns if one.constant and cohort.rows[one.name].nunique() > 1]:
                settings["one_value_left"] = lost
        return settings


def _constructed(cohort: Cohort, role: str) -> bool:
    """True if the facts of a role hold by construction: there are such columns, and none of them is of visits."""
    columns = getattr(cohort.schema, role)
    return bool(columns) and not {*cohort.schema.schedule.columns}.intersection(columns)
