"""Describes a run as a research object: ro-crate-metadata.json, by the Process Run Crate profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heorsynth.provenance.record import Occasion, Record

CRATE = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
_MORE_TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""Terms that the context of RO-Crate 1.1 lacks."""

_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
SAMPLER, SOURCE, TERMS, STEWARD, MACHINE = "#sampler", "#source", "#terms", "#steward", "#machine"
FIT, SAMPLE, VALIDATE = "#fit", "#sample", "#validate"
_DONE = "http://schema.org/CompletedActionStatus"
_INPUTS = ("protocol.yaml", "protocol.lock")
"""Files that are inputs of a run; all others are results."""

_KINDS = {
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".lock": "application/json",
    ".csv": "text/csv",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/jsonl",
    "": "text/plain",
}
"""Ending of a file to its media type."""

_MEANINGS = {
    "protocol.yaml": "The protocol",
    "protocol.lock": "Whether the protocol changed after it was locked",
    "notebook.ipynb": "The executed protocol notebook",
    "report.html": "The dossier",
    "verdict.json": "The verdict and every finding",
    "evidence.csv": "The findings as a table",
    "source.sql": "The queries that made the cohort from a database",
    "attrition.csv": "The persons left after each step of the definition, rounded down to 5",
    "croissant.json": "The synthetic cohorts described for data catalogues",
    "provenance.json": "The in-toto statement of how the run was made",
    "signature.json": "The envelope of the statement, with the signature if there is one",
    "SHA256SUMS": "The hash of every file that is the same in two equal runs",
}


_OF_TEXTS = {
    "template.jsonl": "Texts of synthetic patients by template, each with its label",
    "model.jsonl": "Texts of synthetic patients by a language model, each with its label",
    "findings.csv": "What the checks of texts found, with the error rates of the checks",
    "faults.csv": "Every fault that the checks of texts found",
    "reporting.csv": "What reporting guidelines ask of the texts, and the answers",
}
"""Files of the folder `texts`."""


def _meaning(name: str) -> str:
    """What a file of a run is, in words."""
    if name.startswith("texts/records/"):
        return "A recorded call of a language model: what was asked, and the answer"
    if name.startswith("texts/"):
        return _OF_TEXTS[name.removeprefix("texts/")]
    if name.startswith("published/"):
        return "What the paper states, each fact with its place: the paper file, or a file of points that it names"
    return _MEANINGS.get(name, "One synthetic cohort with its label in the metadata; no row is a patient")


def _media_type(name: str) -> str:
    """The media type of a file of a run."""
    return next((kind for ending, kind in _KINDS.items() if ending and name.endswith(ending)), _KINDS[""])


