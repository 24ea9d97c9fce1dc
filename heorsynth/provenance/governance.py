"""The governance sheet: questions of agencies and reporting guidelines, answered from the run and the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from heorsynth.checks.economics.arms import threshold_unit
from heorsynth.core.display import counted
from heorsynth.core.errors import Problem, RunError
from heorsynth.core.json_schema import jsonschema
from heorsynth.core.reading import json_of
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels.levels import level_sentence
from heorsynth.evidence.evidence import Evidence
from heorsynth.provenance.governance_items import CITATIONS, ITEMS, Question
from heorsynth.provenance.record import NEEDS_A_PERSON, Record, answered

FILLED, NOT_REPORTED, NOT_APPLICABLE = "filled", "not reported", "not applicable"
STATUSES = (NEEDS_A_PERSON, NOT_REPORTED, NOT_APPLICABLE, FILLED)
"""States of an item, in the order of the sheet: the most urgent first."""

_PROMPTS = "rao.prompts"

_SCHEMA = Path(__file__).with_name("governance.schema.json")
"""JSON Schema of a sheet; every sheet is validated before it is written."""


@dataclass(frozen=True)
class Item:
    """A question of a guideline, and its answer.

    Attributes
    ----------
    id, source, question : str
    answer : str          "" if there is none
    answered_by : str     "run", "protocol", "person", or "nobody"
    status : str          one of `STATUSES`
    key : str             key of the protocol for a person's answer; "" if only the run can answer
    """

    id: str
    source: str
    question: str
    answer: str
    answered_by: str
    status: str
    key: str


@dataclass(frozen=True)
class Sheet:
    """The governance sheet of a run; equal runs have equal sheets.

    Attributes
    ----------
    run, title, purpose, verdict : str
    items : tuple of Item
    """

    run: str
    title: str
    purpose: str
    verdict: str
    items: tuple[Item, ...]

    @property
    def blanks(self) -> tuple[Item, ...]:
        """The items that need a person."""
        return tuple(item for item in self.items if item.status == NEEDS_A_PERSON)

    def by_source(self) -> list[tuple[str, str, list[Item]]]:
        """Each source with its citation and its items."""
        return [(name, cited, [one for one in self.items if one.source == name]) for name, cited in CITATIONS.items()]

    def to_dict(self) -> dict[str, Any]:
        """The sheet as JSON-ready data; see `schema`."""
        counts = {status: sum(item.status == status for item in self.items) for status in STATUSES}
        return {
            "heorsynth_governance": 1,
            "run": self.run,
            "title": self.title,
            "purpose": self.purpose,
            "verdict": self.verdict,
            "counts": counts,
            "sources": dict(CITATIONS),
            "items": [asdict(item) for item in self.items],
        }


def sheet(
    record: Record, evidence: Evidence, document: Mapping[str, Any], of_texts: Mapping[str, str] = MappingProxyType({})
) -> Sheet:
    """The governance sheet of a finished run.

    Parameters
    ----------
    record : Record           record of the run
    evidence : Evidence       findings and verdict
    document : Mapping        the protocol as plain data
    of_texts : Mapping        id of an item to its answer about the texts of the run
    """
    answers = _with_texts(_answers(record, evidence, document), of_texts)
    governance = document.get("governance") or {}
    economic = bool(document.get("economics"))
    return Sheet(
        record.name,
        record.title,
        record.purpose,
        record.verdict,
        tuple(item_of(question, answers, governance, _applies(question, record, economic)) for question in ITEMS),
    )


def _with_texts(answers: dict[str, tuple[str, str]], of_texts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The answers about rows, followed by those about texts; the prompts are those of the texts alone."""
    for name, text in of_texts.items():
        about_rows = "" if name == _PROMPTS or name not in answers else f"{answers[name][0]} "
        if text:
            answers[name] = (f"{about_rows}Texts: {text}" if about_rows else text, "run")
    return answers


def blanks(governance: Mapping[str, Any]) -> list[Question]:
    """The required questions for a person that the governance section leaves blank."""
    return [one for one in ITEMS if one.required and not _answer_in(governance, one.key)]


