"""`PublishedTrial`: the trial of a paper, from which m cohorts are made that agree with it."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema, schema_of
from heorsynth.data.labels.label import Label
from heorsynth.published.covariates.characteristics import Characteristics
from heorsynth.published.covariates.columns import columns_of
from heorsynth.published.covariates.published_cohorts import PublishedCohorts, with_characteristics
from heorsynth.published.paper.paper import Paper
from heorsynth.published.paper.read import read
from heorsynth.published.reconstruction.cleaning import arms_of
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.joined import joined
from heorsynth.published.reconstruction.reconstruct import reconstruct
from heorsynth.published.schema.document import ArmSection, EndpointSection, RatioSection
from heorsynth.published.schema.facts import Fact, ratio_name
from heorsynth.published.trial.options import EVENTS, HAZARD_RATIOS, MEDIANS, TrialOptions, plain_ratio
from heorsynth.published.trial.reference import ClickedCurve, clicked_curves


@dataclass(frozen=True)
class PublishedTrial:
    """A trial whose patients nobody has: its paper stands where a cohort of patients stands elsewhere.

    Attributes
    ----------
    paper : Paper
    options : TrialOptions     endpoints, and the facts that are constraints of the cohorts

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "os.csv").write_text("arm,time,survival\\na,0,1\\na,1,1\\na,1,.8\\na,2,.8\\na,2,.6\\na,3,.6\\n")
    >>> _ = (folder / "paper.yaml").write_text('''
    ... paper: 1
    ... title: A trial
    ... citations: {smith: Smith A (2020) J Trials 1:1}
    ... arms: {a: {n: 5, source: Table 1}}
    ... endpoints: {os: {unit: month, curves: {source: Figure 2, file: os.csv}}}
    ... ''')
    >>> trial = PublishedTrial.read(folder / "paper.yaml")
    >>> cohorts = trial.cohorts(m=3, seed=1)
    >>> len(cohorts), cohorts[0].n, sorted(trial.constraints)
    (3, 5, ['n.a', 'os.curve.a'])
    """

    paper: Paper
    options: TrialOptions

    @classmethod
    def read(cls, path: str | Path) -> PublishedTrial:
        """Return the trial of a paper file; PaperError or FileError as `heorsynth.published.read`."""
        paper = read(path)
        drawn = tuple(name for name, one in paper.document.endpoints.items() if one.curves is not None)
        return cls(paper, TrialOptions(drawn))

    def with_options(self, given: Mapping[str, object] | None = None) -> PublishedTrial:
        """Return the trial with these options (`TrialOptions.of`); PaperError for a wrong one."""
        return replace(self, options=TrialOptions.of(self.paper, given))

    def require_consistent(self) -> None:
        """Raise an error if what the cohorts are made from contradicts itself.

        Raises
        ------
        CurveError     the curves cannot be used, or numbers at risk and totals contradict them
        PaperError     a level, a column or a correlation does not fit Table 1
        """
        for name in self.options.endpoints:
            arms_of(*self._frames(name), self.options.accuracy)
        if self.characteristics is not None:
            self.characteristics.met(self.arms)

    @property
    def name(self) -> str:
        """Title of the paper."""
        return self.paper.title

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms with a curve of every endpoint; the trial has no other patients here."""
        shown = [set(self.paper.data[name].curves["arm"]) for name in self.options.endpoints]
        return tuple(arm for arm in self.paper.arms if all(arm in one for one in shown))

    @property
    def n(self) -> int:
        """Patients of these arms."""
        return sum(one.n for one in self._sections.values())

    @property
    def _sections(self) -> dict[str, ArmSection]:
        return {arm: self.paper.document.arms[arm] for arm in self.arms}

    synthetic = False
    label: Label | None = None

    @property
    def schema(self) -> Schema:
        """The roles of the cohorts' columns."""
        endpoints, arms = self.options.endpoints, self.arms
        columns = {one: (f"{one}_time", f"{one}_event") if len(endpoints) > 1 else ("time", "event")
                   for one in endpoints}  # fmt: skip
        several = len(arms) > 1
        known = schema_of(
            endpoints=columns,
            arm="arm" if several else None,
            arm_reference=self.reference if several else None,
            unit=self._section(endpoints[0]).unit,
            order=[(endpoints[0], endpoints[1])] if len(endpoints) > 1 else (),
        )
        return known if self.characteristics is None else self.characteristics.schema(known)

    @cached_property
    def characteristics(self) -> Characteristics | None:
        """The characteristics that the cohorts have; None if the paper states none, or they are not wanted.

        Of two endpoints, that with hazard ratios of subgroups says who has which follow-up, else the last.
        """
        if not self.options.characteristics or not columns_of(self.paper.document)[0]:
            return None
        of_subgroups = [name for name in self.options.endpoints
                        if any(one.subgroup for one in self._section(name).hazard_ratios)]  # fmt: skip
        endpoint = (of_subgroups or self.options.endpoints)[-1]
        return Characteristics.of(self.paper, endpoint, self.options.prior)

    @property
    def reference(self) -> str:
        """The arm that others are compared with: that of the first hazard ratio, else the last arm of the file."""
        stated = (one.reference for name in self.options.endpoints for one in self._section(name).hazard_ratios)
        return next((arm for arm in stated if arm in self.arms), self.arms[-1])

    def cohorts(self, m: int = 20, seed: int = 1) -> ReconstructedCohorts:
        """Return m cohorts that agree with the constraints, each labelled with the citations it rests on.

        Returns
        -------
        ReconstructedCohorts    `PublishedCohorts` if they have characteristics

        Raises
        ------
        CurveError     the facts of an endpoint contradict each other, or two endpoints cannot be of the same patients
        PaperError     as `require_consistent`
        """
        drawn = [self._reconstructed(name, m, seed) for name in self.options.endpoints]
        cohorts = drawn[0] if len(drawn) == 1 else joined(drawn[0], drawn[1], seed)
        if self.characteristics is not None:
            cohorts = with_characteristics(cohorts, self.characteristics, {})
        return self.ensemble([self._cited(one) for one in cohorts])

    def ensemble(self, cohorts: Sequence[Cohort]) -> ReconstructedCohorts:
        """Return cohorts of this trial together, such as those read from a run folder."""
        about = self.characteristics
        return ReconstructedCohorts(cohorts) if about is None else PublishedCohorts(cohorts, about)

    def _reconstructed(self, name: str, m: int, seed: int) -> ReconstructedCohorts:
        section, uses = self._section(name), self.options.constraints
        ratio = self._ratio(name)
        medians = section.medians.arms if section.medians is not None and MEDIANS in uses else {}
        return reconstruct(
            *self._frames(name),
            m,
            seed,
            section.unit,
            endpoint=name,
            hazard_ratio=None if ratio is None else ratio.value.text,
            reference=self.reference if ratio is None else ratio.reference,
            medians={arm: one.value.text for arm, one in medians.items() if one.value.reached and arm in self.arms},
            accuracy=self.options.accuracy,
        )

    def clicked(self, name: str) -> dict[str, ClickedCurve]:
        """Return the cleaned points of each arm of an endpoint."""
        frames = self._frames(name)
        return clicked_curves(*frames, self.options.accuracy)

    def _frames(self, name: str) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame]:
        """Curves, numbers at risk and totals of the trial's arms, as the reconstruction takes them."""
        stated = self.paper.curves(name), self.paper.data[name].at_risk, self.paper.totals(name)
        curves, at_risk, totals = (frame[frame["arm"].isin(self.arms)] for frame in stated)
        if EVENTS not in self.options.constraints:
            totals = totals.drop(columns="events")
        return curves, at_risk if len(at_risk) else None, totals

    def _cited(self, cohort: Cohort) -> Cohort:
        """The cohort with the citations and places of its facts in its label."""
        assert cohort.label is not None, "a reconstructed cohort has a label"
        settings = {
            **cohort.label.settings,
            "citations": self.paper.citations,
            "facts": self.sources,
            "constraints": sorted({self._section_of(one) for one in self.facts if one.fact in self.constraints}),
        }
        statement = f"{cohort.label.statement} Rests on: {'; '.join(self.paper.citations.values())}"
        label = replace(cohort.label, settings=settings, statement=statement)
        return Cohort.derive(self.schema, cohort.frame, label=label, name=cohort.name)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts of the paper, without those of endpoints that the cohorts do not have."""
        return tuple(one for one in self.paper.facts if one.endpoint in ("", *self.options.endpoints))

    @property
    def sources(self) -> dict[str, str]:
        """Section of the paper file to the places and citations of its facts, such as "Figure 2 (smith)"."""
        found: dict[str, list[str]] = {}
        for one in self.facts:
            places = found.setdefault(self._section_of(one), [])
            told = f"{one.place} ({one.citation})"
            if told not in places:
                places.append(told)
        return {name: "; ".join(places) for name, places in found.items()}

    @property
    def lineage(self) -> dict[str, object]:
        """The citations, and every fact with its citation, its place and its use: a constraint, or left to test."""
        facts = {
            one.fact: {
                "citation": one.citation,
                "place": one.place,
                "value": None if math.isnan(one.value) else str(one.value),
                "use": "constraint" if one.fact in self.constraints else "test",
            }
            for one in self.facts
        }
        return {"citations": self.paper.citations, "facts": facts}

    @staticmethod
    def _section_of(fact: Fact) -> str:
        return f"{fact.endpoint} {fact.kind}".strip()

    @cached_property
    def constraints(self) -> frozenset[str]:
        """Names of the facts that the cohorts were made to agree with; these test nothing."""
        uses, found = self.options.constraints, {f"n.{arm}" for arm in self.arms}
        for name in self.options.endpoints:
            kinds = {"curve", "at risk"} | ({"events"} if EVENTS in uses else set())
            kinds |= {"median"} if MEDIANS in uses else set()
            of_it = (one for one in self.facts if one.endpoint == name and one.kind in kinds and not one.subgroup)
            found |= {one.fact for one in of_it if not math.isinf(one.value)}
            if (ratio := self._ratio(name)) is not None:
                found.add(ratio_name(name, ratio))
        return frozenset(found) | (frozenset() if self.characteristics is None else self.characteristics.met(self.arms))

    def _ratio(self, name: str) -> RatioSection | None:
        """The hazard ratio of an endpoint that is a constraint: of the only two arms, not adjusted; else None."""
        ratio = plain_ratio(self._section(name))
        of_these = ratio is not None and {ratio.arm, ratio.reference} == set(self.arms)
        return ratio if of_these and HAZARD_RATIOS in self.options.constraints else None

    def fingerprint(self, key: bytes) -> str:
        """HMAC-SHA256 of the paper file and the files that it names, in hex."""
        hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self.paper.files.items()}
        return hmac.new(key, json.dumps(hashes, sort_keys=True).encode(), hashlib.sha256).hexdigest()

    def _section(self, name: str) -> EndpointSection:
        return self.paper.document.endpoints[name]

    def card(self) -> Card:
        """Return the summary that is shown."""
        kept = set(self.constraints)
        tested = {self._section_of(one) for one in self.facts if one.fact not in kept}
        held = {self._section_of(one) for one in self.facts if one.fact in kept}
        rows = [
            ("arms", ", ".join(f"{arm} ({one.n:,})" for arm, one in self._sections.items())),
            ("endpoints", ", ".join(self.options.endpoints)),
            ("constraints", ", ".join(sorted(held))),
            ("left to test", ", ".join(sorted(tested - held)) or "nothing"),
            *((f"citation {name}", text) for name, text in self.paper.citations.items()),
        ]
        return facts_card(f"Published trial: {self.name}", rows, "No patient of this trial is here: only its paper.")

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()
