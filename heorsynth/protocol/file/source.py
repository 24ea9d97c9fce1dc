"""Reads the patients that a protocol names in its `cohort:` section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.errors import CohortError, FileError, LabelError, Problem, ProtocolError, nearest
from heorsynth.core.random import stream
from heorsynth.data import datasets
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.holdable import unsupported_columns
from heorsynth.data.columns.kinds import read_columns
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.role_checks import names_not_text
from heorsynth.data.columns.schema import Schema, as_endpoints, as_marks, as_names
from heorsynth.data.files import io
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.inspect import sign_of
from heorsynth.data.labels.label import ID_COLUMN, KEY
from heorsynth.data.sources.adam import join_adam
from heorsynth.data.sources.adtte import from_adtte
from heorsynth.data.sources.omop import OmopRows, from_omop
from heorsynth.data.sources.omop_database import address_of
from heorsynth.data.visits.schedule import with_visits
from heorsynth.engine.engine import EngineSpec
from heorsynth.generators.sampling.source import require_source, unfit_columns
from heorsynth.protocol.file.error_lines import with_lines
from heorsynth.protocol.file.published import trial_of
from heorsynth.protocol.file.spec import Protocol
from heorsynth.provenance.fingerprint import PUBLIC_KEY, fingerprint, private_key
from heorsynth.published.trial.trial import PublishedTrial

PAPER = "published"
"""The kind of source that has no patients: a paper."""

FILE, FOLDER, DATABASE = "file", "folder", "database"
"""Kinds of source that belong to the user: their name is not published, and the key of their fingerprint is private."""

_NOT_ROLES = {"source", "drop", "allow_synthetic_source", "visit_table"}


@dataclass(frozen=True)
class Origin:
    """The source of a run.

    Attributes
    ----------
    cohort : Cohort or CohortFolder     the patients; of a paper the `PublishedTrial`
    kind : str                          "dataset", "simulated", `PAPER`, `FILE`, `FOLDER` or `DATABASE`
    key : bytes                         key of the fingerprint; never shown
    extract : OmopRows or None          of a database: its attrition and the queries that ran
    """

    cohort: Cohort | CohortFolder | PublishedTrial
    kind: str
    key: bytes = field(repr=False)
    extract: OmopRows | None = field(default=None, repr=False)

    @property
    def public(self) -> bool:
        """True if the rows were read from a bundled dataset, simulated or printed: there is nobody to protect."""
        return self.kind not in (FILE, FOLDER, DATABASE)

    @cached_property
    def fingerprint(self) -> str:
        """Keyed fingerprint of the rows, or of the files of a folder or a paper."""
        if isinstance(self.cohort, PublishedTrial):
            return self.cohort.fingerprint(self.key)
        return fingerprint(self.cohort, self.key)


def load_source(protocol: Protocol, folder: Path | None = None) -> tuple[Cohort | CohortFolder | PublishedTrial, str]:
    """The patients of a protocol, and their keyed fingerprint; see `read_origin`."""
    origin = read_origin(protocol, folder)
    return origin.cohort, origin.fingerprint


def read_origin(protocol: Protocol, folder: Path | None = None, engine: EngineSpec = "local") -> Origin:
    """The source that a protocol names.

    Parameters
    ----------
    folder : Path, optional     start of a relative `source.file` or `source.folder`; by default the protocol's folder
    engine : str or Engine      where the partitions of a folder are validated, see `open_engine`

    Raises
    ------
    ProtocolError               the source is not exactly one of those in `sources.KINDS`; the dataset
                                is unknown; the comparator is not an arm; a key is not supported for folders
    FileError                   the file cannot be read
    CohortError                 the rows and roles are not a valid cohort, or a column cannot be synthesised
    """
    section = protocol.document.cohort
    _require_one(protocol)
    declared = {name: value for name, value in section.model_dump(exclude_none=True).items() if name not in _NOT_ROLES}
    if section.source.published is not None:
        return Origin(trial_of(protocol, folder), PAPER, PUBLIC_KEY)
    if section.source.folder is not None:
        patients = _folder(protocol, folder, declared, engine)
        origin = Origin(patients, FOLDER, private_key())
        _require_real(protocol, patients)
        _require_comparator(protocol, patients)
        return origin
    extract: OmopRows | None = None
    roles: Mapping[str, object]
    if section.source.omop is not None:
        extract = _extract(protocol, section.source.omop, folder or protocol.path.parent)
        frame, key, name = extract.frame, private_key(), "database"
        roles = {**extract.roles, **with_visits(extract.visits, declared)}
    else:
        frame, roles, key, name = _read(protocol, folder)
    declared |= _visit_table(protocol, folder)
    frame, sign = _marked_if_synthetic(frame, section.source.file is not None)
    frame = frame.drop(columns=_dropped(protocol, list(map(str, frame.columns))))
    cohort = _cohort(
        protocol, frame, _with_comparator(protocol, frame, {"endpoints": {}, "name": name, **roles, **declared})
    )
    _require_real(protocol, cohort, sign)
    try:
        require_source(cohort, section.allow_synthetic_source)
    except CohortError as error:
        raise with_lines(error, protocol) from error
    _require_comparator(protocol, cohort)
    return Origin(cohort, _kind(protocol), key, extract)


def _kind(protocol: Protocol) -> str:
    """The kind of a source that is no folder."""
    source = protocol.document.cohort.source
    if source.omop is not None:
        return DATABASE
    return source.given[0] if source.public else FILE


def _extract(protocol: Protocol, section: Any, folder: Path) -> OmopRows:
    """The rows of a cohort in a database. An error names the line of the protocol."""
    try:
        address = address_of(section.url, section.path, section.url_variable, folder)
        definition = folder / section.cohort if isinstance(section.cohort, str) else section.cohort
        return from_omop(address, definition, schema=section.table_schema, timeout=section.timeout)
    except (FileError, ProtocolError) as error:
        raise with_lines(error, protocol, default=("source", "omop")) from None


def _folder(protocol: Protocol, folder: Path | None, declared: Mapping[str, Any], engine: EngineSpec) -> CohortFolder:
    """The folder of patients. ProtocolError if the protocol asks what folders do not support: a hold-out."""
    section = protocol.document.cohort
    if protocol.document.holdout is not None:
        fix = "leave it out; disclosure attacks need a cohort that fits into memory"
        problem = Problem(protocol.where("holdout"), "a folder has no hold-out", fix)
        raise ProtocolError(_subject(protocol), problem)
    place = (folder or protocol.path.parent) / str(section.source.folder)
    try:
        patients = CohortFolder(place, drop=section.drop, engine=engine, **{"endpoints": {}, **declared})
    except (FileError, CohortError, LabelError) as error:
        raise with_lines(error, protocol, default=("source",)) from error
    if not patients.synthetic and (sign := sign_of(patients.part(0).frame)):
        fix = "use the real patients; to study model collapse, use a folder with its label"
        problem = Problem(protocol.where("cohort", "source"), f"the source is itself synthetic: {sign}", fix)
        raise ProtocolError(_subject(protocol), problem)
    return patients


def _require_real(protocol: Protocol, cohort: Cohort | CohortFolder, sign: str = "") -> None:
    """Raise ProtocolError if the source is synthetic and the protocol does not allow this."""
    if cohort.synthetic and not protocol.document.cohort.allow_synthetic_source:
        raise ProtocolError(
            _subject(protocol),
            Problem(
                protocol.where("cohort", "source"),
                f"the source is itself synthetic{sign and f': {sign}'}",
                "use the real cohort; to study model collapse, write allow_synthetic_source: true",
            ),
        )


def _marked_if_synthetic(frame: pd.DataFrame, is_file: bool) -> tuple[pd.DataFrame, str]:
    """The rows, and the sign that they are synthetic; "" without a sign.

    Rows of a file without a label may have a watermark only. Their index is then called `synthetic_id`, to mark them as
    synthetic.
    """
    if not is_file or frame.index.name == ID_COLUMN or frame.attrs.get(KEY) or not (sign := sign_of(frame)):
        return frame, ""
    return frame.rename_axis(ID_COLUMN), sign


def _read(protocol: Protocol, folder: Path | None) -> tuple[pd.DataFrame, Mapping[str, object], bytes, str]:
    """The rows of the source, the roles it declares itself, the key of its fingerprint, and its name."""
    source = protocol.document.cohort.source
    if source.simulated is not None:
        size, seed = source.simulated.n, source.simulated.seed
        if source.simulated.visits:
            trial, _ = datasets.simulated_trial(size, seed, visits=datasets.VisitTruth())
        else:
            trial, _ = datasets.simulated_trial(size, seed)
        return trial.frame, trial.schema.roles, PUBLIC_KEY, "simulated trial"
    if source.dataset is not None:
        if source.dataset not in datasets.names():
            raise ProtocolError(
                _subject(protocol),
                Problem(
                    protocol.where("cohort", "source", "dataset"),
                    "unknown dataset",
                    nearest(source.dataset, datasets.names()),
                ),
            )
        return datasets.frame(source.dataset), datasets.roles(source.dataset), PUBLIC_KEY, source.dataset
    path = (folder or protocol.path.parent) / str(source.path)
    try:
        if source.adam is not None:
            joined = join_adam(path, **source.of_adam)
            declared = protocol.document.cohort.model_dump(exclude_none=True)
            return joined.frame, {**joined.roles, **with_visits(joined.visits, declared)}, private_key(), path.name
        frame = io.read_frame(path, sheet=source.sheet)
        roles: dict[str, object] = {}
        if source.adtte is not None:
            frame, roles = from_adtte(frame, source.adtte.param, source.adtte.param.lower())
    except FileError as error:
        raise with_lines(error, protocol, default=("source",)) from error
    return frame, roles, private_key(), path.stem


def _visit_table(protocol: Protocol, folder: Path | None) -> dict[str, object]:
    """The long table of visits that a protocol names beside its source, as a role of the cohort."""
    name = protocol.document.cohort.visit_table
    if name is None:
        return {}
    try:
        return {"visit_table": io.read_frame((folder or protocol.path.parent) / name)}
    except FileError as error:
        raise with_lines(error, protocol, default=("visit_table",)) from error


def _require_one(protocol: Protocol) -> None:
    """Raise ProtocolError unless the protocol names exactly one source."""
    source = protocol.document.cohort.source
    if source.stray is not None:
        fix = "sheet belongs to file; endpoints, visits, covariates and population belong to adam"
        problem = Problem(protocol.where("cohort", "source", source.stray), "belongs to another source", fix)
        raise ProtocolError(_subject(protocol), problem)
    if len(source.given) != 1:
        fix = (
            "write dataset: pbc, or simulated: {n: 1000, seed: 1}, or file: patients.csv, folder: claims, adam: folder,"
            " published: paper.yaml"
        )
        raise ProtocolError(_subject(protocol), Problem(protocol.where("cohort", "source"), "expected one source", fix))


def _with_comparator(protocol: Protocol, frame: pd.DataFrame, roles: dict[str, object]) -> dict[str, object]:
    """The roles; the comparator of the economics becomes the reference arm if no reference arm is declared.

    Figures, `evaluate` and hazard ratios then all use the same reference arm. A comparator that is not an arm is left
    to `_require_comparator`.
    """
    economics, arm = protocol.document.economics, roles.get("arm")
    if economics is None or roles.get("arm_reference") is not None or arm not in frame:
        return roles
    comparator = str(economics.comparator)
    return {**roles, "arm_reference": comparator} if comparator in set(as_text(frame[arm]).dropna()) else roles


def _require_comparator(protocol: Protocol, cohort: Cohort | CohortFolder) -> None:
    """Raise ProtocolError if no patient is in the arm that the economics name as comparator."""
    economics = protocol.document.economics
    if economics is None:
        return
    if cohort.schema.arm is None:
        found, fix = "the cohort has no arm to compare with", "give the arm's column as `arm`, under cohort"
    elif str(economics.comparator) in (levels := _arms(cohort)):
        return
    else:
        found, fix = f"not a level of the arm {cohort.schema.arm!r}", f"name one of: {', '.join(levels)}"
    raise ProtocolError(_subject(protocol), Problem(protocol.where("economics", "comparator"), found, fix))


def _arms(cohort: Cohort | CohortFolder) -> list[str]:
    if isinstance(cohort, Cohort):
        return list(cohort.arm_levels)
    position = cohort.schema.strata.index(str(cohort.schema.arm))
    return sorted({cell[position] for cell in cohort.cells} - {""})


def _cohort(protocol: Protocol, frame: pd.DataFrame, roles: Mapping[str, object]) -> Cohort:
    """The cohort of these rows and roles. An error lists all problems, also columns that cannot be synthesised."""
    try:
        return Cohort(frame, **roles)  # type: ignore[arg-type]
    except CohortError as error:
        problems = [*error.problems, *_unfit(frame, roles)]
        kind = type(error) if len(problems) == len(error.problems) else CohortError
        raise with_lines(kind(error.subject, problems), protocol) from error


def _unfit(frame: pd.DataFrame, roles: Mapping[str, object]) -> list[Problem]:
    """The columns that cannot be synthesised, in a frame that is not a valid cohort."""
    single: dict[str, object] = {
        name: roles[name] for name in ("id", "arm", "entry", "cluster", "kind") if roles.get(name)
    }
    listed = {name: as_names(roles.get(name)) for name in ("costs", "utilities", "subgroups")}
    schema = Schema(as_endpoints(roles["endpoints"]), **single, **listed)  # type: ignore[arg-type]
    if not frame.columns.is_unique or names_not_text(frame) or unsupported_columns(frame):
        return []
    read = read_columns(frame, schema, as_marks(roles.get("missing")))
    return [] if read.problems else [problem for _, problem in unfit_columns(read.frame, read.schema)]


def _subject(protocol: Protocol) -> str:
    return f"protocol {protocol.path.name!r}"


def _dropped(protocol: Protocol, columns: list[str]) -> list[str]:
    dropped = protocol.document.cohort.drop
    unknown = [name for name in dropped if name not in columns]
    if unknown:
        raise ProtocolError(
            _subject(protocol),
            [
                Problem(protocol.where("cohort", "drop"), f"no column {name!r}", nearest(name, columns))
                for name in unknown
            ],
        )
    return dropped


def split_of(
    patients: Cohort | CohortFolder | PublishedTrial, protocol: Protocol
) -> tuple[Cohort | CohortFolder | PublishedTrial, Cohort | None]:
    """The patients for the generator, and the hold-out of the protocol; None without one, and for folders."""
    share = protocol.document.holdout
    if share is None or not isinstance(patients, Cohort):
        return patients, None
    return patients.split(share, stream(protocol.document.generator.seed, "holdout"))
