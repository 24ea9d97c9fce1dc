"""Write a cohort as CDISC ADaM data sets that read again to the same cohort."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.errors import FileError, LabelError, OutputError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.files.io import replace_files, xpt_bytes
from heorsynth.data.files.parquet_write import parquet_bytes
from heorsynth.data.files.statistical import SAS_LABEL
from heorsynth.data.sources.adam import from_adam
from heorsynth.data.sources.adam_roles import AdamRoles, variables
from heorsynth.data.sources.adam_tables import ROLES_FILE
from heorsynth.data.sources.adtte import SUBJECT
from heorsynth.data.sources.dataset_json import dataset_json_bytes
from heorsynth.data.visits.units import TIME_UNITS

_STUDY = "HEORSYNTH"
_FORMATS = ("xpt", "json", "parquet")
_TITLES = {"adsl": "Subject-Level Analysis Dataset", "adtte": "Time-to-Event Analysis", "advisit": "Analysis by Visit"}


def to_adam(
    cohort: Cohort,
    folder: str | Path,
    *,
    visits: Mapping[str, Mapping[float, str]] | None = None,
    format: str = "xpt",
) -> Path:
    """Write a cohort as ADaM data sets: ADSL, ADTTE and, of visits, a BDS table. `from_adam` reads the same cohort.

    The tables are read again and compared before the files are written. What ADaM cannot hold (the columns' own names,
    costs, currency and other roles, and the label of synthetic rows) is in `heorsynth-adam.json` beside them.

    Parameters
    ----------
    folder : path            made if it does not exist
    visits : Mapping         measure to {visit time: column}, for ADVISIT; by default the visits of the cohort
    format : str             "xpt" (SAS transport 5), "json" (Dataset-JSON 1.1) or "parquet"

    Returns
    -------
    Path                     the folder

    Raises
    ------
    LabelError               synthetic rows without a label, or mixed with patients
    FileError                unknown format; a column that the format cannot keep; visits whose columns are not there
    OutputError              the files cannot be written

    See Also
    --------
    heorsynth.from_adam : Read ADaM data sets.

    Notes
    -----
    CNSR is 0 for the event, 1 for censoring, and k for a competing cause k of 2 or more. PARAMCD is the endpoint's name
    in capitals.

    Examples
    --------
    >>> frame = pd.DataFrame({"time": [5, 8, 12], "event": [1, 0, 1]})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = to_adam(Cohort(frame, endpoints={"os": ("time", "event")}), place, format="json")
    ...     sorted(path.name for path in folder.iterdir())
    ['adsl.json', 'adtte.json', 'heorsynth-adam.json']
    """
    place, subject = Path(folder), f"ADaM folder {Path(folder).name!r}"
    if format not in _FORMATS:
        raise FileError(subject, Problem("format", "not a format of ADaM", "use one of: " + ", ".join(_FORMATS)))
    if cohort.augmented or (cohort.synthetic and cohort.label is None):
        problem = Problem("", "synthetic rows without a label, or mixed with patients", "write each with its label")
        raise LabelError(subject, problem)
    held = {measure: dict(pairs) for measure, pairs in cohort.visits.items()}
    contents = _contents(cohort, held if visits is None else visits, format)
    with tempfile.TemporaryDirectory() as trial:
        replace_files({Path(trial) / name: raw for name, raw in contents.items()})
        _require_same(cohort, from_adam(trial), format)
    try:
        place.mkdir(parents=True, exist_ok=True)
        replace_files({place / name: raw for name, raw in contents.items()})
    except OSError as error:
        problem = Problem("", f"cannot be written ({error.strerror})", "check the folder's permissions and space")
        raise OutputError(subject, problem) from error
    return place


def _contents(cohort: Cohort, visits: Mapping[str, Mapping[float, str]], format: str) -> dict[str, bytes]:
    """Return the bytes of each file by its name."""
    schema, rows = cohort.schema, cohort.rows
    of_visits = [column for columns in visits.values() for column in columns.values()]
    absent = [name for name in of_visits if name not in rows]
    if absent:
        raise FileError("visits", Problem(absent[0], "no such column", "give {measure: {time: column}}"))
    outcomes = {*schema.times, *schema.events}
    plain = [str(name) for name in rows.columns if name not in outcomes and name not in of_visits]
    names = variables([name for name in plain if name != schema.arm], {"STUDYID", SUBJECT, "TRT01P"})
    if schema.arm is not None:
        names = {schema.arm: "TRT01P", **names}
    subjects = _subjects(cohort)
    tables = {"adsl": _adsl(cohort, subjects, names)}
    if schema.endpoints:
        tables["adtte"] = _adtte(cohort, subjects)
    measures = variables([str(one) for one in visits], set())
    if visits:
        tables["advisit"] = _bds(cohort, subjects, visits, measures)
    labels = {variable: column[:40] for column, variable in names.items()}
    files = {f"{one}.{format}": _bytes(table, one, format, cohort, labels) for one, table in tables.items()}
    columns = {"ADSL": {variable: column for column, variable in names.items()}}
    if visits:
        columns["ADVISIT"] = {
            f"{one}_{time:g}": column for one, held in visits.items() for time, column in held.items()
        }
    codes = variables(list(schema.endpoints), set())
    held = AdamRoles(
        schema=schema.to_dict(),
        endpoints={one.name: {"param": codes[one.name], "causes": _competing(cohort, one.name)}
                   for one in schema.endpoints.values()},
        visits={one: {"param": measures[str(one)], "dataset": "advisit"} for one in map(str, visits)},
        columns=columns,
        order=[str(name) for name in rows.columns],
        kinds={str(name): str(kind) for name, kind in rows.dtypes.items()},
        sha256={name: hashlib.sha256(raw).hexdigest() for name, raw in files.items()},
        label=None if cohort.label is None else cohort.label.to_dict(),
    )  # fmt: skip
    return {**files, ROLES_FILE: (json.dumps(held.to_dict(), indent=1, sort_keys=True) + "\n").encode()}


def _subjects(cohort: Cohort) -> pd.Series:
    """Return USUBJID: the synthetic ids, the column of ids as text, or numbers in the order of the rows."""
    if cohort.synthetic:
        return pd.Series(cohort.rows.index.astype(str))
    if cohort.schema.id is not None:
        return cohort.rows[cohort.schema.id].astype(str).reset_index(drop=True)
    return pd.Series([f"{_STUDY}-{number:06}" for number in range(1, cohort.n + 1)])


def _competing(cohort: Cohort, endpoint: str) -> dict[str, str]:
    """Return the names of the causes of an endpoint, also of those that have no name."""
    named = cohort.schema.endpoints[endpoint].causes
    codes = sorted({int(code) for code in np.unique(cohort.outcome(endpoint)[1])} | set(named))
    return {str(code): str(named.get(code, f"cause {code}")) for code in codes if code > 1}


def _adsl(cohort: Cohort, subjects: pd.Series, names: Mapping[str, str]) -> pd.DataFrame:
    columns: dict[str, Any] = {"STUDYID": _STUDY, SUBJECT: subjects}
    for column, variable in names.items():
        columns[variable] = _as_adam(cohort.rows[column].reset_index(drop=True))
    return pd.DataFrame(columns)


def _as_adam(column: pd.Series) -> pd.Series:
    """Return true and false as Y and N, and categories as their values."""
    if types.is_bool_dtype(column):
        return column.map({True: "Y", False: "N"}).astype(object)
    return column.astype(column.cat.categories.dtype) if isinstance(column.dtype, pd.CategoricalDtype) else column


def _adtte(cohort: Cohort, subjects: pd.Series) -> pd.DataFrame:
    codes = variables(list(cohort.schema.endpoints), set())
    parts = []
    for name in cohort.schema.endpoints:
        time, event, _ = cohort.outcome(name)
        named = {0: "censored", **cohort.schema.endpoints[name].causes}
        reason = np.where(event == 0, 1, np.where(event == 1, 0, event))
        parts.append(pd.DataFrame({
            "STUDYID": _STUDY, SUBJECT: subjects, "PARAM": f"Time to {name}"[:40], "PARAMCD": codes[name],
            "AVAL": np.asarray(time, dtype=float), "AVALU": f"{cohort.schema.unit}s".upper(),
            "CNSR": reason.astype(float),
            "EVNTDESC": [str(named.get(int(one), "event")) for one in event],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _bds(
    cohort: Cohort, subjects: pd.Series, visits: Mapping[str, Mapping[float, str]], codes: Mapping[str, str]
) -> pd.DataFrame:
    """Return one record for each patient and visit, also without a value, so that an empty visit stays a column."""
    parts = []
    for measure, columns in visits.items():
        for time, column in columns.items():
            day = max(1.0, float(np.round(time * TIME_UNITS[cohort.schema.visit_unit])))
            parts.append(pd.DataFrame({
                "STUDYID": _STUDY, SUBJECT: subjects, "PARAM": str(measure)[:40], "PARAMCD": codes[str(measure)],
                "AVAL": cohort.numbers(column), "AVISIT": f"{cohort.schema.visit_unit} {time:g}",
                "AVISITN": float(time), "ADY": day,
            }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _bytes(table: pd.DataFrame, name: str, format: str, cohort: Cohort, labels: Mapping[str, str]) -> bytes:
    label = None if cohort.label is None else cohort.label.for_rows(len(table))
    if format == "parquet":
        return parquet_bytes(table, label)
    if format == "xpt":
        return xpt_bytes(table, label, name.upper(), 5, labels)
    return dataset_json_bytes(table, name.upper(), _TITLES[name] if label is None else SAS_LABEL, labels)


def _require_same(cohort: Cohort, again: Cohort, format: str) -> None:
    """Raise FileError, with the columns, if the tables do not read to the same cohort."""
    first, second = cohort.rows, again.rows
    same = list(first.columns) == list(second.columns) and again.schema == cohort.schema
    first, second = first.reset_index(drop=True), second.reset_index(drop=True)
    other = [str(name) for name in first if not _equal(first[name], second[name])] if same else []
    if other or not same:
        found = f"{format} does not keep {', '.join(other)}" if other else f"{format} does not keep the roles"
        fix = "remove spaces at the end of levels and texts above 200 letters, or write parquet"
        raise FileError("ADaM tables", Problem("", found, fix))


def _equal(first: pd.Series, second: pd.Series) -> bool:
    return bool(((first == second) | (first.isna() & second.isna())).all()) and first.dtype == second.dtype
