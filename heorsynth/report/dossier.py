"""The dossier: one self-contained page for reviewers, to open from disk, print or mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import chain

import pandas as pd
from markupsafe import Markup

from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.replicate import replicate
from heorsynth.checks.core.finding import WORST_FIRST
from heorsynth.checks.costs.estimands import MEAN
from heorsynth.checks.economics.arms import threshold_unit
from heorsynth.checks.planning.catalogue import plain_names
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.checks.survival.estimands import KM_GAP, RMST
from heorsynth.core.display import SORTING, Card, counted
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import Label
from heorsynth.evidence.evidence import PAPER, Evidence
from heorsynth.evidence.finding_text import SET_EQUAL, SYMBOLS
from heorsynth.language.checks.findings import ANY_FAULT, TextReport
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.provenance.governance import Sheet
from heorsynth.provenance.record import NEEDS_A_PERSON
from heorsynth.published.trial.trial import PublishedTrial
from heorsynth.report import figures, tables
from heorsynth.report.figures.style import Picture
from heorsynth.report.formulas import SYMBOLS_USED, formulas_for
from heorsynth.report.methods import LIMITS, LIMITS_OF_PAPER, methods_for
from heorsynth.report.pages import templates
from heorsynth.report.tables.by_arm import table_one_by_arm
from heorsynth.report.tables.cohort import table_one
from heorsynth.report.tables.evaluation import economics_table
from heorsynth.report.tables.evidence import margins_table, plain, verdict_table
from heorsynth.report.tables.facts import facts_table
from heorsynth.report.tables.texts import texts_table

_GOVERNANCE = (
    ("steward", "Steward"),
    ("intended_use", "Intended use"),
    ("prohibited_use", "Not to be used for"),
    ("legal_basis", "Legal basis"),
    ("retention", "Retention"),
)

_SELECTION = "From the database to the cohort"
"""The heading of the attrition."""

_PACKAGES = ("heorsynth", "numpy", "pandas", "scipy", "lifelines", "matplotlib")
"""Whose versions the page names."""


def dossier(
    protocol: Mapping[str, object],
    cohort: Cohort | PublishedTrial,
    synthetic: Sequence[Cohort],
    evidence: Evidence,
    *,
    run_name: str = "",
    protocol_sha256: str = "",
    lock_note: str = "",
    sheet: Sheet | None = None,
    card: Card | None = None,
    first_file: str = "000.parquet",
    analyses: Sequence[Analysis] = (),
    attrition: pd.DataFrame | None = None,
    told: Sequence[tuple[Narratives, TextReport]] = (),
) -> str:
    """Return the page as HTML: verdict, findings, figures, tables, methods, governance and how to run it again.

    Parameters
    ----------
    protocol : Mapping               a protocol as plain data: title, purpose, generator, margins, governance,
                                     amendments, registration, economics; every key may be missing
    cohort : Cohort                  the real patients; only counts, means and curves of theirs are shown. Of a paper
                                     the `PublishedTrial`: its facts are shown
    synthetic : sequence of Cohort   the m synthetic cohorts
    evidence : Evidence              the findings
    run_name : str                   the run folder's name, for the commands that re-run it
    protocol_sha256 : str            of the protocol file
    lock_note : str                  whether the margins came before the results
    sheet : Sheet, optional          the governance sheet of the run
    card : Card, optional            of the patients, where `cohort` is a sample of them
    first_file : str                 of the synthetic rows, as a path within their folder in the run's
    analyses : sequence              the user's own, shown side by side on the patients and on the synthetic cohorts
    attrition : DataFrame, optional  of a cohort from a database: the persons left after each step
    told : sequence                  texts of synthetic patients with their checks, by maker

    Returns
    -------
    str          the same arguments give the same text: no time, no path, nothing fetched from a network
    """
    purpose = PURPOSES.get(evidence.purpose)
    patients = cohort if isinstance(cohort, Cohort) else None
    replications = [] if patients is None else [replicate(one, patients, synthetic).published for one in analyses]
    pictures = [
        *([] if attrition is None else [(_SELECTION, _one(lambda: figures.attrition(attrition)))]),
        *(
            _published(cohort, synthetic)
            if isinstance(cohort, PublishedTrial)
            else _pictures(cohort, synthetic, evidence)
        ),
        *([] if patients is None else _economics(patients, synthetic, protocol)),
    ]
    return (
        templates()
        .get_template("dossier.html.j2")
        .render(
            title=str(protocol.get("title") or "Synthetic cohorts"),
            evidence=evidence,
            answers=evidence.answers_card(),
            symbols=SYMBOLS,
            lock_note=lock_note,
            level=_level(synthetic),
            question="" if purpose is None else purpose.question,
            run_name=run_name,
            first_file=first_file,
            protocol_sha256=protocol_sha256,
            notes=[note for note in evidence.notes if note != lock_note and not note.startswith(SET_EQUAL)],
            set_equal=[note for note in evidence.notes if note.startswith(SET_EQUAL)],
            sorting=Markup(SORTING),
            decisive=verdict_table(evidence),
            supporting=verdict_table(evidence, supporting=True),
            counted_by=_counted,
            forest=_one(lambda: figures.forest(evidence)),
            pictures=pictures,
            of_paper=patients is None,
            cohort_card=Markup((card or cohort.card()).table()),
            rules=None if patients is None else patients.rules().card(),
            table_one=facts_table(cohort) if isinstance(cohort, PublishedTrial) else table_one(cohort, synthetic),
            by_arm=None if patients is None or patients.schema.arm is None else table_one_by_arm(patients, synthetic),
            evaluation=economics_table(evidence) if evidence.economics else None,
            replications=tables.analyses(replications) if replications else None,
            analyses_forest=_one(lambda: figures.analyses(replications)) if replications else "",
            told=[(texts, texts_table(report), _any_fault(report), str(texts[0])) for texts, report in told],
            making=_making(protocol, synthetic, evidence),
            margins=margins_table(_margins(protocol), evidence),
            blank=NEEDS_A_PERSON,
            sheet=sheet,
            methods=methods_for((finding.check for finding in evidence.findings), of_paper=patients is None),
            formulas=[
                (one.plain, one.key, Markup(one.formula), Markup(one.source))
                for one in formulas_for(finding.key for finding in evidence.findings)
            ],
            letters=Markup(SYMBOLS_USED),
            limits=LIMITS if patients is not None else LIMITS_OF_PAPER,
            governance=[(label, _text(_section(protocol, "governance").get(key))) for key, label in _GOVERNANCE],
            amendments=_amendments(protocol),
            registration=_section(protocol, "registration"),
            versions=[(name, version(name)) for name in _PACKAGES],
        )
    )


def _any_fault(report: TextReport) -> str:
    """Return how many texts have a fault, as a sentence; "" if facts were not checked."""
    found = [one.estimate for one in report.findings if one.check == ANY_FAULT]
    return "".join(f"{one.count:,} of {len(report.texts):,} have a fault of any kind." for one in found)


def _level(synthetic: Sequence[Cohort]) -> str:
    """Return the release level of the cohorts as a sentence; "" for cohorts without a label."""
    label = synthetic[0].label if synthetic else None
    return "" if label is None else label.audience


def _counted(verdicts: Iterable[str]) -> list[tuple[str, int]]:
    """Return the number of findings by verdict, worst first."""
    found = Counter(verdicts)
    return [(verdict, found[verdict]) for verdict in WORST_FIRST if found[verdict]]


def _one(draw: Callable[[], Picture]) -> Markup:
    """Return a figure as HTML, or the reason why it cannot be drawn."""
    try:
        return Markup(draw().html())
    except (NotEstimableError, HorizonError) as error:
        return Markup("<p>Not drawn: {}</p>").format(str(error))


def _pictures(cohort: Cohort, synthetic: Sequence[Cohort], evidence: Evidence) -> Iterator[tuple[str, Markup]]:
    """Every picture with its heading: curves overall, by arm and by subgroup; levels; costs; attacks, where made."""
    arms = [cohort.schema.arm] if cohort.schema.arm is not None else []
    for endpoint in cohort.schema.endpoints:
        for by in chain([None], arms, cohort.schema.subgroups):
            heading = f"Time to event: {endpoint}" + (f", by {by}" if by else "")
            yield heading, _one(lambda endpoint=endpoint, by=by: figures.km_overlay(cohort, synthetic, endpoint, by=by))  # type: ignore[misc]
        for width in [one.margin for one in evidence.findings if one.key == KM_GAP.key][:1]:
            heading = f"Time to event: {endpoint}, difference of the curves"
            draw = partial(figures.km_difference, cohort, synthetic, endpoint, width)
            yield heading, _one(draw)
    if arms or cohort.schema.subgroups:
        yield "Levels kept and lost", _one(lambda: figures.level_retention(cohort, synthetic))
    for cost in cohort.schema.costs:
        yield f"Costs: {cost}", _one(lambda cost=cost: figures.cost_quantiles(cohort, synthetic, cost))  # type: ignore[misc]
        yield f"Concentration: {cost}", _one(partial(figures.lorenz, cohort, synthetic, cost))
    for estimand in (RMST, MEAN):
        if cohort.schema.subgroups and any(one.key == estimand.key for one in evidence.findings):
            yield f"By subgroup: {estimand.plain}", _one(partial(figures.subgroup_forest, evidence, estimand.key))
    if any(finding.check == "disclosure" for finding in evidence.findings):
        yield "What attacks achieve", _one(lambda: figures.disclosure_risk(evidence))


def _published(trial: PublishedTrial, synthetic: Sequence[Cohort]) -> Iterator[tuple[str, Markup]]:
    """The published points of every endpoint over the band of the cohorts."""
    for endpoint in trial.options.endpoints:
        draw = partial(figures.published_curves, trial.paper, synthetic, endpoint)
        yield f"Time to event: {endpoint}, published and reconstructed", _one(draw)


def _economics(
    cohort: Cohort, synthetic: Sequence[Cohort], protocol: Mapping[str, object]
) -> Iterator[tuple[str, Markup]]:
    """The cost-effectiveness plane and the acceptability curve, where the protocol names thresholds."""
    economics = _section(protocol, "economics")
    declared = economics.get("wtp")
    wtp = [float(at) for at in declared] if isinstance(declared, list) else []
    schema = cohort.schema
    if not wtp or schema.arm is None or not schema.costs or not schema.utilities:
        return
    yield "Cost-effectiveness plane", _one(lambda: figures.ce_plane(cohort, synthetic, wtp[0], economics=economics))
    yield (
        "Acceptability curve",
        _one(lambda: figures.acceptability(cohort, synthetic, 2 * max(wtp), economics=economics)),
    )


def _section(protocol: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = protocol.get(name)
    return found if isinstance(found, Mapping) else {}


def _margins(protocol: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """The margins a protocol declares itself."""
    declared = _section(protocol, "margins").items()
    return {str(key): margin for key, margin in declared if isinstance(margin, Mapping)}


def _text(value: object) -> str:
    """A field as text; a blank one says that a person is needed."""
    return str(value).strip() if value is not None and str(value).strip() else NEEDS_A_PERSON


def _making(protocol: Mapping[str, object], synthetic: Sequence[Cohort], evidence: Evidence) -> list[tuple[str, str]]:
    """Return how the cohorts were made, from the label and the protocol."""
    label = synthetic[0].label
    wanted = _section(protocol, "generator")
    rows = [
        ("Generator", evidence.generator),
        ("Cohorts", f"{evidence.m} of {counted(evidence.n_rows, 'row')}"),
        (
            "Patients of the published trial" if evidence.reference == PAPER else "Real patients behind them",
            f"{evidence.n_source:,}",
        ),
    ]
    if label is not None:
        settings = {key: value for key, value in label.settings.items() if key not in ("fit_seed", "rules")}
        kept = label.settings.get("rules")
        rows += [
            ("Seed", str(label.seed)),
            ("Settings", plain(settings)),
            ("Release", label.release),
            (
                "Lineage",
                _lineage(label),
            ),
            ("Set equal to the source's", plain_names(label.calibrated) or "nothing"),
            ("Rules kept in every row", "; ".join(map(str, kept)) if isinstance(kept, list) else "none"),
            ("Moments by arm kept for", ", ".join(label.kept) or "no covariate"),
            ("Label", label.statement),
        ]
    rows += [(name.capitalize(), plain(wanted[name])) for name in ("targets", "where") if wanted.get(name)]
    economics, holdout = _section(protocol, "economics"), protocol.get("holdout")
    if economics:
        thresholds = economics.get("wtp")
        shown = ", ".join(plain(number) for number in thresholds) if isinstance(thresholds, (list, tuple)) else "none"
        unit = threshold_unit(synthetic[0].schema, economics.get("effect")) if synthetic else "unit of effect"
        rows += [("Comparator", _text(economics.get("comparator"))), ("Thresholds", f"{shown} per {unit}")]
    if holdout is not None:
        rows.append(("Hold-out", f"{holdout:.0%} of the real patients, whom the generator never saw"))
    return rows


def _lineage(label: Label) -> str:
    """Return what the rows were made from."""
    if label.settings.get("rests_on") == "published":
        return "made from what a paper prints; no patient's data were used"
    return "made from real patients" if label.depth == 1 else f"made from synthetic rows (depth {label.depth})"


def _amendments(protocol: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = protocol.get("amendments")
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, (list, tuple)) else []
