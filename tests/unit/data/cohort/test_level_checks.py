"""Levels that may be shown: none of free text, none of a single patient."""

import pandas as pd

from heorsynth.core.errors import SparseLevelError
from heorsynth.data.cohort.level_checks import counts_of, free_text_problem, rare_levels


def test_levels_are_counted_as_text_without_the_missing() -> None:
    assert counts_of(pd.Series(["f", "m", "f", None])) == {"f": 2, "m": 1}


def test_a_level_of_a_single_patient_is_told_by_number_and_not_by_name() -> None:
    ((error, problem),) = rare_levels("site", {"A": 20, "secret": 1, "hidden": 1})
    assert error is SparseLevelError
    assert problem.found == "2 of its levels have a single patient" and "secret" not in str(problem)
    assert rare_levels("site", {"A": 20, "B": 2}) == []


def test_a_sentence_is_free_text_and_so_are_ten_rare_levels_of_nineteen() -> None:
    assert "longer than 100 characters" in free_text_problem("arm", {"x" * 101: 30})[0][1].found
    assert free_text_problem("arm", {"x" * 100: 30}) == []
    rare, common = {f"r{i}": 4 for i in range(10)}, {f"c{i}": 5 for i in range(10)}
    assert free_text_problem("arm", rare | common)[0][1].found.startswith("10 of its 20 levels have fewer than 5")
    assert free_text_problem("arm", rare | common | {"c": 5}) == []
