"""A file of patients with synthetic rows beside them: which row is which, and what its label says."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import ID_COLUMN, Label, releases_in

PATIENT = "PATIENT"
"""What the row name of a patient begins with, where that of a synthetic row begins with SYN."""

FLAG = "synthetic_row"
"""The column of an augmented file that is true for each synthetic row and false for each patient."""

SETTING = "augmented"
"""The setting by which a label says that patients stand beside the rows, and how many of either."""

UNKNOWN = "unknown"
"""The generator of rows whose own label was lost before patients were put beside them."""

STATEMENT = (
    "Augmented data: {patients:,} real patients and {added:,} synthetic rows made from them. It holds patients, "
    "so it is not to be shared as synthetic; and it holds the information of {patients:,} patients."
)

LOST = (
    "Augmented data: {patients:,} rows are not synthetic and may be patients, {added:,} are synthetic rows whose label "
    "was lost. Not to be shared as synthetic, and its rows are not to be counted as patients."
)


def counts_of(label: Label | None) -> tuple[int, int] | None:
    """Patients and synthetic rows, where a label says that its rows are both; None otherwise."""
    said = None if label is None else label.settings.get(SETTING)
    if not isinstance(said, dict):
        return None
    counts = said.get("patients"), said.get("rows_added")
    return (counts[0], counts[1]) if all(isinstance(one, int) for one in counts) else None  # type: ignore[return-value]


def label_of_mixture(cohort: Cohort) -> Label:
    """The label of a cohort whose synthetic rows are known by their names alone.

    `generator` is `UNKNOWN`, `release` that of most of the rows; no more patients are claimed than stand in it.
    """
    synthetic = cohort.synthetic_rows
    added = int(synthetic.sum())
    patients = cohort.n - added
    releases = releases_in([str(name) for name in synthetic.index[synthetic]])
    return Label(
        release=releases.most_common(1)[0][0],
        generator=UNKNOWN,
        n_source=patients,
        rests_on=patients,
        n_rows=cohort.n,
        part=0,
        m=1,
        seed=0,
        version=version("heorsynth"),
        settings={SETTING: {"patients": patients, "rows_added": added}},
        statement=LOST.format(patients=patients, added=added),
    )


def flagged(cohort: Cohort) -> pd.DataFrame:
    """The rows of an augmented cohort as they are written: a patient's row by number, and a flag for each row."""
    synthetic = cohort.synthetic_rows.to_numpy()
    frame = cohort.frame
    named = synthetic | frame.index.astype(str).str.startswith(f"{PATIENT}-")
    numbered = np.array([f"{PATIENT}-{number:06d}" for number in range(len(frame))], dtype=object)
    frame.index = pd.Index(np.where(named, frame.index.astype(object), numbered), name=ID_COLUMN)
    frame.insert(0, FLAG, synthetic)
    return frame
