"""The label every synthetic cohort carries: the bare facts of where its rows came from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from heorsynth.core.errors import LabelError, Problem
from heorsynth.core.reading import json_of, typed

KEY = "heorsynth"
"""The name the label goes by in Parquet metadata and in `DataFrame.attrs`."""

ID_COLUMN = "synthetic_id"
"""The name of the index of every synthetic frame, and of its first column in a file."""


SYNTHETIC_ID = re.compile(r"SYN-[0-9a-f]{8}-[0-9]{6,}")
"""What the name of a synthetic row looks like: no shorter, since a study may call its patients SYN-2023-001."""

RELEASE = re.compile(r"[0-9a-f]{4,64}")
"""What the name of a release looks like."""

PARTITION = "partition"
"""The setting that says which partition of a folder a file is."""

LEAST = {"agreement": 0, "n_source": 1, "rests_on": 1, "n_rows": 0, "part": 0, "m": 1, "seed": 0, "depth": 1}
"""The counts of a label, and the least that each can be."""

OWN = ("part", "n_rows", "watermark", "marked", "agreement")
"""What the label of one file of a release says of its own rows."""


@dataclass(frozen=True)
class Label:
    """What a synthetic cohort says of itself. It holds counts and settings, never a patient's value.

    Attributes
    ----------
    release : str          four or more hex digits naming the set of cohorts drawn together
    generator : str        name of the generator
    settings : Mapping     its options
    n_source : int         real patients the generator was fitted to: all the information there is
    rests_on : int         of these, how many an analysis of these rows rests on: fewer for a subgroup or a new mix
    n_rows : int           rows in this cohort
    part, m : int          this is cohort number `part` (from 0) of `m`
    seed : int             the seed `sample` was given
    depth : int            1 if the source was real, 2 if it was itself synthetic, and so on
    version : str          of heorsynth
    calibrated : tuple     estimands that were set equal to the source's, so no evidence for fidelity
    watermark : str        which keys the mark follows that was found in these rows, or why none is said to be there
    marked : tuple         columns that hold it; empty where none was found
    agreement : float      standard deviations by which the rows agreed with the public key when they were drawn, over
                           the root of their number: fewer rows, or other ones, can so be held against it
    """

    release: str
    generator: str
    n_source: int
    rests_on: int
    n_rows: int
    part: int
    m: int
    seed: int
    version: str
    settings: Mapping[str, object]
    depth: int = 1
    calibrated: tuple[str, ...] = ()
    watermark: str = ""
    statement: str = "Synthetic data: no row is a patient. Not evidence about any individual."
    marked: tuple[str, ...] = ()
    agreement: float = 0.0

    def for_rows(self, n_rows: int) -> Label:
        """The same label on another number of rows."""
        return replace(self, n_rows=n_rows)

    @property
    def shared(self) -> dict[str, object]:
        """What the labels of all cohorts of a release have in common, and of all partitions of a folder.

        Whether the mark is found is a matter of each file's rows, and is not of it.
        """
        settings = {name: value for name, value in self.settings.items() if name != PARTITION}
        told = replace(self, settings=settings).to_dict()
        return {name: value for name, value in told.items() if name not in OWN}

    def to_dict(self) -> dict[str, object]:
        return {"synthetic": True, **asdict(self), "calibrated": list(self.calibrated), "marked": list(self.marked)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, facts: Mapping[str, object]) -> Label:
        """The label these facts describe; LabelError if any is missing, of the wrong type, or impossible."""
        known = {item.name for item in fields(cls)}
        given = {name: value for name, value in facts.items() if name in known}
        try:
            label = typed(cls, given)
            impossible = [name for name, least in LEAST.items() if not getattr(label, name) >= least]
            if impossible or not RELEASE.fullmatch(label.release):
                raise ValueError("impossible")
        except ValueError:
            raise LabelError("label", Problem("", "not a heorsynth label", "read the file it came with")) from None
        return label

    @classmethod
    def of_file(cls, name: str, text: str | bytes) -> Label:
        """The label in a file's metadata; LabelError, which names the file, if it is none."""
        try:
            return cls.from_json(text)
        except LabelError as error:
            found = Problem("", f"its label is damaged: {error.problems[0].found}", "copy it again, or write it again")
            raise LabelError(f"file {name!r}", found) from None

    @classmethod
    def from_json(cls, text: str | bytes) -> Label:
        try:
            facts = json_of(text)
        except ValueError:
            raise LabelError("label", Problem("", "not valid JSON", "restore the original sidecar")) from None
        if not isinstance(facts, dict):
            raise LabelError("label", Problem("", "not a JSON object", "restore the original sidecar"))
        return cls.from_dict(facts)


def synthetic_ids(release: str, start: int, count: int) -> np.ndarray:
    """Row names (count,) such as SYN-1a2b3c4d-000017, unique over the m cohorts of a release."""
    numbers = pc.utf8_lpad(pa.array(np.arange(start, start + count)).cast(pa.string()), 6, "0")
    names = pc.binary_join_element_wise(f"SYN-{release}", numbers, "-")
    return np.asarray(names.to_pandas(deduplicate_objects=False), dtype=object)


def releases_in(ids: Sequence[str]) -> Counter[str]:
    """The releases that the names of synthetic rows carry, with how many carry each."""
    return Counter([name[4:12] for name in ids])


def has_synthetic_id(index: pd.Index) -> pd.Series:
    """True for each row that its name, or one level of its name, says is synthetic."""
    if isinstance(index, pd.MultiIndex):
        named = [has_synthetic_id(index.get_level_values(at)).to_numpy() for at in range(index.nlevels)]
        return pd.Series(np.any(named, axis=0), index=index)
    if not len(index) or pd.api.types.is_numeric_dtype(index):
        return pd.Series(False, index=index)
    try:
        text = pa.array(index, type=pa.string(), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        return pd.Series(index.astype(str).str.fullmatch(SYNTHETIC_ID.pattern), index=index, dtype=bool)
    named = pc.match_substring_regex(text, f"^{SYNTHETIC_ID.pattern}$").fill_null(False)
    return pd.Series(named.to_numpy(zero_copy_only=False), index=index)


def names_synthetic_rows(frame: pd.DataFrame) -> bool:
    """True where a column `ID_COLUMN` names synthetic rows: one of that name with other values in it is a column."""
    return bool(list(frame.columns).count(ID_COLUMN) == 1 and has_synthetic_id(pd.Index(frame[ID_COLUMN])).any())
