"""The main path: protocol, cohort, generator, checks, evidence, run folder. Read `run` from top to bottom."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import (
    CohortError,
    GeneratorError,
    OutputError,
    Problem,
    ProtocolError,
    RunError,
    UnknownNameError,
)
from heorsynth.core.random import stream
from heorsynth.core.reading import json_of
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.labels import releases
from heorsynth.data.labels.watermark import owner_key
from heorsynth.engine.engine import Engine, EngineSpec, open_engine
from heorsynth.engine.task import one_thread
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.validate import validate
from heorsynth.generators import registry
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.protocol import synthetic as drawn
from heorsynth.protocol.askable import require_askable
from heorsynth.protocol.file.error_lines import placed
from heorsynth.protocol.file.source import read_origin
from heorsynth.protocol.file.spec import Protocol, read_protocol
from heorsynth.protocol.lock import Lock, plugins_used, read_lock
from heorsynth.protocol.notebook import SOURCE_VARIABLE, execute, read_notebook, with_parameters
from heorsynth.protocol.provenance import holdout_facts, record_of, release_of, require_holdout, write_provenance
from heorsynth.protocol.run_folder import VERDICT, bounded, staged, write_sums
from heorsynth.protocol.synthetic import Drawn, Patients, Shown
from heorsynth.provenance.governance import Sheet, blanks, lines_to_paste, require_valid, sheet
from heorsynth.provenance.record import Clock, Occasion
from heorsynth.provenance.signature import ENVELOPE, UNSIGNED, opened, signing_key
from heorsynth.report.dossier import dossier
from heorsynth.report.governance import governance_page

TEMPLATE = Path(__file__).parent / "templates" / "notebook.ipynb"
"""The notebook of a protocol that names none."""


@dataclass(frozen=True)
class Run:
    """A run folder, read.

    Attributes
    ----------
    path : Path                    the folder
    protocol : Protocol            what was fixed beforehand
    evidence : Evidence            what was found
    fingerprint : str              keyed fingerprint of the source
    holdout : Mapping or None      who was kept aside: share, patients on either side, keyed fingerprint
    """

    path: Path
    protocol: Protocol
    evidence: Evidence
    fingerprint: str
    holdout: Mapping[str, Any] | None = None

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """The run in a folder; RunError if it is not a whole one."""
        folder = Path(path)
        try:
            facts = json_of(bounded(folder / VERDICT))
            evidence = Evidence.from_dict(facts)
            found = str(facts["source_fingerprint"])
            if facts["verdict"] != evidence.verdict:
                raise ValueError("a verdict that its findings do not bear out")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"run {folder.name!r}",
                Problem(VERDICT, "missing or not readable", "give the folder that `heorsynth run` wrote"),
            ) from error
        plan = read_protocol(folder / "protocol.yaml")
        _require_lock(folder, plan, facts.get("protocol_sha256"))
        return cls(folder, plan, evidence, found, facts.get("holdout"))

    @property
    def verdict(self) -> str:
        return self.evidence.verdict

    @cached_property
    def cohort(self) -> Patients:
        """The real cohort the generator was fitted to, read anew from its source; never who was kept aside.

        A `CohortFolder` where the source is a folder.

        Raises
        ------
        FileError     the source is a file that is not here: name its folder in HEORSYNTH_SOURCE
        RunError      what is there is not the source of this run
        """
        folder = os.environ.get(SOURCE_VARIABLE)
        origin = read_origin(self.protocol, Path(folder) if folder else None)
        if origin.fingerprint != self.fingerprint:
            raise RunError(
                f"run {self.path.name!r}",
                Problem(
                    "source",
                    "its fingerprint is not that of this run",
                    "find the file the run was made from, and the key it was fingerprinted with",
                ),
            )
        fitted, aside = _parts(origin.cohort, self.protocol)
        require_holdout(self.holdout, holdout_facts(self.protocol, origin, aside))
        return fitted

    @cached_property
    def synthetic(self) -> Drawn:
        """The m synthetic cohorts, as written; `CohortFolder`s where the source is a folder."""
        return drawn.read(self.path, self.cohort)

    @cached_property
    def shown(self) -> Shown:
        """The patients and the synthetic cohorts that tables and pictures take: of folders a random sample."""
        with open_engine() as engine:
            return drawn.shown(self.protocol, self.cohort, self.synthetic, engine)

    @property
    def signature(self) -> str:
        """Who signed this run, in a sentence; `verify` checks it."""
        by = opened(bounded(self.path / ENVELOPE)).key_id
        return f"Signed by key {by}." if by else UNSIGNED

    @property
    def report(self) -> Path:
        """The dossier: one self-contained page."""
        return self.path / "report.html"

    def card(self) -> Card:
        """What the run is and where it lies, in a few lines."""
        document = self.protocol.document
        return facts_card(
            f"Run of {self.protocol.document.title!r}",
            [
                ("title", document.title),
                ("purpose", document.purpose),
                ("verdict", self.verdict),
                ("generator", f"{document.generator.name}, m = {self.evidence.m}, seed {document.generator.seed}"),
                ("dossier", self.report.as_posix()),
            ],
            self.evidence.sentence,
        )

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        link = quote(self.report.as_posix(), safe="/:")
        opens = f"<a href='{link}' target='_blank' rel='noopener' style='color:inherit'>Open the dossier</a>"
        return f"{self.card().html()}<p>{opens}</p>"


def run(
    protocol: str | Path,
    out: str | Path = "runs",
    *,
    source: str | Path | None = None,
    template: str | Path | None = None,
    lock_text: str | None = None,
    sign_key: str | Path | None = None,
    registry: str | Path | None = None,
    watermark_key: str | Path | None = None,
    require_governance: bool = False,
    occasion: Occasion | None = None,
    engine: EngineSpec = "local",
    workers: int | None = None,
) -> Run:
    """Runs a protocol and writes its run folder under `out`, whole or not at all.

    Parameters
    ----------
    protocol : path               a protocol's YAML file
    out : path                    folder that run folders are written into; made if absent
    source : path, optional       folder where a relative source file starts, instead of the protocol's own
    template : path, optional     the notebook to execute, instead of the one the protocol names
    lock_text : str, optional     the lock of an earlier run of this protocol, instead of the file beside it
    sign_key : path, optional     Ed25519 key to sign with, instead of the one HEORSYNTH_SIGN_KEY names
    registry : path, optional     file of released cohorts that these are added to
    watermark_key : path, optional  file with an owner's key, which half of the mark in the rows follows
    require_governance : bool     refuses a protocol that leaves blank what only a person can answer
    occasion : Occasion, optional of an earlier run, to write as this one's: nothing is then signed
    engine : str or Engine        where cohorts are drawn and checked, see `open_engine`; the bytes are the same on each
    workers : int, optional       of the engines "processes" and "dask"

    Returns
    -------
    Run                 the same protocol, data, seed and lock file give the same bytes in all that SHA256SUMS names

    Raises
    ------
    ProtocolError, SeedError, MarginError, CohortError, FileError, GeneratorError, OutputError,
    SignatureError, EngineError
    """
    clock, key = Clock(), None if occasion else signing_key(sign_key)
    owner = None if watermark_key is None else owner_key(watermark_key)
    if registry is not None:
        releases.require_writable(registry)
    plan = read_protocol(protocol)
    if require_governance:
        _require_governance(plan)
    lock = read_lock(plan, out) if lock_text is None else Lock.from_json(lock_text, plan.sha256)
    notebook = with_parameters(read_notebook(_notebook_of(plan) if template is None else Path(template)), {"RUN": "."})
    place = plan.path.parent if source is None else Path(source)
    with ExitStack() as stack:
        opened = stack.enter_context(open_engine(engine, workers))
        origin = read_origin(plan, place, opened)
        found = origin.fingerprint
        cohort, holdout = _parts(origin.cohort, plan)
        require_askable(plan, cohort, opened)
        name = run_name(plan.slug, plan.sha256, found)
        folder = stack.enter_context(staged(Path(out), name))
        with clock.step("fit"):
            sampler = _fitted(plan, cohort, opened)
        with clock.step("sample"):
            synthetic = drawn.draw(plan, sampler, cohort, owner, folder, opened)
        with clock.step("validate"):
            shown = drawn.shown(plan, cohort, synthetic, opened)
            evidence = _judge(plan, cohort, synthetic, holdout, [lock.note, shown.note], opened)
        (folder / "protocol.yaml").write_bytes(plan.raw)
        (folder / "protocol.lock").write_text(lock.to_json(), encoding="utf-8")
        (folder / "evidence.csv").write_bytes(evidence.to_csv().encode())
        _write_verdict(plan, evidence, found, holdout_facts(plan, origin, holdout), folder / VERDICT)
        record = record_of(name, plan, lock, origin, holdout, synthetic, evidence)
        governance = sheet(record, evidence, plan.document.model_dump(mode="json"))
        page = dossier(
            plan.document.model_dump(mode="json"),
            shown.patients,
            shown.copies,
            evidence,
            run_name=name,
            protocol_sha256=plan.sha256,
            lock_note=lock.note,
            sheet=governance,
            card=cohort.card(),
            first_file=drawn.first_file(synthetic),
        )
        _write_governance(governance, folder)
        (folder / "report.html").write_text(page, encoding="utf-8")
        with clock.step("notebook"):
            (folder / "notebook.ipynb").write_text(execute(notebook, folder, place), encoding="utf-8")
        write_sums(folder)
        write_provenance(folder, record, occasion or clock.occasion(plugins_used(plan.document)), key)
        released = release_of(record, folder, owner)
    if registry is not None:
        releases.add(registry, released)
    return replace(Run.open(Path(out) / name), protocol=plan)


def run_name(slug: str, protocol_sha256: str, fingerprint: str) -> str:
    """The name of a run's folder: that of its protocol, and what tells it from runs of other protocols or sources."""
    return f"{slug}-{hashlib.sha256(f'{protocol_sha256}{fingerprint}'.encode()).hexdigest()[:8]}"


