"""From what a run knows to its record, and the record into the run folder: Croissant, crate, statement, envelope."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api import types

from heorsynth.core.errors import Problem, RunError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.files import io
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.releases import Release
from heorsynth.data.labels.watermark import release_key
from heorsynth.evidence.evidence import Evidence
from heorsynth.protocol.file.source import FILE, FOLDER, Origin
from heorsynth.protocol.file.spec import Protocol
from heorsynth.protocol.lock import Lock
from heorsynth.protocol.run_folder import SUMS, sha256_of, summed_files
from heorsynth.protocol.synthetic import PLACE, Drawn, label_of, some_rows
from heorsynth.provenance.croissant import CROISSANT, croissant
from heorsynth.provenance.fingerprint import fingerprint
from heorsynth.provenance.in_toto import STATEMENT, statement
from heorsynth.provenance.record import Occasion, Record
from heorsynth.provenance.ro_crate import CRATE, crate
from heorsynth.provenance.signature import ENVELOPE, opened, sealed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def record_of(
    name: str,
    plan: Protocol,
    lock: Lock,
    origin: Origin,
    holdout: Cohort | None,
    synthetic: Drawn,
    evidence: Evidence,
) -> Record:
    """The record of a run that has drawn and judged its cohorts."""
    document, label = plan.document, label_of(synthetic)
    lock_text = lock.to_json()
    return Record(
        name=name,
        title=document.title,
        purpose=document.purpose,
        verdict=evidence.verdict,
        sentence=evidence.sentence,
        version=label.version,
        source=_source(origin, label),
        protocol={
            "sha256": plan.sha256,
            "lock_sha256": hashlib.sha256(lock_text.encode()).hexdigest(),
            **json.loads(lock_text),
        },
        generator={
            **document.generator.model_dump(mode="json"),
            "settings": dict(label.settings),
            "rows": label.n_rows,
            "rests_on": label.rests_on,
            "calibrated": list(label.calibrated),
        },
        post_processing=_post_processing(synthetic[0].schema, label),
        margins=_margins(plan, evidence),
        amendments=tuple(one.model_dump(mode="json") for one in document.amendments),
        holdout=holdout_facts(plan, origin, holdout),
        governance=document.governance.model_dump(),
        columns=_columns(some_rows(synthetic)),
        release=label.release,
    )


def holdout_facts(plan: Protocol, origin: Origin, holdout: Cohort | None) -> dict[str, Any] | None:
    """Who was kept aside, by share, number and keyed fingerprint: enough to know them again, and not who they are."""
    if holdout is None:
        return None
    return {
        "share": plan.document.holdout,
        "patients": holdout.n,
        "fitted": origin.cohort.n - holdout.n,
        "fingerprint": fingerprint(holdout, origin.key),
    }


def require_holdout(recorded: Mapping[str, Any] | None, found: Mapping[str, Any] | None) -> None:
    """Nothing, if the patients kept aside are those of the run; a hold-out that later work has seen is none.

    Raises
    ------
    RunError      others would be held out than were
    """
    if recorded != found:
        raise RunError(
            "hold-out",
            Problem("", "others would be kept aside than when this run was made", "do not fit or check on these"),
        )


def write_provenance(folder: Path, record: Record, occasion: Occasion, key: Ed25519PrivateKey | None) -> None:
    """Writes Croissant, crate, statement and envelope, in this order, each covering what is there already."""
    files = {name: _held(folder, name) for name in [*summed_files(folder), SUMS]}
    _write_json(folder / CROISSANT, croissant(record, occasion, files))
    files[CROISSANT] = _held(folder, CROISSANT)
    _write_json(folder / CRATE, crate(record, occasion, {**files, STATEMENT: ("", 0), ENVELOPE: ("", 0)}))
    covered = {name: sha256_of(folder / name) for name in (SUMS, CROISSANT, CRATE)}
    _write_json(folder / STATEMENT, statement(record, occasion, covered))
    (folder / ENVELOPE).write_text(sealed((folder / STATEMENT).read_bytes(), key), encoding="utf-8")


def release_of(record: Record, folder: Path, owner: bytes | None) -> Release:
    """What a registry of releases keeps of a run."""
    files = {name: sha256_of(folder / name) for name in summed_files(folder) if name.startswith(f"{PLACE}/")}
    first = io.label_of(io.read_frame(folder / min(files)))
    assert first is not None
    key = opened((folder / ENVELOPE).read_bytes()).key_id
    mark = "" if owner is None else release_key(owner, record.release).decode()
    return Release(record.release, record.name, files, first.shared, record.purpose, record.verdict, key, mark)


def _held(folder: Path, name: str) -> tuple[str, int]:
    return sha256_of(folder / name), (folder / name).stat().st_size


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def _source(origin: Origin, label: Label) -> dict[str, Any]:
    """What is told of the source: never a path, and a name only where it is bundled."""
    own = origin.cohort.label
    return {
        "kind": origin.kind,
        "name": "" if origin.kind in (FILE, FOLDER) else origin.cohort.name,
        "fingerprint": origin.fingerprint,
        "key": "private" if origin.kind in (FILE, FOLDER) else "public",
        "patients": label.n_source,
        "synthetic": origin.cohort.synthetic,
        "label": None if own is None else own.to_dict(),
        "depth": label.depth,
    }


def _post_processing(schema: Schema, label: Label) -> tuple[str, ...]:
    """What was done to the rows after the law drew them, in order."""
    done = [f"{name}: recomputed as bands of {band.source}" for name, band in schema.bands.items()]
    done += [f"{name}: recomputed as the total of {', '.join(parts)}" for name, parts in schema.totals.items()]
    aims = label.settings.get("calibrate")
    done += [f"values moved to meet {aim}" for aim in (aims if isinstance(aims, Mapping) else ())]
    done += [f"rows drawn for {name} only" for name in ("where", "targets") if name in label.settings]
    done.append(f"watermark written into the rows: {label.watermark}")
    return (*done, "each row given its synthetic_id; none repaired or clipped after drawing")


def _margins(plan: Protocol, evidence: Evidence) -> tuple[dict[str, Any], ...]:
    """The margin of every estimand judged: the narrowest, where groups have their own."""
    margins: dict[str, dict[str, Any]] = {}
    amended = {one.section for one in plan.document.amendments}
    for one in evidence.findings:
        held = margins.get(one.key)
        if held is None or one.margin < held["margin"]:
            origin = "protocol" if one.key in plan.document.margins else "default of the purpose"
            margins[one.key] = {
                "estimand": one.key,
                "margin": None if one.margin != one.margin else one.margin,
                "scale": one.scale,
                "decisive": one.decisive or bool(held and held["decisive"]),
                "from": origin,
                "amended": bool(amended & {"margins", f"margins.{one.key}"}),
            }
    return tuple(margins[key] for key in sorted(margins))


def _columns(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): _kind(frame[name]) for name in frame.columns}


def _kind(column: pd.Series) -> str:
    if types.is_bool_dtype(column):
        return "boolean"
    if types.is_integer_dtype(column):
        return "integer"
    return "number" if types.is_numeric_dtype(column) else "text"
