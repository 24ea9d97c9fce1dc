"""Targets by hand: counts meet every stated share to rounding, and what cannot be met is refused."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.data.cohort.domain import Domain
from heorsynth.generators.sampling.target_shares import allocate, cells_for_targets, checked_where


def cohort(missing: bool = False) -> "hs.Cohort":
    """Two hundred patients: 150 women and 50 men, spread evenly over ten regions; some may have no region."""
    frame = pd.DataFrame({
        "time": np.arange(1.0, 201.0), "event": [1, 0] * 100, "sex": (["f"] * 30 + ["m"] * 10) * 5,
        "region": list("qrstuvwxyz") * 20, "age": np.arange(200) % 40 + 30,
    })  # fmt: skip
    if missing:
        frame.loc[frame.index % 40 < 2, "region"] = None
        frame.loc[frame.index % 40 // 2 == 15, "region"] = None
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["sex", "region"])


def counts(cells: list, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for cell, count in cells:
        found[cell[name]] = found.get(cell[name], 0) + count
    return found


def shares_of(source: "hs.Cohort") -> dict[tuple[str, ...], float]:
    return dict(hs.generators.create("bootstrap").fit(source, seed=1).shares)


def asked(n: int, targets: dict, where: dict | None = None) -> list:
    return cells_for_targets(n, shares_of(cohort()), targets, Domain.of(cohort()), where or {})


def test_remainders_go_to_the_largest_first_and_ties_to_the_first() -> None:
    assert allocate(np.array([0.55, 0.25, 0.2]), 6).tolist() == [3, 2, 1]
    assert allocate(np.array([1.0, 1.0, 1.0]), 4).tolist() == [2, 1, 1]


@pytest.mark.parametrize("n", [2, 37, 60, 100, 199])
def test_a_target_over_many_small_cells_is_met_by_largest_remainder(n: int) -> None:
    found = counts(asked(n, {"sex": {"f": 0.5, "m": 0.5}}), "sex")
    assert found == {"f": n - n // 2, "m": n // 2}


def test_two_targets_are_both_met_exactly() -> None:
    regions = dict.fromkeys("qrstuvwxy", 0.05) | {"z": 0.55}
    cells = asked(100, {"sex": {"f": 0.3, "m": 0.7}, "region": regions})
    assert counts(cells, "sex") == {"f": 30, "m": 70}
    assert counts(cells, "region") == dict.fromkeys("qrstuvwxy", 5) | {"z": 55}


def test_what_a_target_does_not_say_keeps_the_sources_proportions() -> None:
    shares = {("f", "q"): 0.6, ("f", "r"): 0.2, ("m", "q"): 0.1, ("m", "r"): 0.1}
    cells = cells_for_targets(80, shares, {"sex": {"f": 0.5, "m": 0.5}}, Domain.of(cohort()), {})
    assert [count for _, count in cells] == [30, 10, 20, 20]


def test_a_level_left_out_of_a_target_gets_no_rows() -> None:
    assert counts(asked(50, {"sex": {"f": 1.0}}), "sex") == {"f": 50, "m": 0}


def test_where_and_targets_hold_together() -> None:
    cells = asked(20, {"region": {"q": 0.5, "r": 0.5}}, where={"sex": "m"})
    assert counts(cells, "sex") == {"m": 20}
    assert {level: count for level, count in counts(cells, "region").items() if count} == {"q": 10, "r": 10}


@pytest.mark.parametrize("name", ["bootstrap", "heor"])
def test_patients_without_a_level_of_another_subgroup_are_still_drawn(name: str) -> None:
    sampler = hs.generators.create(name).fit(cohort(missing=True), seed=1)
    drawn = sampler.sample(n=40, m=1, seed=1, targets={"sex": {"f": 0.5, "m": 0.5}})[0].frame
    assert drawn["sex"].value_counts().to_dict() == {"f": 20, "m": 20}
    assert drawn["region"].isna().any()


def test_targets_that_contradict_each_other_are_refused() -> None:
    shares = {("f", "q"): 0.75, ("m", "r"): 0.25}
    targets = {"sex": {"f": 0.5, "m": 0.5}, "region": {"q": 0.8, "r": 0.2}}
    with pytest.raises(GeneratorError, match="no mix of the source's patients"):
        cells_for_targets(100, shares, targets, Domain.of(cohort()), {})


@pytest.mark.parametrize(("targets", "message"), [
    ({"sex": {"f": 0.5, "m": 0.4}}, "sum to 1"),
    ({"sex": {"f": 1.5, "m": -0.5}}, "sum to 1"),
    ({"sex": {"f": 0.5, "x": 0.5}}, "no level 'x'"),
    ({"age": {"30": 1.0}}, "not a declared subgroup"),
])  # fmt: skip
def test_a_target_that_makes_no_sense_is_refused(targets: dict, message: str) -> None:
    with pytest.raises(GeneratorError, match=message):
        asked(10, targets)


def test_where_outside_a_target_is_refused() -> None:
    with pytest.raises(GeneratorError, match="no patient of level 'f'"):
        asked(10, {"sex": {"f": 0.5, "m": 0.5}}, where={"sex": "m"})


def test_where_takes_levels_only_and_names_the_nearest_column() -> None:
    domain = Domain.of(cohort())
    assert checked_where({"sex": "f"}, domain) == {"sex": "f"}
    with pytest.raises(GeneratorError, match="not a declared arm or subgroup"):
        checked_where({"age": 40}, domain)
    with pytest.raises(GeneratorError, match="did you mean 'sex'"):
        checked_where({"sexx": "f"}, domain)