def schema() -> dict[str, Any]:
    """The JSON Schema of `Sheet.to_dict`, from the file governance.schema.json beside this module."""
    return dict(json_of(_SCHEMA.read_bytes()))


def require_valid(facts: Mapping[str, Any]) -> None:
    """Raise RunError if a sheet does not follow the schema; the message names the place but not its content."""
    for error in jsonschema().Draft202012Validator(schema()).iter_errors(facts):
        place = "/".join(map(str, error.absolute_path)) or "the sheet"
        fix = "please report this: heorsynth must write sheets that follow the schema"
        raise RunError("governance sheet", Problem(place, f"violates the rule {error.validator!r} of the schema", fix))


def _applies(question: Question, record: Record, economic: bool) -> bool:
    """Whether a question concerns a run: those on language models only where one wrote its texts."""
    told = record.language_model is not None or not question.language
    return told and (economic or not question.economic)


def item_of(
    question: Question, answers: Mapping[str, tuple[str, str]], governance: Mapping[str, Any], applies: bool = True
) -> Item:
    """The item of a question: answered from `answers`, or by a person in the governance section."""
    answer, by = answers.get(question.id, ("", "nobody"))
    by_person = _answer_in(governance, question.key)
    if by_person:
        answer, by = f"{answer} {by_person}".strip(), "person"
    status = FILLED if answer else NOT_REPORTED
    if not applies:
        status = NOT_APPLICABLE
    elif question.required and not by_person:
        status = NEEDS_A_PERSON
    if status != FILLED:
        answer, by = "", "nobody"
    key = f"governance.{question.key}" if question.key else ""
    return Item(question.id, question.source, question.text, answer, by, status, key)


def _answer_in(governance: Mapping[str, Any], key: str) -> str:
    return answered(governance.get(key)) if key else ""


