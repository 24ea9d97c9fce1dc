"""What reporting guidelines ask of texts by a language model, answered from the texts, their checks and the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import unknown_name
from heorsynth.language.checks.findings import ANY_FAULT, TextFinding, TextReport
from heorsynth.language.models.model import Model
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.language.raters.rating_kit import Ratings
from heorsynth.provenance.governance import item_of
from heorsynth.provenance.governance_items import ELEVATE, ITEMS, RAO


@dataclass(frozen=True)
class TextFacts:
    """The texts of a run, as its record tells them; empty for a run without texts.

    Attributes
    ----------
    texts : tuple of Mapping        of each maker: number, kind, refusals, and how many have a fault
    language_model : Mapping or None    name, versions, engines, settings and recorded calls; None for templates alone
    answers : Mapping               id of an item of the governance sheet to its answer
    """

    texts: tuple[Mapping[str, Any], ...] = ()
    language_model: Mapping[str, Any] | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


_ASKED = tuple(one for one in ITEMS if one.source in (ELEVATE, RAO))


def reporting_items(
    texts: Narratives,
    *,
    report: TextReport | None = None,
    model: Model | None = None,
    ratings: Ratings | None = None,
    pairs: tuple[TextFinding, ...] = (),
    answers: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the ten domains of ELEVATE-GenAI and the items of Rao et al. (2025) for texts of synthetic patients.

    Parameters
    ----------
    texts : Narratives           of `heorsynth.narrate`
    report : TextReport          of `heorsynth.check_text`
    model : Model                the language model that wrote them, with its records
    ratings : Ratings            of people, by `RatingKit.read`
    pairs : tuple                the findings of counterfactual pairs
    answers : Mapping            id of an item to a person's answer, such as {"elevate.8": "Teaching, on one laptop"}

    Returns
    -------
    DataFrame      id, source, question, answer, answered_by ("record", "person" or "nobody") and status: "filled",
                   "not reported", or "not applicable" where no language model wrote the texts

    Raises
    ------
    UnknownNameError       an answer to an item that is not asked

    Examples
    --------
    >>> import heorsynth as hs
    >>> lung = hs.datasets.load("lung")
    >>> drawn = hs.generators.create("marginals").fit(lung, seed=1).sample(n=5, m=1, seed=1)[0]
    >>> items = reporting_items(hs.narrate(drawn, slots=["age", "sex"]))
    >>> items.set_index("id").loc[["rao.method", "elevate.1"], ["status"]].to_dict()["status"]
    {'rao.method': 'filled', 'elevate.1': 'not applicable'}
    """
    given = dict(answers or {})
    known = [one.id for one in _ASKED]
    if strange := next((name for name in given if name not in known), None):
        raise unknown_name("item", strange, known)
    told = _answers(texts, report, model) | dict(_of_people(ratings, pairs))
    by_model = texts.maker != "template"
    rows = []
    for question in _ASKED:
        held = {question.id: (told[question.id], "record")} if told.get(question.id) else {}
        if question.id in given:
            held = {question.id: (given[question.id], "person")}
        item = item_of(question, held, {}, by_model or not question.language)
        rows.append((item.id, item.source, item.question, item.answer, item.answered_by, item.status))
    return pd.DataFrame(rows, columns=["id", "source", "question", "answer", "answered_by", "status"])


def text_facts(pairs: Sequence[tuple[Narratives, TextReport]], model: Model | None) -> TextFacts:
    """Return the facts of the texts of a run: pairs of texts and their checks, those of a model last."""
    told = tuple(
        {
            "maker": texts.maker,
            "kind": texts.kind,
            "texts": len(texts),
            "refused": len(texts.refused),
            "any_fault": _any_fault(report),
        }
        for texts, report in pairs
    )
    texts, report = pairs[-1]
    return TextFacts(told, None if model is None else _model_facts(model), _answers(texts, report, model))


def _any_fault(report: TextReport) -> str:
    found = [one for one in report.findings if one.check == ANY_FAULT]
    return _share(found[0]) if found else "not checked"


