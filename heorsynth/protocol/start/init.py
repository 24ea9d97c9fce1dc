"""Writes a first protocol and notebook for a file of patients."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.errors import DuplicateIdError, FileError, OutputError, Problem, as_yaml
from heorsynth.data.cohort.source_checks import ONE_ROW
from heorsynth.data.columns.identifiers import PERSONAL, has_unique_id, n_persons, words_of
from heorsynth.data.columns.reading_notes import notes_of
from heorsynth.data.files.csv_dialect import assumed
from heorsynth.data.files.io import read_frame
from heorsynth.data.folders.partitions import Partitions
from heorsynth.data.sources.adtte import NEEDED, from_adtte
from heorsynth.protocol.file.template import TEMPLATE, TEMPLATE_OF_PAPER
from heorsynth.protocol.start import vocabulary as words
from heorsynth.protocol.start.draft import Table, protocol_text
from heorsynth.protocol.start.guess_roles import Guess, guess_roles, names_in, shared_levels, text_numbers
from heorsynth.protocol.start.paper import draft_of_paper
from heorsynth.protocol.start.questions import questions

_PAPERS = (".yaml", ".yml")
"""Endings of a paper file."""


@dataclass(frozen=True)
class Start:
    """The files that `init` wrote, its guesses and questions, and its assumptions about the layout of the data."""

    protocol: Path
    notebook: Path
    guesses: tuple[Guess, ...]
    questions: tuple[str, ...]
    layout: str = ""

    def card(self) -> Card:
        """The guesses in a table, with the questions below it."""
        rows = tuple((guess.role, ", ".join(guess.columns), guess.reason) for guess in self.guesses)
        listed = "".join(f"\n  {number}. {text}" for number, text in enumerate(self.questions, start=1))
        note = f"{self.layout} Check each guess in {self.protocol.name} before you run it.".strip()
        return Card(
            f"Wrote {self.protocol.name} and {self.notebook.name}",
            ("role", "guessed", "because"),
            rows,
            note + (f" Questions that only you can answer:{listed}" if listed else ""),
        )

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def init(data: str | Path, out: str | Path = ".", sheet: str | None = None) -> Start:
    """Write `<name>.yaml` and `<name>.ipynb` for a file of patients, with guessed roles.

    The roles of a folder of Parquet files are guessed from its first file. A CDISC ADTTE table is recognised by its
    columns, and one parameter of it is used. Each guess is marked as a guess. A role that cannot be guessed is a
    commented-out line and a question. No value of a patient is shown, except levels of events and arms that at least
    five patients share, and levels in rules, which ten or more share. `sheet` names the sheet of an Excel workbook.
    For a paper file (YAML) the protocol judges its cohorts for an indirect comparison.

    Raises
    ------
    FileError            the data cannot be read
    PaperError           a paper file that is wrong, or has no curve
    DuplicateIdError     a column named like a patient's id has the same patient in several rows
    OutputError          the files exist already, or cannot be written
    """
    path, folder = Path(data), Path(out)
    if path.suffix.lower() in _PAPERS:
        draft = draft_of_paper(path, _relative_path(path, folder))
        return Start(*_written(folder, draft.name, draft.text, TEMPLATE_OF_PAPER), draft.guesses, draft.questions)
    table = _table(path, folder, sheet)
    written = _written(folder, _name_of(path), protocol_text(table), TEMPLATE)
    return Start(*written, table.guesses, tuple(questions(table)), table.layout)


def _written(folder: Path, name: str, text: str, template: Path) -> tuple[Path, Path]:
    """Write a protocol and its notebook, and return their paths; OutputError if they exist or cannot be written."""
    protocol, notebook = folder / f"{name}.yaml", folder / f"{name}.ipynb"
    for target in (protocol, notebook):
        if target.exists():
            raise OutputError(
                f"output {target.name!r}", Problem("", "exists already", "move it, or choose another --out")
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        protocol.write_text(text, encoding="utf-8")
        notebook.write_text(_notebook_text(protocol.name, template), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"output {folder.name!r}", Problem("", "cannot be written", "check the permissions")
        ) from error
    return protocol, notebook


def _table(path: Path, folder: Path, sheet: str | None) -> Table:
    """The file, or the first file of a folder, as a table of patients with guessed roles."""
    if path.is_dir():
        return _first_partition(path, _relative_path(path, folder))
    frame = read_frame(path, sheet=sheet).rename(columns=str)
    if len(frame) < 2:
        raise FileError(f"file {path.name!r}", Problem("", f"{len(frame)} rows", "give a row for each patient"))
    layout = " ".join(dict.fromkeys([assumed(path), *notes_of(frame)])).strip()
    place = _relative_path(path, folder)
    if set(NEEDED) <= set(frame.columns):
        return _adtte(frame, _name_of(path), place, layout)
    text = text_numbers(frame)
    _require_one_row_a_patient(path, text.frame)
    guesses = tuple(guess_roles(text.frame, unclear=text.unclear))
    of_sheet = "" if sheet is None else f", sheet: {as_yaml(sheet)}"
    return Table(_name_of(path), f"{{file: {place}{of_sheet}}}", text.frame, guesses, {}, layout, text=text)


def _name_of(path: Path) -> str:
    """Name of a file without its endings, used for the protocol: `patients` for patients.csv.gz."""
    return (
        path.stem.removesuffix(".csv").removesuffix(".tsv").removesuffix(".txt") if path.suffix == ".gz" else path.stem
    )


def _relative_path(path: Path, folder: Path) -> str:
    """Path of the data relative to the folder of the protocol, as YAML."""
    return as_yaml(os.path.relpath(path.resolve(), folder.resolve()))


def _first_partition(path: Path, place: str) -> Table:
    """The first partition of a folder as a table of patients with guessed roles."""
    partitions = Partitions.found(path)
    frame = partitions.read(0)
    _require_one_row_a_patient(Path(partitions.files[0]), frame)
    layout = f"Guessed from {partitions.files[0]}, the first of {len(partitions.files):,} files."
    return Table(path.name, f"{{folder: {place}}}", frame, tuple(guess_roles(frame)), {}, layout, m=2)


def _adtte(frame: pd.DataFrame, name: str, place: str, layout: str) -> Table:
    """An ADTTE table with its parameter OS, or with its first parameter if it has no OS."""
    parameters = sorted(set(frame["PARAMCD"].dropna().astype(str)))
    chosen = "OS" if "OS" in parameters else parameters[0]
    rows, roles = from_adtte(frame, chosen, chosen.lower())
    _require_one_row_a_patient(Path(name), rows, "USUBJID")
    taken = [str(one) for one in ("AVAL", "CNSR", roles["id"], roles["arm"]) if one is not None]
    clerical = [
        one for one in names_in(rows) if one not in taken and (one in words.ADAM_CLERICAL or _is_twin(one, rows))
    ]
    arm = [Guess("arm", (str(roles["arm"]),), "the treatment of an ADTTE table")] if roles["arm"] else []
    guesses = (
        Guess("endpoint", ("AVAL", "CNSR"), "an ADTTE table: CNSR 0 = event, above 0 = censored"),
        Guess("id", ("USUBJID",), "the subject of an ADTTE table"),
        *arm,
        *([Guess("drop", tuple(clerical), "administrative columns of an ADTTE table")] if clerical else []),
        *guess_roles(rows, [*taken, *clerical]),
    )
    others = tuple(one for one in shared_levels(frame["PARAMCD"]) if one != chosen)
    source = f"{{adtte: {{file: {place}, param: {as_yaml(chosen)}}}}}"
    return Table(name, source, rows, guesses, roles, layout, others)


def _is_twin(name: str, rows: pd.DataFrame) -> bool:
    """True for a column that repeats another one as a number, such as TRT01PN for TRT01P."""
    return name.endswith(words.ADAM_TWIN) and name.removesuffix(words.ADAM_TWIN) in rows.columns


def _require_one_row_a_patient(path: Path, frame: pd.DataFrame, id_column: str | None = None) -> None:
    """Raise DuplicateIdError if a column named like a patient's id has the same patient in several rows."""
    names = [id_column] if id_column else [name for name in names_in(frame) if n_persons(frame[name])]
    if not id_column and has_unique_id(frame):
        names = [name for name in names if set(words_of(name)) & PERSONAL]
    problems = [
        Problem(
            f"column {name!r}",
            f"{len(frame)} rows of {frame[name].nunique()} patients: visits, or parameters",
            ONE_ROW,
        )
        for name in names
        if frame[name].duplicated().any()
    ]
    if problems:
        raise DuplicateIdError(f"file {path.name!r}", problems)


def _notebook_text(protocol: str, template: Path) -> str:
    """A template notebook, with its parameter set to this protocol."""
    notebook = json.loads(template.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = [f"PROTOCOL = {protocol!r}\n" if line.startswith("PROTOCOL =") else line
                              for line in cell["source"]]  # fmt: skip
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
