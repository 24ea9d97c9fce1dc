"""Files in which synthetic rows were added to patients: mark the rows, and describe the mixture in the label."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import ID_COLUMN, Label, releases_in
from heorsynth.data.labels.levels import INTERNAL

PATIENT = "PATIENT"
"""Prefix of a patient's row id in an augmented file. Synthetic ids start with SYN."""

FLAG = "synthetic_row"
"""The column of an augmented file that is true for synthetic rows and false for patients."""

SETTING = "augmented"
"""The label setting that holds the numbers of patients and of synthetic rows in an augmented file."""

_UNKNOWN = "unknown"
"""The generator named in the label if the original label of the synthetic rows is lost."""

STATEMENT = (
    "Augmented data: {patients:,} real patients and {added:,} synthetic rows made from them. It contains patients, "
    "so do not share it as synthetic. It carries the information of {patients:,} patients."
)

_LOST = (
    "Augmented data: {patients:,} rows are not synthetic and may be patients; the label of {added:,} synthetic rows "
    "is lost. Do not share it as synthetic, and do not count its synthetic rows as patients."
)


def counts_of(label: Label | None) -> tuple[int, int] | None:
    """Return the numbers of patients and of synthetic rows if a label says that both are present, else None."""
    setting = None if label is None else label.settings.get(SETTING)
    if not isinstance(setting, dict):
        return None
    patients, added = setting.get("patients"), setting.get("rows_added")
    return (patients, added) if isinstance(patients, int) and isinstance(added, int) else None


def label_of_mixture(cohort: Cohort) -> Label:
    """Return the label of a cohort in which only the row ids show which rows are synthetic.

    `generator` is `_UNKNOWN`, and `release` is that of most synthetic rows. `n_source` is the number of patients in the
    cohort.
    """
    synthetic = cohort.synthetic_rows
    added = int(synthetic.sum())
    patients = cohort.n - added
    releases = releases_in([str(name) for name in synthetic.index[synthetic]])
    return Label(
        release=releases.most_common(1)[0][0],
        generator=_UNKNOWN,
        n_source=patients,
        rests_on=patients,
        n_rows=cohort.n,
        part=0,
        m=1,
        seed=0,
        version=version("heorsynth"),
        settings={SETTING: {"patients": patients, "rows_added": added}},
        statement=_LOST.format(patients=patients, added=added),
        level=INTERNAL,
    )


def flagged(cohort: Cohort) -> pd.DataFrame:
    """Return the rows of an augmented cohort to write, with numbered ids for patients and a flag for each row."""
    synthetic = cohort.synthetic_rows.to_numpy()
    frame = cohort.frame
    named = synthetic | frame.index.astype(str).str.startswith(f"{PATIENT}-")
    numbered = np.array([f"{PATIENT}-{number:06d}" for number in range(len(frame))], dtype=object)
    frame.index = pd.Index(np.where(named, frame.index.astype(object), numbered), name=ID_COLUMN)
    frame.insert(0, FLAG, synthetic)
    return frame
