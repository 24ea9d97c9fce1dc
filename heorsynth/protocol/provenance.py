"""Makes the record of a run, and writes it as governance sheet, Croissant file, RO-Crate, statement and signature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api import types

from heorsynth.core.errors import Problem, ProtocolError, RunError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.files import io
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.levels import key_sentence
from heorsynth.data.labels.releases import Release
from heorsynth.data.labels.watermark import release_key
from heorsynth.evidence.evidence import Evidence
from heorsynth.protocol.file.analyses import copy_scripts
from heorsynth.protocol.file.published import copy_paper
from heorsynth.protocol.file.source import Origin
from heorsynth.protocol.file.spec import Protocol
from heorsynth.protocol.lock import Lock
from heorsynth.protocol.run_folder import SUMS, sha256_of, summed_files, write_extract
from heorsynth.protocol.synthetic import SYNTHETIC, Synthetic, first_cohort, shared_label
from heorsynth.provenance.croissant import CROISSANT, croissant
from heorsynth.provenance.fingerprint import fingerprint
from heorsynth.provenance.governance import Sheet, blanks, lines_to_paste, require_valid
from heorsynth.provenance.in_toto import STATEMENT, statement
from heorsynth.provenance.record import Occasion, Record
from heorsynth.provenance.ro_crate import CRATE, crate
from heorsynth.provenance.signature import ENVELOPE, opened, sealed
from heorsynth.provenance.texts import TextFacts
from heorsynth.published.trial.trial import PublishedTrial
from heorsynth.report.governance import governance_page
from heorsynth.report.label import label_page

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def record_of(
    name: str,
    protocol: Protocol,
    lock: Lock,
    origin: Origin,
    holdout: Mapping[str, Any] | None,
    synthetic: Synthetic,
    evidence: Evidence,
    told: TextFacts,
) -> Record:
    """The record of a finished run; `holdout` comes from `holdout_facts`."""
    document, label = protocol.document, shared_label(synthetic)
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
            "sha256": protocol.sha256,
            "lock_sha256": hashlib.sha256(lock_text.encode()).hexdigest(),
            **json.loads(lock_text),
        },
        generator={
            **document.generator.model_dump(mode="json"),
            "m": evidence.m,
            "settings": dict(label.settings),
            "rows": label.n_rows,
            "rests_on": label.rests_on,
            "calibrated": list(label.calibrated),
            "level": label.level,
            **({"noise_key": key_sentence(label.noise_key)} if label.noise_key else {}),
        },
        post_processing=_post_processing(synthetic[0].schema, label),
        margins=_margins(protocol, evidence),
        amendments=tuple(one.model_dump(mode="json") for one in document.amendments),
        holdout=holdout,
        governance=document.governance.model_dump(),
        columns=_columns(first_cohort(synthetic).frame),
        release=label.release,
        language_model=told.language_model,
        texts=told.texts,
    )


def holdout_facts(protocol: Protocol, origin: Origin, holdout: Cohort | None) -> dict[str, Any] | None:
    """Share, number of patients and keyed fingerprint of the hold-out; None without a hold-out.

    They identify the hold-out as a set, and disclose no patient.
    """
    if holdout is None:
        return None
    return {
        "share": protocol.document.holdout,
        "patients": holdout.n,
        "fitted": origin.cohort.n - holdout.n,
        "fingerprint": fingerprint(holdout, origin.key),
    }


def require_holdout(recorded: Mapping[str, Any] | None, present: Mapping[str, Any] | None) -> None:
    """Raise RunError if the hold-out differs from that of the run.

    The hold-out must contain only patients that the generator never used.
    """
    if recorded != present:
        fix = "do not fit a generator to these patients, and do not check with them"
        raise RunError("hold-out", Problem("", "differs from the hold-out of this run", fix))


def write_provenance(folder: Path, record: Record, occasion: Occasion, key: Ed25519PrivateKey | None) -> None:
    """Write Croissant file, crate, statement and signature, in this order; each covers the files before it."""
    files = {name: _hash_and_size(folder, name) for name in [*summed_files(folder), SUMS]}
    _write_json(folder / CROISSANT, croissant(record, occasion, files))
    files[CROISSANT] = _hash_and_size(folder, CROISSANT)
    _write_json(folder / CRATE, crate(record, occasion, {**files, STATEMENT: ("", 0), ENVELOPE: ("", 0)}))
    covered = {name: sha256_of(folder / name) for name in (SUMS, CROISSANT, CRATE)}
    _write_json(folder / STATEMENT, statement(record, occasion, covered))
    (folder / ENVELOPE).write_text(sealed((folder / STATEMENT).read_bytes(), key), encoding="utf-8")


def write_protocol(protocol: Protocol, lock: Lock, origin: Origin, source_folder: Path, folder: Path) -> None:
    """Write what was fixed beforehand: protocol, scripts, paper and lock; of a database, what was asked."""
    if origin.extract is not None:
        write_extract(origin.extract.sql, origin.extract.attrition, folder)
    (folder / "protocol.yaml").write_bytes(protocol.raw)
    copy_scripts(protocol.document.analyses, protocol.path.parent, folder)
    copy_paper(protocol, source_folder, folder)
    (folder / "protocol.lock").write_text(lock.to_json(), encoding="utf-8")


def require_governance(protocol: Protocol) -> None:
    """Raise ProtocolError if a governance question that only a person can answer is blank."""
    unanswered = blanks(protocol.document.governance.model_dump())
    if unanswered:
        problems = [Problem(f"governance.{one.key}", f"blank: {one.text}", "") for one in unanswered]
        fix = "write these lines into the protocol, with your answers:\n" + lines_to_paste(unanswered)
        problems[-1] = replace(problems[-1], fix=fix)
        raise ProtocolError(f"protocol {protocol.path.name!r}", problems)


def write_governance(governance: Sheet, record: Record, evidence: Evidence, folder: Path) -> None:
    """Write the governance sheet as JSON and as a page, and the label; RunError if the sheet breaks its schema."""
    require_valid(governance.to_dict())
    text = json.dumps(governance.to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / "governance.json").write_text(text, encoding="utf-8")
    (folder / "governance.html").write_text(governance_page(governance), encoding="utf-8")
    (folder / "label.html").write_text(label_page(record, evidence), encoding="utf-8")


def release_of(record: Record, folder: Path, owner: bytes | None) -> Release:
    """The entry for a run in a registry of releases."""
    files = {name: sha256_of(folder / name) for name in summed_files(folder) if name.startswith(f"{SYNTHETIC}/")}
    first = io.label_of(io.read_frame(folder / min(files)))
    assert first is not None
    key = opened((folder / ENVELOPE).read_bytes()).key_id
    mark = "" if owner is None else release_key(owner, record.release).decode()
    return Release(record.release, record.name, files, first.shared, record.purpose, record.verdict, key, mark)


def _hash_and_size(folder: Path, name: str) -> tuple[str, int]:
    return sha256_of(folder / name), (folder / name).stat().st_size


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def _source(origin: Origin, label: Label) -> dict[str, Any]:
    """The facts about the source: never a path, and a name only for bundled datasets and simulated trials."""
    source_label = origin.cohort.label
    of_paper = origin.cohort.lineage if isinstance(origin.cohort, PublishedTrial) else {}
    return {
        **of_paper,
        "kind": origin.kind,
        "name": origin.cohort.name if origin.public else "",
        "fingerprint": origin.fingerprint,
        "key": "public" if origin.public else "private",
        "patients": label.n_source,
        "synthetic": origin.cohort.synthetic,
        "label": None if source_label is None else source_label.to_dict(),
        "depth": label.depth,
    }


def _post_processing(schema: Schema, label: Label) -> tuple[str, ...]:
    """The steps applied to the rows after they were drawn, in order."""
    steps = [f"{name}: recomputed as bands of {band.source}" for name, band in schema.bands.items()]
    steps += [f"{name}: recomputed as the total of {', '.join(parts)}" for name, parts in schema.totals.items()]
    kept = label.settings.get("rules")
    steps += [f"kept in every row: {rule}" for rule in (kept if isinstance(kept, list) else ())]
    aims = label.settings.get("calibrate")
    steps += [f"values moved to meet {aim}" for aim in (aims if isinstance(aims, Mapping) else ())]
    steps += [f"rows drawn for {name} only" for name in ("where", "targets") if name in label.settings]
    steps.append(f"watermark written into the rows: {label.watermark}")
    return (*steps, "each row given its synthetic_id; none repaired or clipped after drawing")


def _margins(protocol: Protocol, evidence: Evidence) -> tuple[dict[str, Any], ...]:
    """The margin of each estimand judged; the narrowest if groups have margins of their own."""
    margins: dict[str, dict[str, Any]] = {}
    amended = {one.section for one in protocol.document.amendments}
    for one in evidence.findings:
        previous = margins.get(one.key)
        if previous is None or one.margin < previous["margin"]:
            origin = "protocol" if one.key in protocol.document.margins else "default of the purpose"
            margins[one.key] = {
                "estimand": one.key,
                "margin": None if one.margin != one.margin else one.margin,
                "scale": one.scale,
                "decisive": one.decisive or bool(previous and previous["decisive"]),
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
