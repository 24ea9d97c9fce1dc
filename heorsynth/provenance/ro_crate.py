"""The run as a research object: ro-crate-metadata.json after the Process Run Crate profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heorsynth.provenance.record import Occasion, Record

CRATE = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
MORE_TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""What the context of RO-Crate 1.1 has no word for."""

SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
SAMPLER, SOURCE, TERMS, STEWARD, MACHINE = "#sampler", "#source", "#terms", "#steward", "#machine"
FIT, SAMPLE, VALIDATE = "#fit", "#sample", "#validate"
DONE = "http://schema.org/CompletedActionStatus"
ASKED = ("protocol.yaml", "protocol.lock")
"""Files that say what was asked for; all others are results."""

KINDS = {
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".lock": "application/json",
    ".csv": "text/csv",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".parquet": "application/vnd.apache.parquet",
    "": "text/plain",
}
"""Media type of a run's file by its ending."""

MEANINGS = {
    "protocol.yaml": "What was fixed beforehand",
    "protocol.lock": "Whether the protocol changed after it was locked",
    "notebook.ipynb": "The executed protocol notebook",
    "report.html": "The dossier",
    "verdict.json": "The verdict and every finding",
    "evidence.csv": "The findings as a table",
    "croissant.json": "The synthetic cohorts described for data catalogues",
    "provenance.json": "The in-toto statement of how the run was made",
    "signature.json": "The envelope that covers the statement, signed or not",
    "SHA256SUMS": "The hash of every file that two equal runs share",
}


def media_type(name: str) -> str:
    """The media type of a file of a run."""
    return next((kind for ending, kind in KINDS.items() if ending and name.endswith(ending)), KINDS[""])


def crate(record: Record, occasion: Occasion, files: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """The RO-Crate metadata document of a run.

    Parameters
    ----------
    files : Mapping      name to (SHA-256, bytes); an empty hash for what is written after the crate

    References
    ----------
    RO-Crate 1.1, https://w3id.org/ro/crate/1.1; Leo et al. (2024) PLoS ONE 19:e0309210, Process Run Crate 0.5.
    """
    parts = [_file(name, *held) for name, held in files.items()]
    values = _values(record, occasion)
    graph = [
        {"@id": CRATE, "@type": "CreativeWork", "about": _ref("./"), "conformsTo": _ref(SPECIFICATION)},
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
            "conformsTo": _ref(PROFILE),
            "hasPart": [_ref(name) for name in files],
            "mentions": [_ref(FIT), _ref(SAMPLE), _ref(VALIDATE)],
        },
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {"@id": TERMS, "@type": "CreativeWork", "name": "Terms of use", "description": record.terms},
        {"@id": STEWARD, "@type": "Organization", "name": record.said("steward")},
        *(_software(name, held) for name, held in occasion.packages.items()),
        {
            **_software("heorsynth", record.version),
            "softwareRequirements": [_ref(_package(*pair)) for pair in occasion.packages.items()],
        },
        _source(record),
        {
            "@id": SAMPLER,
            "@type": "CreativeWork",
            "name": f"The fitted generator {record.generator['name']}",
            "description": "It was not kept: the protocol, the source and the seed make it again.",
        },
        *_actions(record, occasion, list(files), values),
        *({"@id": at, "@type": "PropertyValue", **told} for at, told in values.items()),
        *parts,
    ]  # fmt: skip
    return {"@context": [CONTEXT, MORE_TERMS], "@graph": graph}


