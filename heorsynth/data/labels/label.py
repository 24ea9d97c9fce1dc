"""The label of every synthetic cohort: where its rows came from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from heorsynth.core.errors import LabelError, Problem
from heorsynth.core.reading import json_of, typed
from heorsynth.data.labels.levels import LEVELS, level_sentence
from heorsynth.data.labels.spending import privacy_sentence

KEY = "heorsynth"
"""The key of the label in Parquet metadata and in `DataFrame.attrs`."""

ID_COLUMN = "synthetic_id"
"""The name of the index of every synthetic frame, and of the first column of its file."""


_SYNTHETIC_ID = re.compile(r"SYN-[0-9a-f]{8}-[0-9]{6,}")
"""The format of a synthetic row's id. It is long, because a study may use patient ids such as SYN-2023-001."""

_RELEASE = re.compile(r"[0-9a-f]{4,64}")
"""The format of a release's name."""

PARTITION = "partition"
"""The setting that numbers the partitions of a folder."""

LEAST = {"agreement": 0, "n_source": 1, "rests_on": 1, "n_rows": 0, "part": 0, "m": 1, "seed": 0, "depth": 1}
"""The numbers in a label, each with its smallest possible value."""

_OWN = ("part", "n_rows", "watermark", "marked", "agreement")
"""The fields that describe the rows of one file. They differ between the files of a release."""

_LATER = ("kept", "level", "noise_key")
"""The fields that were added later. A label without them is written as before."""


@dataclass(frozen=True)
class Label:
    """The label of a synthetic cohort. It holds counts and settings, never a patient's value.

    Attributes
    ----------
    release : str          four or more hex digits that identify the cohorts drawn together
    generator : str        name of the generator
    settings : Mapping     its options
    n_source : int         patients the generator was fitted to: the cohort carries their information and no more
    rests_on : int         patients that an analysis of these rows rests on; fewer than `n_source` for a subgroup
    n_rows : int           rows in this cohort
    part, m : int          this is cohort number `part` (from 0) of `m`
    seed : int             the seed given to `sample`
    depth : int            1 if the source was real, 2 if it was itself synthetic, and so on
    version : str          version of heorsynth
    calibrated : tuple     facts (`labels.facts`) or estimands set equal to the source: no evidence of fidelity
    watermark : str        the keys of the watermark detected in these rows, or why none is claimed
    marked : tuple         columns with the watermark; empty if it was not detected
    agreement : float      agreement of the rows with the public key at the time of drawing, in standard deviations
                           divided by the square root of the number of rows
    kept : tuple           covariates whose means by arm and covariances with the outcomes were set equal to the
                           source's; estimates adjusted for them are no evidence of fidelity
    level : str            release level (`labels.levels`): who may receive the rows; "" in labels of older versions
    noise_key : str        id of the secret key that the noise of a release follows, "public" if the source is public,
                           "" without noise
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
    kept: tuple[str, ...] = ()
    level: str = ""
    noise_key: str = ""

    @property
    def audience(self) -> str:
        """Who may receive the rows, and what their noise promises, in sentences."""
        return f"{level_sentence(self.level, self.noise_key)} {privacy_sentence(self.settings)}".rstrip()

    def for_rows(self, n_rows: int) -> Label:
        """Return the label for another number of rows."""
        label = copy(self)  # a tenth of the time of `replace`: every group of every cohort has a label
        object.__setattr__(label, "n_rows", n_rows)
        return label

    @property
    def shared(self) -> dict[str, object]:
        """The fields shared by all cohorts of a release and by all partitions of a folder.

        The watermark fields are not included, because each file's rows decide whether a watermark is detected.
        """
        settings = {name: value for name, value in self.settings.items() if name != PARTITION}
        facts = replace(self, settings=settings).to_dict()
        return {name: value for name, value in facts.items() if name not in _OWN}

    def to_dict(self) -> dict[str, object]:
        """Return the label as JSON-ready data; without what is empty in `_LATER`, as older versions wrote it."""
        facts = {"synthetic": True, **asdict(self), "calibrated": list(self.calibrated), "marked": list(self.marked)}
        facts["kept"] = list(self.kept)
        return {name: value for name, value in facts.items() if value or name not in _LATER}

    def to_json(self) -> str:
        """Return the label as JSON text."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, facts: Mapping[str, object]) -> Label:
        """Return the label with these facts. Raise LabelError if one is missing, of the wrong type, or impossible."""
        known = {item.name for item in fields(cls)}
        given = {name: value for name, value in facts.items() if name in known}
        try:
            label = typed(cls, given)
            impossible = [name for name, least in LEAST.items() if not getattr(label, name) >= least]
            if impossible or not _RELEASE.fullmatch(label.release) or label.level not in ("", *LEVELS):
                raise ValueError("impossible")
        except ValueError:
            raise LabelError("label", Problem("", "not a heorsynth label", "read the file it came with")) from None
        return label

    @classmethod
    def of_file(cls, name: str, text: str | bytes) -> Label:
        """Return the label in a file's metadata. Raise LabelError, with the file's name, if it is not valid."""
        try:
            return cls.from_json(text)
        except LabelError as error:
            found = Problem("", f"its label is damaged: {error.problems[0].found}", "copy it again, or write it again")
            raise LabelError(f"file {name!r}", found) from None

    @classmethod
    def from_json(cls, text: str | bytes) -> Label:
        """Return the label in a JSON text. Raise LabelError if it is not valid."""
        try:
            facts = json_of(text)
        except ValueError:
            raise LabelError("label", Problem("", "not valid JSON", "restore the original sidecar")) from None
        if not isinstance(facts, dict):
            raise LabelError("label", Problem("", "not a JSON object", "restore the original sidecar"))
        return cls.from_dict(facts)


