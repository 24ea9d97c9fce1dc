"""What an analysis names and the cohort lacks is found at planning, all at once."""

import pytest

import heorsynth as hs
from heorsynth.checks.analyses.problems import planned_analyses
from heorsynth.core.errors import AnalysisError

PBC = hs.datasets.load("pbc")


@pytest.mark.parametrize(
    ("settings", "found", "fix"),
    [
        ({"model": "cox", "formula": "os ~ agee"}, "no column 'agee'", "did you mean 'age'?"),
        ({"model": "cox", "formula": "oss ~ age"}, "no endpoint 'oss'", "did you mean 'os'?"),
        ({"model": "cox", "formula": "os ~ age + time"}, "the outcome 'time' is also on the right", "leave 'time'"),
        ({"model": "ols", "formula": "bili ~ log(bili)"}, "the outcome 'bili' is also on the right", "leave 'bili'"),
        ({"model": "ols", "formula": "bilie ~ age"}, "no column 'bilie'", "did you mean 'bili'?"),
        ({"model": "call", "call": "nowhere.py:f"}, "cannot be read", "check the path"),
    ],
)
def test_a_name_that_the_cohort_lacks_is_refused(settings: dict, found: str, fix: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        planned_analyses([{"name": "a", **settings}], PBC)
    (problem,) = caught.value.problems
    assert found in problem.found and fix in problem.fix and problem.where.startswith("analysis 'a'")


def test_a_name_used_twice_is_refused() -> None:
    one = hs.Analysis("a", model="cox", formula="os ~ age")
    with pytest.raises(AnalysisError, match="used twice"):
        planned_analyses([one, one], PBC)
