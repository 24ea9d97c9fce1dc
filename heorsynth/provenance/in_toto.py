"""Describes how a run was made, as an in-toto statement with a SLSA provenance predicate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heorsynth.core.reading import json_of
from heorsynth.provenance.record import Occasion, Record

STATEMENT = "provenance.json"
_FACTS = ("name", "version", "protocol", "fingerprint", "holdout", "release", "verdict", "sentence")
_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "pkg:pypi/heorsynth#run-1"


def statement(record: Record, occasion: Occasion, subjects: Mapping[str, str]) -> dict[str, Any]:
    """The statement that these files come from this run.

    Parameters
    ----------
    subjects : Mapping      file name to SHA-256

    References
    ----------
    in-toto Attestation Framework, Statement v1; SLSA 1.0, provenance predicate.
    """
    source = {name: value for name, value in record.source.items() if name != "fingerprint"}
    return {
        "_type": _TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in subjects.items()],
        "predicateType": _PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {
                    "protocol": dict(record.protocol),
                    "title": record.title,
                    "purpose": record.purpose,
                    "generator": dict(record.generator),
                    "amendments": list(record.amendments),
                },
                "internalParameters": {
                    "margins": list(record.margins),
                    "post_processing": list(record.post_processing),
                    "holdout": record.holdout,
                    "language_model": record.language_model,
                    **({"texts": list(record.texts)} if record.texts else {}),
                },
                "resolvedDependencies": [
                    {"name": "protocol.yaml", "digest": {"sha256": record.protocol["sha256"]}},
                    {"name": "protocol.lock", "digest": {"sha256": record.protocol["lock_sha256"]}},
                    {"name": "source", "annotations": {"hmac_sha256": record.source["fingerprint"], **source}},
                    *({"name": name, "uri": f"pkg:pypi/{name}@{used}"} for name, used in occasion.packages.items()),
                ],
            },
            "runDetails": {
                "builder": {"id": _BUILD_TYPE, "version": {"heorsynth": record.version}},
                "metadata": {
                    "invocationId": record.name,
                    "startedOn": occasion.started,
                    "finishedOn": occasion.finished,
                    "heorsynth_occasion": occasion.to_dict(),
                    "heorsynth_result": {
                        "release": record.release,
                        "verdict": record.verdict,
                        "sentence": record.sentence,
                    },
                },
            },
        },
    }


def subjects_of(text: bytes) -> dict[str, str]:
    """File name to SHA-256, from a statement; ValueError if the text is not a statement."""
    try:
        facts = json_of(text)
        if facts["_type"] != _TYPE:
            raise ValueError("not an in-toto statement")
        return {str(one["name"]): str(one["digest"]["sha256"]) for one in facts["subject"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an in-toto statement") from error


def occasion_of(text: bytes) -> Occasion:
    """The occasion in a statement; ValueError if there is none."""
    try:
        return Occasion.from_dict(json_of(text)["predicate"]["runDetails"]["metadata"]["heorsynth_occasion"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not the statement of a run") from error


def facts_of(text: bytes) -> dict[str, Any]:
    """Name, version, protocol, fingerprint, hold-out, release, verdict and sentence of the run in a statement.

    All are None if the text is not the statement of a run.
    """
    try:
        predicate = json_of(text)["predicate"]
        made, details = predicate["buildDefinition"], predicate["runDetails"]
        result = details["metadata"]["heorsynth_result"]
        (source,) = (one for one in made["resolvedDependencies"] if one.get("name") == "source")
        return {
            "name": details["metadata"]["invocationId"],
            "version": details["builder"]["version"]["heorsynth"],
            "protocol": made["externalParameters"]["protocol"]["sha256"],
            "fingerprint": source["annotations"]["hmac_sha256"],
            "holdout": made["internalParameters"]["holdout"],
            **{name: result[name] for name in ("release", "verdict", "sentence")},
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return dict.fromkeys(_FACTS)


def name_of(text: bytes) -> str:
    """The name of the run folder in a statement; "" if there is none."""
    try:
        return str(json_of(text)["predicate"]["runDetails"]["metadata"]["invocationId"])
    except (ValueError, KeyError, TypeError):
        return ""
