"""Runs a protocol: cohort, generator, checks, evidence, run folder. Read `run` from top to bottom."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from heorsynth.checks.planning.plan import Plan
from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import Problem, RunError
from heorsynth.core.reading import json_of
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.labels import releases
from heorsynth.data.labels.watermark import owner_key
from heorsynth.engine.engine import EngineSpec, open_engine
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.publish import published
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.protocol import provenance
from heorsynth.protocol.custody import custody_of, require_bounded
from heorsynth.protocol.file.analyses import analyses_of
from heorsynth.protocol.file.release import level_of
from heorsynth.protocol.file.source import read_origin, split_of
from heorsynth.protocol.file.spec import Protocol, read_protocol
from heorsynth.protocol.file.template import notebook_of
from heorsynth.protocol.fitting import fitted, refitted
from heorsynth.protocol.judge import judge, plan_checks
from heorsynth.protocol.lock import Lock, plugins_used, read_lock
from heorsynth.protocol.narratives.files import read_texts, write_texts
from heorsynth.protocol.narratives.tell import narrator_of
from heorsynth.protocol.notebook import SOURCE_VARIABLE, NotebookKernel, read_notebook, started_kernel, with_parameters
from heorsynth.protocol.provenance import holdout_facts, record_of, release_of, require_holdout, write_provenance
from heorsynth.protocol.run_folder import VERDICT, bounded, staged, write_pages, write_sums, write_verdict
from heorsynth.protocol.settle import settled
from heorsynth.protocol.synthetic import (
    Displayed,
    Patients,
    Synthetic,
    columns_of,
    displayed,
    draw,
    first_cohort,
    first_file,
    read_synthetic,
    shared_label,
)
from heorsynth.provenance.governance import sheet
from heorsynth.provenance.record import Clock, Occasion
from heorsynth.provenance.signature import ENVELOPE, UNSIGNED, opened, signing_key


@dataclass(frozen=True)
class Run:
    """A run folder: its protocol, its evidence, its patients and its synthetic cohorts.

    Attributes
    ----------
    path : Path                    the folder
    protocol : Protocol            the protocol of the run
    evidence : Evidence            the findings and the verdict
    fingerprint : str              keyed fingerprint of the source
    holdout : Mapping or None      the hold-out: its share, the number of patients in and outside it, its keyed
                                   fingerprint
    ledger : str                   what the ledger said of this release, for the custodian; it is in no file of the run

    See Also
    --------
    run : makes a run folder.
    verify : checks the files of a run folder and repeats the run.
    validate : the same evidence for cohorts in memory.

    Examples
    --------
    ``run = hs.Run.open("runs/pbc-de5f6345")`` reads a run folder; ``run.verdict``, ``run.evidence``, ``run.cohort`` and
    ``run.synthetic`` are its content. Any other folder is an error:

    >>> import tempfile
    >>> from pathlib import Path
    >>> Run.open(Path(tempfile.gettempdir()) / "no-such-run")
    Traceback (most recent call last):
    heorsynth.core.errors.RunError: run 'no-such-run' has 1 problem
      1. verdict.json: missing or not readable
          fix: give the folder that `heorsynth run` wrote
    """

    path: Path
    protocol: Protocol
    evidence: Evidence
    fingerprint: str
    holdout: Mapping[str, Any] | None = None
    ledger: str = ""

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Read a run folder; RunError if a file is missing or contradicts another one."""
        folder = Path(path)
        try:
            facts = json_of(bounded(folder / VERDICT))
            evidence = Evidence.from_dict(facts)
            fingerprint = str(facts["source_fingerprint"])
            if facts["verdict"] != evidence.verdict:
                raise ValueError("the verdict does not follow from the findings")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"run {folder.name!r}",
                Problem(VERDICT, "missing or not readable", "give the folder that `heorsynth run` wrote"),
            ) from error
        protocol = read_protocol(folder / "protocol.yaml")
        _require_lock(folder, protocol, facts.get("protocol_sha256"))
        return cls(folder, protocol, evidence, fingerprint, facts.get("holdout"))

    @property
    def verdict(self) -> str:
        """The verdict: "fit", "not fit" or "inconclusive"."""
        return self.evidence.verdict

    @property
    def level(self) -> str:
        """The release level: who may receive the synthetic cohorts."""
        return level_of(self.protocol.document)

    @cached_property
    def cohort(self) -> Patients:
        """The real cohort that the generator was fitted to, without the hold-out; read from the source again.

        A `CohortFolder` if the source is a folder, a `PublishedTrial` if it is a paper.

        Raises
        ------
        FileError     the source file is missing: give its folder in the environment variable HEORSYNTH_SOURCE
        RunError      the file differs from the source of this run
        """
        folder = os.environ.get(SOURCE_VARIABLE)
        origin = read_origin(self.protocol, Path(folder) if folder else None)
        if origin.fingerprint != self.fingerprint:
            raise RunError(
                f"run {self.path.name!r}",
                Problem(
                    "source",
                    "its fingerprint is not that of this run",
                    "give the file that the run used, and the key of its fingerprint",
                ),
            )
        fitted, holdout = split_of(origin.cohort, self.protocol)
        require_holdout(self.holdout, holdout_facts(self.protocol, origin, holdout))
        return fitted

    @cached_property
    def synthetic(self) -> Synthetic:
        """The m synthetic cohorts of the run; `CohortFolder`s if the source is a folder."""
        return read_synthetic(self.path, self.cohort)

    @cached_property
    def texts(self) -> dict[str, Narratives]:
        """The texts of the run: "template", and "model" where a language model told some; empty without texts."""
        return read_texts(self.path)

    @cached_property
    def shown(self) -> Displayed:
        """The patients and the synthetic cohorts for tables and figures; a random sample if they are folders."""
        with open_engine() as engine:
            return displayed(self.protocol, self.cohort, self.synthetic, engine)

    @property
    def signature(self) -> str:
        """A sentence that names the key of the signature; `verify` checks the signature."""
        key = opened(bounded(self.path / ENVELOPE)).key_id
        return f"Signed by key {key}." if key else UNSIGNED

    @property
    def report(self) -> Path:
        """Path of the dossier, one self-contained HTML page."""
        return self.path / "report.html"

    def card(self) -> Card:
        """Title, purpose, verdict, generator and dossier of the run."""
        document = self.protocol.document
        return facts_card(
            f"Run of {self.protocol.document.title!r}",
            [
                ("title", document.title),
                ("purpose", document.purpose),
                ("verdict", self.verdict),
                *((f"{one.question}?", f"{one.shown}: {one.text}") for one in self.evidence.answered),
                ("generator", f"{document.generator.name}, m = {self.evidence.m}, seed {document.generator.seed}"),
                ("release level", self.level),
                ("dossier", self.report.as_posix()),
            ],
        )

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        link = quote(self.report.as_posix(), safe="/:")
        anchor = f"<a href='{link}' target='_blank' rel='noopener' style='color:inherit'>Open the dossier</a>"
        return f"{self.card().html()}<p>{anchor}</p>"


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
    release_key: str | Path | ReleaseKey | None = None,
    ledger: str | Path | None = None,
    live_model: bool = False,
    occasion: Occasion | None = None,
    engine: EngineSpec = "local",
    workers: int | None = None,
    kernel: NotebookKernel | None = None,
) -> Run:
    """Run a protocol and write its run folder under `out`; an error leaves no folder behind.

    Parameters
    ----------
    protocol : path               YAML file of the protocol
    out : path                    parent folder of the run folders; created if it does not exist
    source : path, optional       folder of the source file; by default the folder of the protocol
    template : path, optional     notebook to execute; by default the protocol's own
    lock_text : str, optional     text of the lock; by default that of the lock file beside the protocol
    sign_key : path, optional     Ed25519 key to sign with; by default the file in HEORSYNTH_SIGN_KEY
    registry : path, optional     registry of releases, to which the synthetic cohorts are added
    watermark_key : path, optional  file with the owner's key; half of the watermark depends on it
    require_governance : bool     True raises ProtocolError if required governance answers are blank
    release_key : path, optional  secret behind the noise of a shared or public release, see `core.secret.release_key`
    ledger : path, optional       ledger of releases, for the custodian alone: a release whose patients differ by a few
                                  from those of an earlier one is refused
    live_model : bool             True lets the language model of the protocol answer calls without a record
    occasion : Occasion, optional time and machine of an earlier run, written instead of this run's; disables signing
    engine : str or Engine        where cohorts are drawn and checked, see `open_engine`; results do not depend on it
    workers : int, optional       number of workers of the engines "processes" and "dask"
    kernel : NotebookKernel, optional  kernel that executes the notebook, where one is starting already

    Returns
    -------
    Run

    Raises
    ------
    ProtocolError, SeedError, MarginError, CohortError, FileError, GeneratorError, OutputError,
    SignatureError, EngineError, LedgerError, CallRecordError, ModelCallError

    See Also
    --------
    Run : the run folder that is returned.
    verify : checks the files of a run folder and repeats the run.
    validate : the evidence without a protocol and a run folder.

    Notes
    -----
    The same protocol, data, seed and lock give the same bytes in every file that SHA256SUMS lists.

    Examples
    --------
    ``hs.run("pbc.yaml")`` writes ``runs/pbc-…`` and returns it as a `Run`. All problems of a protocol are reported with
    their lines before anything is computed:

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     protocol = Path(folder) / "trial.yaml"
    ...     lines = ["heorsynth: 1", "title: A trial", "purpose: teaching", "cohort: {source: {dataset: pbc}}",
    ...              "generator: {name: heor, sed: 1}"]
    ...     _ = protocol.write_text("\\n".join(lines), encoding="utf-8")
    ...     run(protocol, out=folder)
    Traceback (most recent call last):
    heorsynth.core.errors.ProtocolError: protocol 'trial.yaml' has 2 problems
      1. line 5, generator.seed: is missing
          fix: write, for example, seed: 20261123
      2. line 5, generator.sed: unknown key
          fix: did you mean 'seed'?
    """
    clock, key = Clock(), None if occasion else signing_key(sign_key)
    owner = None if watermark_key is None else owner_key(watermark_key)
    if registry is not None:
        releases.require_writable(registry)
    spec = _required(protocol, require_governance)
    lock = read_lock(spec, out) if lock_text is None else Lock.from_json(lock_text, spec.sha256)
    notebook = with_parameters(read_notebook(notebook_of(spec) if template is None else Path(template)), {"RUN": "."})
    source_folder = spec.path.parent if source is None else Path(source)
    with ExitStack() as stack:
        opened_engine = stack.enter_context(open_engine(engine, workers))
        kernel = kernel or stack.enter_context(started_kernel())  # it imports while rows are drawn and checked
        origin = read_origin(spec, source_folder, opened_engine)
        cohort, holdout = split_of(origin.cohort, spec)
        custody = custody_of(spec, origin, release_key, ledger, again=occasion is not None)
        narrator = narrator_of(spec, cohort.schema, columns_of(cohort), live_model)
        plan = plan_checks(spec, cohort, opened_engine)
        name = run_name(spec.slug, spec.sha256, origin.fingerprint)
        folder = stack.enter_context(_staged(Path(out), name, kernel))
        with clock.step("fit"):
            sampler = fitted(spec, cohort, opened_engine, custody)
        entry = custody.entered(spec, name, cohort, sampler)
        with clock.step("sample"):
            synthetic = draw(spec, sampler, cohort, owner, folder, opened_engine)
            told = narrator.tell(first_cohort(synthetic))  # a missing record ends the run before the checks
        with clock.step("validate"):
            again = refitted(spec, cohort, custody, opened_engine)

            def drawn(m: int) -> Synthetic:
                return draw(spec, sampler, cohort, owner, folder, opened_engine, m)

            def shown(cohorts: Synthetic) -> Displayed:
                return displayed(spec, cohort, cohorts, opened_engine)

            def judged(asked: Plan, cohorts: Synthetic, rows: Displayed) -> Evidence:
                return judge(spec, asked, cohort, cohorts, rows, holdout, [lock.note, rows.note], opened_engine, again)

            most = spec.document.generator.most_cohorts
            synthetic, rows, exact = settled(synthetic, most, plan, drawn, shown, judged)
            evidence = published(exact)  # nothing below sees the exact numbers of the patients
        held_out = holdout_facts(spec, origin, holdout)
        provenance.write_protocol(spec, lock, origin, source_folder, folder)
        write_verdict(spec, evidence, origin.fingerprint, held_out, folder)
        texts = write_texts(told.labelled(shared_label(synthetic)), folder)
        record = record_of(name, spec, lock, origin, held_out, synthetic, evidence, texts)
        governance = sheet(record, evidence, spec.document.model_dump(mode="json"), texts.answers)
        provenance.write_governance(governance, record, evidence, folder)
        with clock.step("notebook"):
            kernel.begin(notebook, folder, source_folder)  # on a core of its own: the dossier is made meanwhile
            page = _dossier(
                spec.document.model_dump(mode="json"),
                rows.patients,
                rows.copies,
                evidence,
                run_name=name,
                protocol_sha256=spec.sha256,
                lock_note=lock.note,
                sheet=governance,
                card=cohort.card(),
                first_file=first_file(synthetic),
                analyses=analyses_of(spec.document.analyses, spec.path.parent),
                attrition=None if origin.extract is None else origin.extract.attrition,
                told=told.pairs,
            )
            write_pages({"report.html": page, "notebook.ipynb": kernel.finish()}, folder)
        write_sums(folder)
        write_provenance(folder, record, occasion or clock.occasion(plugins_used(spec.document)), key)
        release = release_of(record, folder, owner)
        ledgered = custody.recorded(entry, record.release)
    if registry is not None:
        releases.add(registry, release)
    return replace(Run.open(Path(out) / name), protocol=spec, ledger=ledgered)


