"""`Narratives`: texts of synthetic patients. Each text carries its label, in memory, on paper and in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import pandas as pd

from heorsynth.core.display import Card, counted, facts_card, printable
from heorsynth.core.errors import LabelError, OutputError, Problem, TextError
from heorsynth.core.reading import json_of
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label

_MOST_FILE_BYTES = 1_000_000_000
"""Largest file of narratives that is read."""


@dataclass(frozen=True)
class _Narrative:
    """One text of one synthetic patient.

    Attributes
    ----------
    id : str         synthetic id of the row that it tells
    text : str       the text alone
    label : Label    of the cohort of that row
    """

    id: str
    text: str
    label: Label

    def __str__(self) -> str:
        return f"{self.text}\n[Synthetic: {self.id} is no patient. {self.label.statement}]"


@dataclass(frozen=True)
class Narratives(Sequence[_Narrative]):
    """The texts of a synthetic cohort.

    Attributes
    ----------
    ids, texts : tuple of str     synthetic id and text, of equal length; an id may have several texts
    label : Label                 of the cohort
    kind : str                    "vignette", "summary" or "questionnaire"
    maker : str                   "template", or provider and name of the model
    seed : int
    language : str
    refused : Mapping             synthetic id to the reason why a model gave no text for it
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    label: Label
    kind: str = "vignette"
    maker: str = "template"
    seed: int = 1
    language: str = "en"
    refused: Mapping[str, str] = field(default_factory=dict)

    @overload
    def __getitem__(self, index: int) -> _Narrative: ...
    @overload
    def __getitem__(self, index: slice) -> list[_Narrative]: ...
    def __getitem__(self, index: int | slice) -> _Narrative | list[_Narrative]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return _Narrative(self.ids[index], self.texts[index], self.label)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[_Narrative]:
        return (self[at] for at in range(len(self)))

    @property
    def sentence(self) -> str:
        """How many texts of which kind were written, by whom, and how many were refused, as a sentence."""
        refused = f"; {len(self.refused):,} refused" if self.refused else ""
        return f"{counted(len(self), 'text')} of kind {self.kind} by {self.maker}{refused}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a text, with the synthetic id as index and the label in `attrs`."""
        frame = pd.DataFrame({"text": list(self.texts)}, index=pd.Index(self.ids, name=ID_COLUMN))
        frame.attrs = {KEY: self.label.to_dict()}
        return frame

    def write(self, path: str | Path) -> Path:
        """Write JSON lines: the label first, then one text a line with its id and the statement that it is synthetic.

        Raises
        ------
        OutputError      the file cannot be written
        """
        head = {"label": self.label.to_dict(), "kind": self.kind, "maker": self.maker, "seed": self.seed,
                "language": self.language, "refused": dict(self.refused)}  # fmt: skip
        lines = [{"heorsynth_narratives": 1, **head}]
        lines += [{"id": one.id, "text": one.text, "synthetic": self.label.statement} for one in self]
        content = "".join(json.dumps(line, sort_keys=True, ensure_ascii=False) + "\n" for line in lines)
        try:
            Path(path).write_text(content, encoding="utf-8")
        except OSError as error:
            problem = Problem("", f"cannot be written ({error.strerror})", "check the folder and the disk")
            raise OutputError(f"narratives {Path(path).name!r}", problem) from None
        return Path(path)

    def _card(self) -> Card:
        facts = [
            ("texts", f"{len(self):,} of kind {self.kind}, language {self.language}"),
            ("made by", f"{self.maker}, seed {self.seed}"),
            ("release", self.label.release),
        ]
        facts += [("refused", f"{len(self.refused):,} by the model")] if self.refused else []
        facts += [("first", printable(self.texts[0][:300]))] if self.texts else []
        return facts_card("Narratives of synthetic patients", facts, self.label.statement)

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()


def read_narratives(path: str | Path) -> Narratives:
    """Return narratives that `Narratives.write` wrote.

    Raises
    ------
    TextError, LabelError     the file cannot be read, is larger than `_MOST_FILE_BYTES`, or its label is missing
    """
    file, subject = Path(path), f"narratives {Path(path).name!r}"
    try:
        if file.stat().st_size > _MOST_FILE_BYTES:
            raise TextError(subject, Problem("", f"more than {_MOST_FILE_BYTES:,} bytes", "split the file"))
        head, *lines = [json_of(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
        ids, texts = [str(line["id"]) for line in lines], [str(line["text"]) for line in lines]
        facts: dict[str, Any] = {name: head[name] for name in ("kind", "maker", "seed", "language", "refused")}
        label = head["label"]
    except OSError as error:
        raise TextError(subject, Problem("", f"cannot be read ({error.strerror})", "check the path")) from None
    except (ValueError, KeyError, TypeError):
        raise TextError(subject, Problem("", "is no file of narratives", "give what `write` wrote")) from None
    if not isinstance(label, dict):
        raise LabelError(subject, Problem("label", "is missing", "do not use texts whose origin is not known"))
    return Narratives(tuple(ids), tuple(texts), Label.from_dict(label), **facts)