def _require_lock(folder: Path, plan: Protocol, judged: object) -> None:
    """Nothing, if verdict and lock are of the protocol that stands beside them; RunError otherwise."""
    try:
        Lock.from_json(bounded(folder / "protocol.lock").decode(), plan.sha256)
    except (OSError, UnicodeDecodeError) as error:
        found = Problem("protocol.lock", "missing or not readable", "give the folder that `heorsynth run` wrote")
        raise RunError(f"run {folder.name!r}", found) from error
    if judged != plan.sha256:
        found = Problem(VERDICT, "of another protocol than the one beside it", "do not use it")
        raise RunError(f"run {folder.name!r}", found)


def _parts(patients: Patients, plan: Protocol) -> tuple[Patients, Cohort | None]:
    """The patients the generator is fitted to, and the hold-out protocol keeps aside, if any: nobody of a folder."""
    share = plan.document.holdout
    if share is None or isinstance(patients, CohortFolder):
        return patients, None
    return patients.split(share, stream(plan.document.generator.seed, "holdout"))


def _fitted(plan: Protocol, cohort: Patients, engine: Engine) -> Sampler:
    """The generator of the protocol, fitted; the engine is where a folder's sample is taken."""
    wanted = plan.document.generator
    allowed = plan.document.cohort.allow_synthetic_source
    where = {"engine": engine} if isinstance(cohort, CohortFolder) and wanted.name == "heor" else {}
    try:
        with one_thread():
            # Of a folder only heor learns; every other recipe refuses it.
            recipe: Any = registry.create(wanted.name, **wanted.options)
            fitted: Sampler = recipe.fit(cohort, wanted.seed, allow_synthetic_source=allowed, **where)
            return fitted
    except CohortError as error:
        raise placed(error, plan) from error
    except (GeneratorError, UnknownNameError) as error:
        raise placed(error, plan, "generator") from error


