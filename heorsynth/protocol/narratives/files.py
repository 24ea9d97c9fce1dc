"""The folder `texts` of a run: the texts, what the checks found, what to report, and the records of the calls."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd

from heorsynth.language.models.model import Model
from heorsynth.language.models.records import Records
from heorsynth.language.narratives.narratives import Narratives, read_narratives
from heorsynth.protocol.file.spec import Document
from heorsynth.protocol.narratives.tell import Told
from heorsynth.provenance.texts import TextFacts, reporting_items, text_facts

_TEXTS = "texts"
"""Folder of a run that holds its texts."""

_NAMES = ("template", "model")
"""Names of the files of texts, in the order of `Told.texts`."""

_RECORDS = "records"


def write_texts(told: Told, folder: Path) -> TextFacts:
    """Write the texts of a run with all that belongs to them, and return the facts for its record.

    Nothing is written where nothing was told. `findings.csv` has each finding with the error rates of its check;
    `faults.csv` each fault; `reporting.csv` the items of reporting guidelines; `records` the calls of the model.
    """
    if not told.texts:
        return TextFacts()
    place = folder / _TEXTS
    place.mkdir()
    model = _with_records(told, place)
    for name, texts in zip(_NAMES, told.texts, strict=False):
        texts.write(place / f"{name}.jsonl")
    pairs = told.pairs
    _write(pd.concat([report.to_frame().assign(maker=texts.maker) for texts, report in pairs]), place / "findings.csv")
    _write(pd.concat([report.faulty().assign(maker=texts.maker) for texts, report in pairs]), place / "faults.csv")
    texts, report = pairs[-1]
    _write(reporting_items(texts, report=report, model=model), place / "reporting.csv")
    return text_facts(pairs, model)


def _with_records(told: Told, place: Path) -> Model | None:
    """Copy the records of the calls into a run, and return the model with these alone."""
    if told.model is None:
        return None
    target = place / _RECORDS
    target.mkdir()
    for key in told.used:
        shutil.copyfile(told.model.records.folder / f"{key}.json", target / f"{key}.json")
    return replace(told.model, records=Records(target))


def _write(frame: pd.DataFrame, path: Path) -> None:
    first = [name for name in ("maker",) if name in frame]
    ordered = frame[[*first, *(name for name in frame.columns if name not in first)]]
    path.write_bytes(ordered.to_csv(index=False, lineterminator="\n", float_format="%.9g").encode())


def read_texts(folder: Path) -> dict[str, Narratives]:
    """Return the texts of a run folder: "template", and "model" if a model told any; empty without texts.

    Raises
    ------
    TextError, LabelError      a file was altered so that it cannot be read
    """
    paths = {name: folder / _TEXTS / f"{name}.jsonl" for name in _NAMES}
    return {name: read_narratives(path) for name, path in paths.items() if path.is_file()}


def copy_records(document: Document, folder: Path, target: Path) -> None:
    """Copy the records of a run folder to where its protocol looks for them, so that it can be repeated."""
    section, held = document.narratives, folder / _TEXTS / _RECORDS
    if section is not None and section.model is not None and held.is_dir():
        shutil.copytree(held, target / section.model.records)
