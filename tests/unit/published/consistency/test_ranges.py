"""Numbers that no patients can have are impossible by themselves."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("old", "new", "fact", "rule"),
    [
        ("sd: 9.8", "sd: -9.8", "table1.age.sd.drug", "standard deviation below 0"),
        ("value: 0.70, subgroup", "value: -0.70, subgroup", "os.hr.drug/usual.sex=female", "hazard ratio below 0"),
        ("value: 0.12}", "value: 1.12}", "correlation.1", "correlation outside -1 to 1"),
        ("low: 15.1", "low: -15.1", "os.median.drug", "a time below 0"),
    ],
)
def test_a_number_outside_its_range_is_impossible(changed: Callable, old: str, new: str, fact: str, rule: str) -> None:
    found = changed((old, new)).contradictions().set_index("rule")
    assert found.loc[rule, ["facts", "severity"]].tolist() == [fact, "impossible"]


def test_a_number_at_its_bound_is_possible(changed: Callable) -> None:
    assert changed(("value: 0.12}", "value: 1.00}")).contradictions().empty