def synthetic_ids(release: str, start: int, count: int) -> np.ndarray:
    """Return row ids (count,) such as SYN-1a2b3c4d-000017. They are unique over the m cohorts of a release."""
    return np.asarray(arrow_ids(release, start, count).to_pandas(deduplicate_objects=False), dtype=object)


def arrow_ids(release: str, start: int, count: int) -> pa.Array:
    """Return the same ids as an Arrow array."""
    numbers = pc.utf8_lpad(pa.array(np.arange(start, start + count)).cast(pa.string()), 6, "0")
    return pc.binary_join_element_wise(f"SYN-{release}", numbers, "-")


def releases_in(ids: Sequence[str]) -> Counter[str]:
    """Return the releases named in these row ids, each with its number of rows."""
    return Counter([name[4:12] for name in ids])


def has_synthetic_id(index: pd.Index) -> pd.Series:
    """Return True for each row with a synthetic id in its index, or in one level of its index."""
    if isinstance(index, pd.MultiIndex):
        named = [has_synthetic_id(index.get_level_values(at)).to_numpy() for at in range(index.nlevels)]
        return pd.Series(np.any(named, axis=0), index=index)
    if not len(index) or pd.api.types.is_numeric_dtype(index):
        return pd.Series(False, index=index)
    try:
        text = pa.array(index, type=pa.string(), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        return pd.Series(index.astype(str).str.fullmatch(_SYNTHETIC_ID.pattern), index=index, dtype=bool)
    named = pc.match_substring_regex(text, f"^{_SYNTHETIC_ID.pattern}$").fill_null(False)
    return pd.Series(named.to_numpy(zero_copy_only=False), index=index)


def names_synthetic_rows(frame: pd.DataFrame) -> bool:
    """Return True if a column `ID_COLUMN` holds synthetic ids. A column of that name with other values does not."""
    return bool(list(frame.columns).count(ID_COLUMN) == 1 and has_synthetic_id(pd.Index(frame[ID_COLUMN])).any())


def patients_behind(n: int, labels: Iterable[Label | None]) -> int:
    """Return how many of n patients the labelled cohorts rest on: the fewest in any label, n without labels."""
    return min([n, *(label.rests_on for label in labels if label is not None)])
