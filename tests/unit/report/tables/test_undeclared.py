"""The table of the panel: the analyses that `validate` judges, the worst first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.core.errors import RoleError, SeedError
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.report.tables.undeclared import COLUMNS, panel


def trial() -> Cohort:
    return hs.datasets.simulated_trial(120)[0]


def shuffled(real: Cohort, m: int = 3) -> list[Cohort]:
    rng = np.random.default_rng(1)
    rows = real.frame
    return [Cohort.derive(real.schema, rows.assign(age=rng.permutation(rows["age"])), label=None) for _ in range(m)]


def test_the_worst_come_first_and_the_frame_holds_every_analysis() -> None:
    real = trial()
    table = hs.tables.panel(real, shuffled(real))
    frame = table.to_frame()
    assert tuple(frame.columns) == COLUMNS and len(frame) > 100 and len(table.card.rows) == 20
    assert frame["difference"].abs().is_monotonic_decreasing
    np.testing.assert_allclose(frame["synthetic"], frame["real"] + frame["difference"] * frame["se"], atol=1e-9)
    assert ((frame["lower"] <= frame["difference"]) & (frame["difference"] <= frame["upper"])).all()
    assert "SYNTHETIC DATA" in repr(table)


def test_its_analyses_are_those_that_a_check_of_the_same_seed_judges() -> None:
    real = trial()
    frame = panel(real, shuffled(real), seed=4).to_frame()
    margins = {"structure.panel": margin_for("structure.panel", {"absolute": 0.1})}
    (found,) = registry.findings("structure", real, shuffled(real), margins, stream(4, "check", "structure"))
    assert found.synthetic == pytest.approx((frame["difference"].abs() > 1).groupby(frame["kind"]).mean().max())
    assert frame["analysis"][0] in found.because
    assert set(panel(real, shuffled(real), seed=5).to_frame()["analysis"]) != set(frame["analysis"])


def test_patients_without_two_columns_give_an_empty_table_that_says_so() -> None:
    rows = pd.DataFrame({"time": np.arange(1.0, 31.0), "event": [0, 1] * 15})
    alone = Cohort(rows, endpoints={"os": ("time", "event")})
    table = panel(alone, [alone])
    assert tuple(table.to_frame().columns) == COLUMNS and table.to_frame().empty
    assert "No two columns" in repr(table)


def test_what_is_no_cohort_and_what_is_no_seed_are_refused() -> None:
    real = trial()
    with pytest.raises(RoleError, match="one cohort by itself"):
        panel(real, real)  # type: ignore[arg-type]
    with pytest.raises(RoleError):
        panel(real.frame, [real])  # type: ignore[arg-type]
    with pytest.raises(SeedError):
        panel(real, [real], seed=-1)