def _required(path: str | Path, require_governance: bool) -> Protocol:
    """Read a protocol; raise ProtocolError for blank answers where they are required, or a level without a bound."""
    spec = read_protocol(path)
    if require_governance:
        provenance.require_governance(spec)
    require_bounded(spec)
    return spec


@contextmanager
def _staged(out: Path, name: str, kernel: NotebookKernel) -> Iterator[Path]:
    """Open a run folder. The kernel is ended before the folder is moved or removed, in which it may be at work."""
    with staged(out, name) as folder:
        try:
            yield folder
        finally:
            kernel.close()


def _dossier(*rows: Any, **facts: Any) -> str:
    """The dossier; its figures take long to import, and are needed only when the kernel is at work."""
    from heorsynth.report.dossier import dossier

    return dossier(*rows, **facts)


def run_name(slug: str, protocol_sha256: str, fingerprint: str) -> str:
    """Name of a run folder: the protocol's name and eight hex digits of a hash of protocol and source."""
    return f"{slug}-{hashlib.sha256(f'{protocol_sha256}{fingerprint}'.encode()).hexdigest()[:8]}"


def _require_lock(folder: Path, protocol: Protocol, sha256: object) -> None:
    """Raise RunError if the lock, or the verdict with this `sha256`, belongs to another protocol."""
    try:
        Lock.from_json(bounded(folder / "protocol.lock").decode(), protocol.sha256)
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem("protocol.lock", "missing or not readable", "give the folder that `heorsynth run` wrote")
        raise RunError(f"run {folder.name!r}", problem) from error
    if sha256 != protocol.sha256:
        problem = Problem(VERDICT, "belongs to another protocol than protocol.yaml", "do not use it")
        raise RunError(f"run {folder.name!r}", problem)
