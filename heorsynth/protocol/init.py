"""From a file of patients to a protocol and a notebook to start from."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.errors import OutputError, Problem
from heorsynth.data.io import read_frame
from heorsynth.protocol.guess import Guess, guess_currency, guess_roles, guess_unit
from heorsynth.protocol.run import TEMPLATE


@dataclass(frozen=True)
class Start:
    """What `init` wrote, and what it guessed."""

    protocol: Path
    notebook: Path
    guesses: tuple[Guess, ...]
    questions: tuple[str, ...]

    def card(self) -> Card:
        rows = tuple((guess.role, ", ".join(guess.columns), guess.reason) for guess in self.guesses)
        asks = " ".join(self.questions)
        return Card(
            f"Wrote {self.protocol.name} and {self.notebook.name}",
            ("role", "guessed", "because"),
            rows,
            f"Check each guess in {self.protocol.name} before you run it. {asks}".strip(),
        )

    def __repr__(self) -> str:
        return self.card().text()


def init(data: str | Path, out: str | Path = ".") -> Start:
    """Writes `<name>.yaml` and `<name>.ipynb` for a CSV, Parquet or SAS file, with guessed roles.

    Raises
    ------
    FileError        the data cannot be read
    OutputError      the files are there already, or cannot be written
    """
    path, folder = Path(data), Path(out)
    frame = read_frame(path)
    guesses = guess_roles(frame)
    protocol, notebook = folder / f"{path.stem}.yaml", folder / f"{path.stem}.ipynb"
    for target in (protocol, notebook):
        if target.exists():
            raise OutputError(
                f"output {target.name!r}", Problem("", "is there already", "move it, or choose another --out")
            )
    questions = _questions(frame, guesses)
    text = _protocol_text(path, folder, guesses, questions)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        protocol.write_text(text, encoding="utf-8")
        shutil.copyfile(TEMPLATE, notebook)
        filled = notebook.read_text(encoding="utf-8").replace("protocol.yaml", protocol.name)
        notebook.write_text(filled, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"output {folder.name!r}", Problem("", "cannot be written", "check its rights")) from error
    return Start(protocol, notebook, tuple(guesses), tuple(questions))


def _questions(frame: pd.DataFrame, guesses: list[Guess]) -> list[str]:
    """What no machine can know, in words that name columns and no values."""
    asked = []
    roles = {guess.role: guess.columns for guess in guesses}
    if "endpoint" not in roles:
        asked.append("No endpoint was recognised: name the follow-up and event columns under endpoints.")
    elif 0 not in set(pd.to_numeric(frame[roles["endpoint"][1]], errors="coerce").dropna()):
        asked.append(f"No 0 in {roles['endpoint'][1]}: declare which code is censored with event_map.")
    if "costs" in roles:
        asked.append("Give the currency and price year of the costs.")
    return asked


def _protocol_text(data: Path, folder: Path, guesses: list[Guess], questions: list[str]) -> str:
    roles = {guess.role: guess.columns for guess in guesses}
    relative = os.path.relpath(data.resolve(), folder.resolve())
    purpose = "economic-evaluation" if "costs" in roles or "endpoint" in roles else "teaching"
    lines = [
        "heorsynth: 1",
        f"title: {_quoted('Synthetic copy of ' + data.stem)}",
        f"purpose: {purpose}",
        f"notebook: {_quoted(data.stem + '.ipynb')}",
        "cohort:",
        f"  source: {{file: {_quoted(relative)}}}",
    ]
    if "endpoint" in roles:
        time, event = roles["endpoint"]
        lines.append(f"  endpoints: {{os: [{_quoted(time)}, {_quoted(event)}]}}   # guessed: 0 = censored, 1 = event")
    if "event_map" in " ".join(questions):
        lines.append("  # event_map: {1: 0, 2: 1}   # which raw code is censored (0) and which the event (1)?")
    lines.append(f"  unit: {guess_unit(roles.get('endpoint', ()))}   # of every time: day, week, month or year")
    for role in ("id", "arm"):
        if role in roles:
            lines.append(f"  {role}: {_quoted(roles[role][0])}   # guessed")
    for role in ("costs", "utilities", "subgroups"):
        if role in roles:
            lines.append(f"  {role}: [{', '.join(map(_quoted, roles[role]))}]   # guessed")
    if "costs" in roles:
        currency = guess_currency(roles["costs"])
        lines += [f"  currency: {currency}   # guessed" if currency else "  # currency: EUR", "  # price_year: 2024"]
    if {"arm", "costs", "utilities"} <= set(roles):
        lines.append(
            "# economics: {comparator: the arm compared with, wtp: [20000]}   # thresholds, in the currency per QALY"
        )
    lines += [
        "generator: {name: heor, n: same, m: 20, seed: 1}",
        "margins: {}   # the purpose has defaults; fix your own here before you look at any result",
        'governance:   # blanks are shown as "needs a person"',
        "  steward:",
        "  intended_use:",
        "  prohibited_use:",
        "  legal_basis:",
        "  retention:",
        "amendments: []",
        "",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """The text as a YAML scalar that means exactly it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
