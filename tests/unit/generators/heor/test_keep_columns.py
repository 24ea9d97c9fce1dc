"""Which columns may be kept, and the modelled columns behind a name."""

import pytest

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.generators.heor.keep_columns import may_be_kept, resolved

TRIAL = hs.datasets.simulated_trial(60)[0]


def test_every_column_but_the_arm_the_id_and_the_endpoints_may_be_kept() -> None:
    found = may_be_kept(TRIAL.schema, TRIAL.frame.columns)
    assert found == ("sex", "age", "stage", "drug", "hospital", "cost", "qaly")


def test_a_total_stands_for_its_parts_and_each_column_is_named_once() -> None:
    assert resolved(["cost", "age", "drug"], TRIAL) == ("drug", "hospital", "age")


def test_a_band_that_is_no_subgroup_stands_for_its_source() -> None:
    frame = TRIAL.frame[["time", "event", "age", "sex"]]
    roles = {"endpoints": {"os": ("time", "event")}, "bands": {"old": ("age", [60], ["no", "yes"])}}
    assert resolved(["old"], hs.Cohort(frame, **roles)) == ("age",)
    assert resolved(["old"], hs.Cohort(frame, subgroups=["old"], **roles)) == ("old",)


def test_all_wrong_names_are_reported_with_the_nearest_that_may_be_kept() -> None:
    with pytest.raises(GeneratorError) as raised:
        hs.generators.create("heor", keep=["agee", "arm", "time", "sex"]).fit(TRIAL)
    told = str(raised.value)
    assert "did you mean 'age'?" in told
    assert len(raised.value.problems) == 3


@pytest.mark.parametrize("keep", ["age", [1], ["age", None], None, 5, {"age": 1}])
def test_keep_that_is_no_list_of_columns_is_refused(keep: object) -> None:
    with pytest.raises(GeneratorError, match="not a list of columns"):
        hs.generators.create("heor", keep=keep)


def test_all_is_every_column_that_may_be_kept_but_the_subgroups() -> None:
    named = [name for name in TRIAL.frame if name not in {*TRIAL.schema.strata, "time", "event", "id"}]
    assert set(resolved("all", TRIAL)) == set(named) - {"cost"}, "a total stands for its parts"
    assert not set(resolved("all", TRIAL)) & {"arm", *TRIAL.schema.subgroups}