def _model_facts(model: Model) -> dict[str, Any]:
    facts = list(map(model.records.facts, model.records.keys()))
    return {
        "name": f"{model.provider}:{model.name}",
        "versions": sorted({str(one["answer"]["version"]) for one in facts}),
        "engines": sorted({str(one["answer"].get("engine", "")) for one in facts} - {""}),
        "parameters": {name: value for name, value in vars(model.parameters).items() if name != "seed"},
        "templates": sorted({str(one["call"]["template"]["sha256"]) for one in facts}),
        "calls": len(facts),
    }


def _answers(texts: Narratives, report: TextReport | None, model: Model | None) -> dict[str, str]:
    """Return the items that texts, checks and records answer."""
    return dict(_of_texts(texts, model)) | (dict(_of_report(report)) if report is not None else {})


def _of_texts(texts: Narratives, model: Model | None) -> Iterator[tuple[str, str]]:
    refused = f"; {counted(len(texts.refused), 'text')} refused" if texts.refused else ""
    made = f"{counted(len(texts), 'text')} of kind {texts.kind} by {texts.maker}, seed {texts.seed}{refused}."
    yield "rao.method", made
    yield "rao.availability", f"Release {texts.label.release}; each text has its synthetic id and label."
    if texts.maker == "template":
        yield "rao.prompts", "None: no language model was used."
        return
    yield "elevate.10", "Prompts hold facts of labelled synthetic rows only; keys enter no record."
    if model is None:
        return
    calls = [model.records.facts(key)["call"] for key in sorted(model.versions)]
    if not calls:
        return
    settings = calls[0]["parameters"]
    held = _model_facts(model)
    versions = ", ".join([*held["versions"], *held["engines"]])
    limits = f"top_p {settings['top_p']:g}, at most {settings['max_tokens']} tokens"
    named = f"{model.provider}:{model.name}, version {versions}"
    yield "elevate.1", f"{named}; temperature {settings['temperature']:g}, {limits}."
    templates = sorted({f"{one['template']['name']} (SHA-256 {one['template']['sha256'][:12]}…)" for one in calls})
    yield "rao.prompts", f"Template {', '.join(templates)}; every prompt in full in the records."
    yield "rao.post_processing", "; ".join(calls[0]["steps"]) + "."
    replay = "each named by the hash of all that was asked; replay gives the same bytes without network"
    yield "elevate.5", f"{counted(len(calls), 'recorded call')}, {replay}."


def _of_report(report: TextReport) -> Iterator[tuple[str, str]]:
    checks = {one.check: one for one in report.findings if not one.slot}
    if ANY_FAULT in checks:
        yield "elevate.2", f"Texts with any fault: {_share(checks['facts: texts with any fault'])}."
        yield "elevate.3", _by_slot(report, "omitted")
        yield "elevate.4", f"{_by_slot(report, 'contradicted')} {_by_slot(report, 'fabricated')}"
        yield "elevate.9", "95% intervals; beside each finding, how often its check errs on planted faults."
    yield "rao.evaluation", f"Checks of {', '.join(dict.fromkeys(one.check for one in report.findings))}."
    leaks = [one for name, one in checks.items() if "identif" in name or "memor" in name]
    yield "rao.privacy", "; ".join(f"{one.check}: {_share(one)}" for one in leaks)


def _by_slot(report: TextReport, fault: str) -> str:
    found = [one for one in report.findings if one.check == f"facts {fault}"]
    worst = max(found, key=lambda one: one.estimate.value)
    return f"{fault.capitalize()}, worst of {len(found)} slots: {worst.slot}, {_share(worst)}."


def _share(one: TextFinding) -> str:
    estimate = one.estimate
    return f"{100 * estimate.value:.1f}% ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _of_people(ratings: Ratings | None, pairs: tuple[TextFinding, ...]) -> Iterator[tuple[str, str]]:
    if ratings is not None:
        yield "rao.human", f"{counted(len(ratings.answers), 'rater')}; synthetic called real: {ratings.called_real()}."
    if pairs:
        told = "; ".join(f"{one.check.removeprefix('pairs: ')} {one.estimate}" for one in pairs)
        yield "elevate.7", f"Counterfactual pairs, second minus first: {told}."
