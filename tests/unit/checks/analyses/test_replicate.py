"""`replicate` shows both sides and nothing else of the patients."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.analyses.replicate import COLUMNS
from heorsynth.core.errors import AnalysisError, RoleError

PBC = hs.datasets.load("pbc")
SYN = hs.generators.create("bootstrap").fit(PBC, seed=1).sample(m=3, seed=1)
COX = hs.Analysis("primary", model="cox", formula="os ~ age + sex", focus=["sex"])


def test_the_pooled_estimate_is_that_of_the_combining_rule_and_the_table_has_its_columns() -> None:
    found = hs.replicate(COX, PBC, SYN)
    frame = found.to_frame()
    assert list(frame.columns) == list(COLUMNS) and list(frame["estimate"]) == ["sex[T.m]"]
    coefficients = [hs.replicate(COX, cohort, [cohort]).rows[0].real for cohort in SYN]
    pooled = SYN.analyse(lambda cohort: next((c.value, c.se**2) for c, s in zip(coefficients, SYN, strict=True)
                                             if s is cohort))  # fmt: skip
    row = frame.iloc[0]
    assert row["synthetic_lower"] == pytest.approx(pooled.low) and row["synthetic"] == pytest.approx(pooled.value)
    assert "sex[T.m]" in repr(found) and "<table" in found._repr_html_()


def test_a_copy_of_the_patients_agrees_and_one_cohort_is_pooled_too() -> None:
    found = hs.replicate(COX, PBC, [PBC])
    assert found.agrees is True and found.rows[0].difference == 0 and found.rows[0].agree == 1


def test_fewer_than_five_patients_are_not_shown() -> None:
    frame = PBC.frame.assign(site=np.where(np.arange(418) < 3, "Smith", "other"))
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="trt")
    analysis = hs.Analysis("a", model="ols", formula="age ~ site + bili")
    found = hs.replicate(analysis, cohort, [cohort, cohort])
    assert found.agrees is None and "Smith" not in repr(found) + found.to_frame().to_csv()
    assert "fewer than 5 real patients" in found.rows[0].because and np.isnan(found.to_frame()["real"].iloc[0])


def test_rows_returned_by_a_script_are_not_shown() -> None:
    def rows(frame: pd.DataFrame) -> dict[str, tuple[float, float]]:
        return {f"row {place}": (age, 1.0) for place, age in enumerate(frame["age"])}

    found = hs.replicate(hs.Analysis("leak", call=rows), PBC, SYN)
    assert found.agrees is None and len(found.rows) == 1 and found.to_frame()["real"].isna().all()


def test_misuse_is_refused() -> None:
    with pytest.raises(RoleError):
        hs.replicate(COX, PBC, [])
    with pytest.raises(AnalysisError, match="no column 'agee'"):
        hs.replicate({"name": "a", "model": "cox", "formula": "os ~ agee"}, PBC, SYN)
