"""Describes the synthetic cohorts for data catalogues: croissant.json, with the responsible-AI vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heorsynth.data.labels.label import ID_COLUMN
from heorsynth.provenance.record import Occasion, Record

CROISSANT = "croissant.json"
_CONFORMS_TO = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
_PARQUET = "application/x-parquet"
"""Media type of Parquet in Croissant; other files use the registered name, application/vnd.apache.parquet."""

_TRAINED = "https://schema.org/TrainedAlgorithmicMediaDigitalSource"
"""Type in schema.org for data drawn by an algorithm that was fitted to a sample."""

_HOW = {False: "Drawn by a fitted generator", True: "Reconstructed from what a paper prints"}
_WHOSE = {
    False: "Made from patients' data: disclosure was judged only where the verdict says so.",
    True: "Made from what a paper prints: no patient's data were used.",
}
"""Whether the source is a paper, to what the rows are and whose."""

_TYPES = {"number": "sc:Float", "integer": "sc:Integer", "boolean": "sc:Boolean", "text": "sc:Text"}

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(record: Record, occasion: Occasion, files: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """The Croissant document of a run: one record set per synthetic cohort, with the names and types of its columns.

    Parameters
    ----------
    files : Mapping      every file of the run to (SHA-256, size in bytes); the files in synthetic/ are described

    References
    ----------
    Akhtar et al. (2024) Croissant, DEEM '24; the RAI vocabulary 1.0 of MLCommons.
    """
    cohorts = {name: facts for name, facts in files.items() if name.startswith("synthetic/")}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        "name": record.name,
        "description": record.description,
        "version": "1.0.0",
        "url": f"pkg:pypi/heorsynth@{record.version}#{record.name}",
        "license": record.terms,
        "creator": {"@type": "sc:Organization", "name": record.answer("steward")},
        "datePublished": occasion.finished[:10],
        "citeAs": f"{record.title}. Synthetic cohorts, release {record.release}, heorsynth {record.version}.",
        "keywords": ["synthetic data", record.purpose, record.generator["name"]],
        "digitalSourceType": _TRAINED,
        "prov:wasDerivedFrom": {
            "@id": f"urn:hmac-sha256:{record.source['fingerprint']}",
            "prov:label": f"The source: {record.source['name'] or 'a file not published here'}",
        },
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"Generator {record.generator['name']}, fitted and drawn from",
            "prov:startedAtTime": occasion.times("fit")[0],
            "prov:endedAtTime": occasion.times("sample")[1],
            "prov:wasAssociatedWith": f"pkg:pypi/heorsynth@{record.version}",
        },
        **_responsible(record),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "contentSize": f"{size} B",
                "encodingFormat": _PARQUET,
                "sha256": sha256,
            }
            for name, (sha256, size) in cohorts.items()
        ],
        "recordSet": [_records(name, record.columns) for name in cohorts],
    }


def _records(name: str, columns: Mapping[str, str]) -> dict[str, Any]:
    cohort = name.removesuffix(".parquet")
    fields = {ID_COLUMN: "text", **columns}
    return {
        "@type": "cr:RecordSet",
        "@id": cohort,
        "name": cohort,
        "key": {"@id": f"{cohort}/{ID_COLUMN}"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{cohort}/{column}",
                "name": f"{cohort}/{column}",
                "dataType": _TYPES[kind],
                "source": {"fileObject": {"@id": name}, "extract": {"column": column}},
            }
            for column, kind in fields.items()
        ],
    }


def _responsible(record: Record) -> dict[str, Any]:
    """The entries of the RAI vocabulary that the run can answer."""
    source, generator = record.source, record.generator
    of_paper = "facts" in source
    settings = ", ".join(f"{name} = {value}" for name, value in generator.items() if value not in ({}, None))
    return {
        "rai:hasSyntheticData": True,
        "rai:dataCollection": (
            f"{_HOW[of_paper]}, not collected. Source: {source['name'] or 'a file not published here'}, "
            f"{source['patients']} patients."
        ),
        "rai:dataCollectionType": ["Synthetic data"],
        "rai:dataManipulationProtocol": f"Generator settings: {settings}.",
        "rai:dataPreprocessingProtocol": list(record.post_processing),
        "rai:dataUseCases": [f"Verdict for {record.purpose}: {record.verdict}", record.answer("intended_use")],
        "rai:dataLimitations": [
            "Synthetic rows add no patients: an analysis carries the information of the source and no more.",
            *(f"Rests on: {cited}" for cited in source.get("citations", {}).values()),
            f"Prohibited use: {record.answer('prohibited_use')}",
        ],
        "rai:dataBiases": "Small groups of the source are as small in what can be learnt here: see report.html.",
        "rai:personalSensitiveInformation": [f"No row is a patient. {_WHOSE[of_paper]}"],
        "rai:dataReleaseMaintenancePlan": f"Retention: {record.answer('retention')}",
    }
