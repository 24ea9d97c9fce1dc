"""What a draw rests on, from counts small enough to check by hand."""

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.cohort.domain import Domain
from heorsynth.generators.sampling.request import DrawRequest
from heorsynth.generators.sampling.training_counts import TrainingCounts

CELLS = {("a", "f"): 6, ("a", "m"): 2, ("b", "f"): 9, ("b", "m"): 3}


def counts(learnt: dict[tuple[str, ...], int] | None = None) -> TrainingCounts:
    """20 patients: arms a and b; 15 women and 5 men."""
    rows = [cell for cell, count in CELLS.items() for _ in range(count)]
    frame = pd.DataFrame(rows, columns=["arm", "sex"]).assign(time=range(1, 21), event=1)
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", arm_reference="a", subgroups=["sex"])
    return TrainingCounts(Domain.of(cohort), CELLS, learnt or {})


def request(n: int | None = None, learnt: dict[tuple[str, ...], int] | None = None, **asked: object) -> DrawRequest:
    return DrawRequest.checked("sample", counts(learnt), n, 1, asked.get("where"), asked.get("targets"), None)


def test_shares_are_of_subgroups_over_all_arms() -> None:
    assert counts().shares == {("f",): 15 / 20, ("m",): 5 / 20}


def test_a_request_is_for_as_many_rows_as_patients_and_rests_on_all_of_them() -> None:
    assert (request().rows, request().rests_on) == (20, 20)


def test_rows_of_some_levels_rest_on_the_patients_who_have_them() -> None:
    assert request(50, where={"sex": "m"}).rests_on == 5
    assert request(50, where={"sex": "m", "arm": "b"}).rests_on == 3


def test_where_a_sample_was_learnt_from_rows_rest_on_that_sample() -> None:
    learnt = {("a", "f"): 3, ("a", "m"): 1, ("b", "f"): 4, ("b", "m"): 2}
    assert (request(learnt=learnt).rows, request(learnt=learnt).rests_on) == (20, 10)
    assert request(learnt=learnt, where={"sex": "m"}).rests_on == 3


def test_targets_rest_on_the_largest_group_of_patients_with_that_mix() -> None:
    # half of the rows are men: 10 of 20. Ten patients, five of them men, are the most that have this mix.
    found = request(20, targets={"sex": {"f": 0.5, "m": 0.5}})
    assert sum(count for _, count in found.cells or ()) == 20
    assert found.rests_on == 10


@pytest.mark.parametrize("n", [1, 0, -3, 2.5, "10", True])
def test_a_number_of_rows_below_two_or_not_whole_is_refused(n: object) -> None:
    with pytest.raises(errors.TooFewPatientsError, match="a whole number from 2 up"):
        request(n)  # type: ignore[arg-type]
