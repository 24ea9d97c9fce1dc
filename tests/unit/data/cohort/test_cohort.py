"""A cohort is checked at the door: every problem at once, each in its own error, and no patient in any message."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.disclosure import small

SECRET = 73194.25
ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "trt", "subgroups": ["sex"], "costs": ["cost"], "id": "patient"}


def patients(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame({
        "patient": [f"secret-{i}" for i in range(n)],
        "time": np.round(rng.exponential(100, n) + 1, 2),
        "event": np.arange(n) % 2,
        "trt": np.repeat(["a", "b"], n // 2),
        "sex": np.tile(["f", "m"], n // 2),
        "cost": np.append(np.round(rng.gamma(2, 500, n - 1), 2), SECRET),
        "age": rng.integers(40, 80, n),
    })  # fmt: skip


def with_value(column: str, value: object, rows: int = 1) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame.astype({column: object})
        changed.loc[: rows - 1, column] = value
        return changed.infer_objects() if not isinstance(value, str) else changed

    return change


@pytest.mark.parametrize(("change", "kind", "told"), [
    (lambda f: f.drop(columns="event"), errors.MissingColumnError, "'event'"),
    (with_value("time", 0.0), errors.DurationError, "1 of 40 durations are not positive"),
    (with_value("time", -3.0, 2), errors.DurationError, "2 of 40"),
    (with_value("time", np.nan), errors.DurationError, "missing or not numbers"),
    (with_value("event", 0.5), errors.EventCodingError, "expected 0 = censored"),
    (with_value("event", np.nan), errors.EventCodingError, "1 of 40 are missing"),
    (lambda f: f.assign(event=f["event"] + 1), errors.EventCodingError, "event_map={1: 0, 2: 1}"),
    (lambda f: f.assign(event=f["patient"]), errors.EventCodingError, "found 40 other values"),
    (lambda f: f.assign(trt="a"), errors.ArmError, "1 level, expected 2"),
    (with_value("trt", "c", 5), errors.ArmError, "arm_reference"),
    (lambda f: f.assign(event=0), errors.NoEventsError, "nobody among 40"),
    (lambda f: f.assign(patient=["secret-0"] * 2 + list(f["patient"][2:])), errors.DuplicateIdError, "2 of 40 rows"),
    (with_value("sex", "secret"), errors.SparseLevelError, "single patient"),
    (lambda f: f.head(1), errors.TooFewPatientsError, "1 patient"),
    (lambda f: f.head(0), errors.TooFewPatientsError, "0 patients"),
    (lambda f: f.assign(age=61), errors.EmptyColumnError, "the same for every patient"),
    (lambda f: f.assign(age=np.nan), errors.EmptyColumnError, "entirely missing"),
    (with_value("cost", "secret"), errors.MixedTypesError, "39 of 40 known values are numbers; 1 are not (1 word)"),
    (lambda f: f.assign(cost=f["cost"].map("{} points".format)), errors.MixedTypesError, "not numeric"),
])  # fmt: skip
def test_each_bad_input_has_its_own_error_and_names_no_patient(change, kind: type[Exception], told: str) -> None:
    frame = change(patients())
    before = frame.copy()
    with pytest.raises(errors.CohortError) as caught:
        hs.Cohort(frame, name="trial", **ROLES)
    assert type(caught.value) is kind
    assert told in str(caught.value)
    assert all(problem.fix for problem in caught.value.problems)
    for leaked in ("secret", str(SECRET), "73,194", str(patients()["time"][0])):
        assert leaked not in str(caught.value)
    pd.testing.assert_frame_equal(frame, before)


def test_problems_of_several_kinds_are_told_together() -> None:
    frame = patients().assign(event=0, age=61)
    frame.loc[0, "time"] = -1.0
    with pytest.raises(errors.CohortError) as caught:
        hs.Cohort(frame, **ROLES)
    assert type(caught.value) is errors.CohortError
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(("roles", "told"), [
    ({"endpoints": ["time", "event"]}, "endpoints="),
    ({"endpoints": {"os": "time"}}, "endpoints="),
    ({"unit": "days"}, "'day'"),
    ({"arm": "time"}, "is declared time and arm or subgroup"),
    ({"order": [("pfs", "os")]}, "no endpoint 'pfs'"),
    ({"bands": {"group": ("age", (60, 40), ("a", "b", "c"))}}, "edges must rise"),
    ({"totals": {"cost": ["age"]}}, "not the sum of its parts"),
])  # fmt: skip
def test_an_impossible_role_is_refused(roles: dict, told: str) -> None:
    with pytest.raises(errors.RoleError, match=told):
        hs.Cohort(patients(), **{**ROLES, **roles})


def test_events_are_coded_as_declared_and_the_given_frame_stays() -> None:
    frame = patients().assign(event=np.tile([1, 2], 20))
    cohort = hs.Cohort(frame, **ROLES, event_map={1: 0, 2: 1})
    assert cohort.frame["event"].tolist() == [0, 1] * 20
    assert frame["event"].tolist() == [1, 2] * 20
    words = hs.Cohort(
        patients().assign(event=np.tile(["alive", "dead"], 20)), **ROLES, event_map={"alive": 0, "dead": 1}
    )
    assert words.frame["event"].tolist() == [0, 1] * 20
    truth = hs.Cohort(patients().assign(event=np.tile([False, True], 20)), **ROLES)
    assert truth.frame["event"].tolist() == [0, 1] * 20


def test_competing_causes_entry_and_several_endpoints_are_held() -> None:
    frame = patients().assign(event=np.arange(40) % 3, start=np.linspace(0, 0.5, 40))
    frame["progressed"] = frame["time"] * 0.9
    frame["progression"] = 1
    cohort = hs.Cohort(
        frame, endpoints={"os": ("time", "event", {2: "transplant"}), "pfs": ("progressed", "progression")},
        entry="start", order=[("pfs", "os")],
    )  # fmt: skip
    time, cause, entry = cohort.outcome("os")
    assert set(cause) == {0, 1, 2}
    assert entry is not None and (entry < time).all()
    assert "transplant" in repr(cohort)
    with pytest.raises(errors.DurationError, match="pfs ≤ os"):
        late = frame.assign(progressed=frame["time"] + 1)
        hs.Cohort(
            late, endpoints={"os": ("time", "event"), "pfs": ("progressed", "progression")}, order=[("pfs", "os")]
        )


def test_what_a_cohort_hands_out_cannot_change_it() -> None:
    cohort = hs.Cohort(patients(), **ROLES)
    handed = cohort.frame
    handed.loc[:, "time"] = 1.0
    assert cohort.frame["time"].nunique() > 1
    with pytest.raises(AttributeError):
        cohort.n = 3


def test_missing_values_are_allowed_and_counted() -> None:
    frame = patients()
    frame.loc[:9, "age"] = np.nan
    frame.loc[:5, "trt"] = None
    cohort = hs.Cohort(frame, **ROLES)
    assert "age 10" in repr(cohort) and "6 not assigned" in repr(cohort)


def test_what_is_shown_holds_counts_and_no_row() -> None:
    shown = repr(hs.Cohort(patients(), **ROLES)) + hs.Cohort(patients(), **ROLES)._repr_html_()
    for leaked in ("secret", str(SECRET), "73,194"):
        assert leaked not in shown
    assert "f 20, m 20" in shown
    assert [small(count) for count in (0, 1, 4, 5, 1234)] == ["0", "<5", "<5", "5", "1,234"]


def test_a_column_name_with_markup_is_escaped() -> None:
    cohort = hs.Cohort(patients().rename(columns={"age": "<script>"}), **ROLES)
    assert "<script>" not in cohort._repr_html_()


def test_a_split_keeps_every_patient_once() -> None:
    cohort = hs.Cohort(patients(), **ROLES)
    training, aside = cohort.split(0.25, np.random.default_rng(1))
    assert (training.n, aside.n) == (30, 10)
    assert sorted([*training.frame["patient"], *aside.frame["patient"]]) == sorted(cohort.frame["patient"])


def test_synthetic_rows_given_to_a_cohort_stay_synthetic() -> None:
    drawn = hs.generators.create("marginals").fit(hs.Cohort(patients(), **ROLES), seed=1).sample(m=1, seed=1)[0]
    roles = {name: value for name, value in ROLES.items() if name != "id"}
    again = hs.Cohort(drawn.frame, **roles)
    assert again.synthetic is True and again.label == drawn.label
    assert hs.Cohort(pd.DataFrame(drawn.frame.reset_index().to_dict()), **roles).synthetic is True


def drawn_and_real() -> tuple[hs.Cohort, hs.Cohort]:
    real = hs.datasets.load("veterans")
    return real, hs.generators.create("marginals").fit(real, seed=1).sample(n=30, m=1, seed=1)[0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_synthetic_rows_put_beside_patients_make_an_augmented_cohort_that_says_which_are_which(order) -> None:
    real, drawn = drawn_and_real()
    frames = [real.frame[list(drawn.frame.columns)], drawn.frame]
    mixed = hs.Cohort(pd.concat([frames[at] for at in order]), endpoints={"os": ("time", "event")})
    assert (mixed.augmented, mixed.synthetic) == (True, True)
    assert mixed.synthetic_rows.sum() == 30 and (~mixed.synthetic_rows).sum() == real.n
    assert "(augmented)" in repr(mixed) and "30: they add no patients" in repr(mixed)
    with pytest.raises(hs.HeorsynthError, match="holds synthetic rows beside patients"):
        hs.generators.create("marginals").fit(mixed, seed=1)
    assert hs.generators.create("marginals").fit(mixed, seed=1, allow_synthetic_source=True).depth == 2
    with pytest.raises(hs.HeorsynthError, match="synthetic"):
        hs.validate(mixed, [drawn], purpose="teaching")
    assert (real.augmented, drawn.augmented) == (False, False)
    assert drawn.synthetic_rows.all() and not real.synthetic_rows.any()


def test_a_label_is_dropped_by_a_call_that_says_so_and_by_nothing_else() -> None:
    _, drawn = drawn_and_real()
    bare = drawn.frame_without_its_label()
    assert bare.attrs == {} and isinstance(bare.index, pd.RangeIndex)
    kept = hs.Cohort(drawn.frame, endpoints={"os": ("time", "event")})
    assert kept.label is not None and kept.label.release == drawn.label.release