def _judge(
    plan: Protocol,
    cohort: Patients,
    synthetic: Drawn,
    holdout: Cohort | None,
    notes: Sequence[str],
    engine: Engine,
) -> Evidence:
    """The evidence for the protocol's purpose, with the notes its reader needs, in digits that are written.

    Whatever follows (verdict, files, page) is computed from these digits, so that no two of them can disagree.
    """
    document = plan.document
    economics = None if document.economics is None else document.economics.model_dump()
    evidence = validate(
        cohort,
        synthetic,
        document.purpose,
        document.margins,
        holdout,
        economics,
        document.generator.seed,
        allow_synthetic_source=document.cohort.allow_synthetic_source,
        most_rows=document.most_rows,
        engine=engine,
    )
    return replace(evidence, notes=(*filter(None, notes), *evidence.notes)).stable


def _require_governance(plan: Protocol) -> None:
    """Nothing, if a person has answered all that only a person can; ProtocolError otherwise."""
    still_open = blanks(plan.document.governance.model_dump())
    if still_open:
        found = [Problem(f"governance.{one.key}", f"blank: {one.text}", "") for one in still_open]
        found[-1] = replace(found[-1], fix="write into the protocol, filled in:\n" + lines_to_paste(still_open))
        raise ProtocolError(f"protocol {plan.path.name!r}", found)


def _write_governance(governance: Sheet, folder: Path) -> None:
    require_valid(governance.to_dict())
    text = json.dumps(governance.to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / "governance.json").write_text(text, encoding="utf-8")
    (folder / "governance.html").write_text(governance_page(governance), encoding="utf-8")


def _write_verdict(
    plan: Protocol, evidence: Evidence, found: str, holdout: Mapping[str, Any] | None, path: Path
) -> None:
    facts = evidence.to_dict() | {
        "seed": plan.document.generator.seed,
        "heorsynth": version("heorsynth"),
        "protocol_sha256": plan.sha256,
        "source_fingerprint": found,
        "holdout": holdout,
        "title": plan.document.title,
    }
    path.write_text(json.dumps(facts, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def _notebook_of(plan: Protocol) -> Path:
    if plan.document.notebook is None:
        return TEMPLATE
    path = plan.path.parent / plan.document.notebook
    if not path.is_file():
        raise OutputError(
            f"protocol {plan.path.name!r}",
            Problem(
                plan.where("notebook"), "no such notebook", "give its path from the protocol's folder, or leave it out"
            ),
        )
    return path