def _answers(record: Record, evidence: Evidence, document: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Item to its answer and the source of the answer, for items that the run or the protocol answers."""
    answers = {name: (text, "run") for name, text in _from_run(record, evidence).items()}
    answers |= {name: (text, "protocol") for name, text in _from_protocol(record, document).items()}
    return {name: answer for name, answer in answers.items() if answer[0]}


def _from_run(record: Record, evidence: Evidence) -> dict[str, str]:
    generator, source = record.generator, record.source
    verdicts = [one.verdict for one in evidence.findings if one.decisive]
    counts = ", ".join(f"{verdicts.count(kind)} {kind}" for kind in sorted(set(verdicts)))
    made = f"Generator {generator['name']} of heorsynth {record.version}: {_plain(generator['settings'])}."
    depth = "directly from the source" if source["depth"] == 1 else f"at lineage depth {source['depth']}"
    mark = next((step for step in record.post_processing if step.startswith("watermark")), "no watermark")
    attacks = [one for one in evidence.findings if one.check == "disclosure"]
    limits = _subgroup_limits(evidence)
    return {
        "house.subgroups": limits,
        "wef.quality": f"{counted(len(verdicts), 'decisive finding')}, each compared with its margin: {counts}. "
        f"{record.sentence}",
        "wef.traceability": "Keyed fingerprint of the source; SHA-256 of protocol, lock and every file; RO-Crate, "
        "Croissant and a statement in the run folder, which `heorsynth verify` checks and re-runs.",
        "wef.transparency": f"{made} {counted(generator['m'], 'cohort')} of {counted(generator['rows'], 'row')}, from "
        f"{counted(source['patients'], 'patient')}; seed {generator['seed']}.",
        "wef.safeguards": f"{level_sentence(str(generator.get('level', '')))} A label in every file; {mark}.",
        "wef.collapse": f"Drawn {depth}; synthetic rows are refused as a source unless the protocol allows them.",
        "wef.kind": "Invented: the source is itself simulated."
        if source["kind"] == "simulated"
        else "A replica of a cohort, not invented by a language model.",
        "harper.abstract": record.sentence,
        "harper.limitations": f"{limits} Synthetic rows add no patients.",
        "cheers.2": record.sentence,
        "cheers.5": f"{source['patients']:,} patients, described in table 1 of the dossier.",
        "cheers.18": limits,
        "cheers.20": "Every finding has an interval over the patients' sampling and the synthesis.",
        "cheers.22": "Margins, thresholds and seeds in protocol.yaml; every estimate in evidence.csv.",
        "cheers.23": record.sentence,
        "cheers.24": f"Of the decisive findings: {counts}.",
        "rao.method": made,
        _PROMPTS: "None: no language model was used.",
        "rao.post_processing": "; ".join(record.post_processing) + ".",
        "rao.evaluation": f"Checks of {', '.join(sorted({one.check for one in evidence.findings}))}: in evidence.csv.",
        "rao.privacy": f"{counted(len(attacks), 'finding')} of attacks, in evidence.csv." if attacks else "",
        "rao.availability": f"Release {record.release}: data, protocol and notebook in the run folder.",
    }


def _from_protocol(record: Record, document: Mapping[str, Any]) -> dict[str, str]:
    cohort, economics = document.get("cohort") or {}, document.get("economics") or {}
    declared = {name: ", ".join(cohort.get(name) or ()) for name in ("endpoints", "costs", "utilities")}
    named = {name: text or "as the dataset declares" for name, text in declared.items()}
    registered = document.get("registration") or {}
    place = f" Registered: {registered['registry']} {registered['id']}." if registered else ""
    thresholds = ", ".join(f"{wtp:,.0f}" for wtp in economics.get("wtp") or ())
    unit = threshold_unit(Schema({}, utilities=tuple(cohort.get("utilities") or ())), economics.get("effect"))
    return {
        "harper.title": record.title + "." + place,
        "harper.amendments": "; ".join(f"{one['date']}: {one['what']} ({one['why']})" for one in record.amendments)
        or "None.",
        "harper.question": f"Are the cohorts fit for {record.purpose}?",
        "harper.methods": f"Roles and margins in protocol.yaml; endpoints: {named['endpoints']}; formulas in the "
        "dossier.",
        "harper.appendices": "protocol.yaml, protocol.lock, notebook.ipynb, evidence.csv.",
        "cheers.1": record.title + ".",
        "cheers.3": "Does an evaluation of the synthetic cohorts lead to the same decision as one of the patients?",
        "cheers.4": f"The protocol, SHA-256 {record.protocol['sha256'][:12]}….",
        "cheers.7": f"Comparator: {economics.get('comparator')}.",
        "cheers.9": "The follow-up of the source.",
        "cheers.11": f"Endpoints: {named['endpoints']}; utilities: {named['utilities']}.",
        "cheers.14": f"Costs: {named['costs']}, as the source holds them.",
        "cheers.15": " ".join(str(part) for part in (cohort.get("currency"), cohort.get("price_year")) if part),
        "cheers.17": f"Thresholds {thresholds} per {unit}; cohorts pooled by combining rules for synthetic data.",
    }


def _subgroup_limits(evidence: Evidence) -> str:
    """A sentence with the subgroups in which a finding fails or cannot be judged."""
    limits = []
    for verdict, what in (("fail", "a finding fails in"), ("not estimable", "too few to judge in")):
        groups = sorted({one.group for one in evidence.findings if one.verdict == verdict and one.group != "all"})
        limits += [f"{what} {_listed(groups)}"] if groups else []
    if not limits:
        return "No subgroup fails or is too small to judge."
    return f"Subgroups not to be used alone: {'; '.join(limits)}."


def _listed(groups: Sequence[str], most: int = 8) -> str:
    return ", ".join(groups[:most]) + (f" and {len(groups) - most} more" if len(groups) > most else "")


def _plain(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(settings.items())) or "none"


def lines_to_paste(open_questions: Iterable[Question]) -> str:
    """YAML lines for a person to fill in, one for each key of the open questions."""
    return "governance:\n" + "\n".join(f"  {key}: …" for key in dict.fromkeys(one.key for one in open_questions))