def crate(record: Record, occasion: Occasion, files: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """The RO-Crate metadata document of a run.

    Parameters
    ----------
    files : Mapping      name to (SHA-256, size in bytes); the hash is "" for files written after the crate

    References
    ----------
    RO-Crate 1.1, https://w3id.org/ro/crate/1.1; Leo et al. (2024) PLoS ONE 19:e0309210, Process Run Crate 0.5.
    """
    parts = [_file(name, *facts) for name, facts in files.items()]
    values = _values(record, occasion)
    graph = [
        {"@id": CRATE, "@type": "CreativeWork", "about": _ref("./"), "conformsTo": _ref(_SPECIFICATION)},
        {
            "@id": "./",
            "@type": "Dataset",
            "name": record.title,
            "identifier": record.name,
            "description": record.description,
            "datePublished": occasion.finished,
            "license": _ref(TERMS),
            "author": _ref(STEWARD),
            "publisher": _ref(STEWARD),
            "conformsTo": _ref(_PROFILE),
            "hasPart": [_ref(name) for name in files],
            "mentions": [_ref(FIT), _ref(SAMPLE), _ref(VALIDATE)],
        },
        {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {"@id": TERMS, "@type": "CreativeWork", "name": "Terms of use", "description": record.terms},
        {"@id": STEWARD, "@type": "Organization", "name": record.answer("steward")},
        *(_software(name, used) for name, used in occasion.packages.items()),
        {
            **_software("heorsynth", record.version),
            "softwareRequirements": [_ref(_package(*pair)) for pair in occasion.packages.items()],
        },
        _source(record),
        {
            "@id": SAMPLER,
            "@type": "CreativeWork",
            "name": f"The fitted generator {record.generator['name']}",
            "description": "It is not stored: the protocol, the source and the seed reproduce it.",
        },
        *_actions(record, occasion, list(files), values),
        *({"@id": at, "@type": "PropertyValue", **value} for at, value in values.items()),
        *parts,
    ]  # fmt: skip
    return {"@context": [CONTEXT, _MORE_TERMS], "@graph": graph}


def _actions(
    record: Record, occasion: Occasion, files: list[str], values: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The three steps of a run, each with its inputs and results."""
    cohorts = [name for name in files if name.startswith("synthetic/")]
    rest = [name for name in files if name not in (*_INPUTS, *cohorts)]
    settings = [at for at in values if at.startswith(("#generator", "#hold-out"))]
    steps_after = [at for at in values if at.startswith("#post-processing")]
    margins = [at for at in values if at.startswith(("#margin", "#amendment"))]
    name = record.generator["name"]
    steps = (
        (FIT, "fit", f"Generator {name} fitted", [*_INPUTS, SOURCE, *settings], [SAMPLER]),
        (SAMPLE, "sample", "Cohorts drawn, marked and labelled", ["protocol.yaml", SAMPLER, *steps_after], cohorts),
        (VALIDATE, "validate", f"Verdict for {record.purpose}: {record.verdict}. {record.protocol['note']}",
         [*_INPUTS, SOURCE, *cohorts, *margins], rest),
    )  # fmt: skip
    return [
        {
            "@id": at,
            "@type": "CreateAction",
            "name": f"{step}: {record.title}",
            "description": text,
            "startTime": occasion.times(step)[0],
            "endTime": occasion.times(step)[1],
            "actionStatus": _DONE,
            "agent": _ref(STEWARD),
            "instrument": _ref(_package("heorsynth", record.version)),
            "object": _refs(inputs),
            "result": _refs(results),
            "additionalProperty": _refs([MACHINE, *(key for key in (f"#seconds-{step}",) if key in values)]),
        }
        for at, step, text, inputs, results in steps
    ]


def _ref(name: str) -> dict[str, str]:
    return {"@id": name}


def _refs(names: Sequence[str]) -> dict[str, str] | list[dict[str, str]]:
    """References to entities; a single reference is not put into a list, as RO-Crate requires."""
    return _ref(names[0]) if len(names) == 1 else [_ref(name) for name in names]


def _package(name: str, version: str) -> str:
    return f"https://pypi.org/project/{name}/{version}"


def _software(name: str, version: str) -> dict[str, str]:
    return {
        "@id": _package(name, version),
        "@type": "SoftwareApplication",
        "name": name,
        "softwareVersion": version,
        "url": f"https://pypi.org/project/{name}/",
    }


def _file(name: str, sha256: str, size: int) -> dict[str, Any]:
    facts = {
        "@id": name,
        "@type": "File",
        "name": name,
        "description": _meaning(name),
        "encodingFormat": _media_type(name),
    }
    return facts | ({"sha256": sha256, "contentSize": str(size)} if sha256 else {})


def _source(record: Record) -> dict[str, Any]:
    """The source, described by its keyed fingerprint; the crate does not contain its rows."""
    source = record.source
    of_patients = "of a published trial, of whom only a paper is known" if "facts" in source else "patients"
    return {
        "@id": SOURCE,
        "@type": "CreativeWork",
        "name": f"The source: {source['name'] or 'a file that is not part of this crate'}",
        "identifier": f"hmac-sha256:{source['fingerprint']}",
        "description": (
            f"{source['patients']} {of_patients}; fingerprint with a {source['key']} key; "
            f"{'itself synthetic' if source['synthetic'] else 'no synthetic label'}; "
            f"lineage depth of the synthetic cohorts: {source['depth']}"
        ),
        "additionalProperty": _refs(["#source-label", *_identifiers(record)]),
    }


def _identifiers(record: Record) -> list[str]:
    """The properties that hold the facts and citations of a paper."""
    source = record.source
    names = [f"{kind} {name}" for kind in ("fact", "citation") for name in source.get(f"{kind}s", {})]
    return [f"#{name.replace(' ', '-')}" for name in names]


def _values(record: Record, occasion: Occasion) -> dict[str, dict[str, str]]:
    """Settings, seeds, post-processing, margins, amendments, machine and timings as property values."""
    values = {f"generator {name}": value for name, value in record.generator.items()}
    values |= {f"post-processing {at}": what for at, what in enumerate(record.post_processing, 1)}
    values |= {f"margin {one['estimand']}": one for one in record.margins}
    values |= {f"amendment {at}": one for at, one in enumerate(record.amendments, 1)}
    values |= {f"fact {name}": fact for name, fact in record.source.get("facts", {}).items()}
    values |= {f"citation {name}": text for name, text in record.source.get("citations", {}).items()}
    values |= {f"texts {at}": told for at, told in enumerate(record.texts, 1)}
    if record.language_model is not None:
        values["language model"] = record.language_model
    if record.holdout is not None:
        values["hold-out"] = record.holdout
    values |= {"machine": occasion.machine, "source label": record.source["label"] or "none"}
    values |= {f"seconds {step}": value for step, value in occasion.seconds.items()}
    return {f"#{name.replace(' ', '-')}": {"name": name, "value": _text(value)} for name, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(part)}" for name, part in value.items()) or "none"
    return "none" if value is None else str(value)