def _actions(
    record: Record, occasion: Occasion, files: list[str], values: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The three steps of a run, each with what it was given and what came of it."""
    cohorts = [name for name in files if name.startswith("synthetic/")]
    rest = [name for name in files if name not in (*ASKED, *cohorts)]
    settings = [at for at in values if at.startswith(("#generator", "#hold-out"))]
    after = [at for at in values if at.startswith("#post-processing")]
    margins = [at for at in values if at.startswith(("#margin", "#amendment"))]
    name = record.generator["name"]
    steps = (
        (FIT, "fit", f"Generator {name} fitted", [*ASKED, SOURCE, *settings], [SAMPLER]),
        (SAMPLE, "sample", "Cohorts drawn, marked and labelled", ["protocol.yaml", SAMPLER, *after], cohorts),
        (VALIDATE, "validate", f"Verdict for {record.purpose}: {record.verdict}. {record.protocol['note']}",
         [*ASKED, SOURCE, *cohorts, *margins], rest),
    )  # fmt: skip
    return [
        {
            "@id": at,
            "@type": "CreateAction",
            "name": f"{step}: {record.title}",
            "description": told,
            "startTime": occasion.times(step)[0],
            "endTime": occasion.times(step)[1],
            "actionStatus": DONE,
            "agent": _ref(STEWARD),
            "instrument": _ref(_package("heorsynth", record.version)),
            "object": _refs(given),
            "result": _refs(made),
            "additionalProperty": _refs([MACHINE, *(key for key in (f"#seconds-{step}",) if key in values)]),
        }
        for at, step, told, given, made in steps
    ]


def _ref(name: str) -> dict[str, str]:
    return {"@id": name}


def _refs(names: Sequence[str]) -> dict[str, str] | list[dict[str, str]]:
    """References: one stands by itself, as RO-Crate asks."""
    return _ref(names[0]) if len(names) == 1 else [_ref(name) for name in names]


def _package(name: str, held: str) -> str:
    return f"https://pypi.org/project/{name}/{held}"


def _software(name: str, held: str) -> dict[str, str]:
    return {
        "@id": _package(name, held),
        "@type": "SoftwareApplication",
        "name": name,
        "softwareVersion": held,
        "url": f"https://pypi.org/project/{name}/",
    }


def _file(name: str, sha256: str, size: int) -> dict[str, Any]:
    told = {
        "@id": name,
        "@type": "File",
        "name": name,
        "description": MEANINGS.get(name, "One synthetic cohort, its label in its metadata: no row is a patient"),
        "encodingFormat": media_type(name),
    }
    return told | ({"sha256": sha256, "contentSize": str(size)} if sha256 else {})


def _source(record: Record) -> dict[str, Any]:
    """The source by its keyed fingerprint: it is not part of the crate and cannot be had from it."""
    held = record.source
    return {
        "@id": SOURCE,
        "@type": "CreativeWork",
        "name": f"The source: {held['name'] or 'a file that is not part of this crate'}",
        "identifier": f"hmac-sha256:{held['fingerprint']}",
        "description": (
            f"{held['patients']} patients; fingerprint with a {held['key']} key; "
            f"{'itself synthetic' if held['synthetic'] else 'carries no synthetic label'}; "
            f"lineage depth of what is made from it: {held['depth']}"
        ),
        "additionalProperty": _ref("#source-label"),
    }


def _values(record: Record, occasion: Occasion) -> dict[str, dict[str, str]]:
    """Settings, seeds, post-processing, margins, amendments, machine and timings as property values."""
    told = {f"generator {name}": value for name, value in record.generator.items()}
    told |= {f"post-processing {at}": what for at, what in enumerate(record.post_processing, 1)}
    told |= {f"margin {one['estimand']}": one for one in record.margins}
    told |= {f"amendment {at}": one for at, one in enumerate(record.amendments, 1)}
    if record.holdout is not None:
        told["hold-out"] = record.holdout
    told |= {"machine": occasion.machine, "source label": record.source["label"] or "none"}
    told |= {f"seconds {step}": value for step, value in occasion.seconds.items()}
    return {f"#{name.replace(' ', '-')}": {"name": name, "value": _text(value)} for name, value in told.items()}


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(held)}" for name, held in value.items()) or "none"
    return "none" if value is None else str(value)
