import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import UnfitColumnError
from heorsynth.core.random import stream
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.shape import Shape
from heorsynth.generators.protection.guard import BOUNDS, Guard

GUARD = Guard(lambda name: stream(1, name), BOUNDS["shared"])
KEY = ReleaseKey(b"a custodian's secret, for tests only")


def shaped(cohort: Cohort) -> tuple[Shape, dict[str, np.ndarray]]:
    shape = Shape.of(cohort, Cells.of(cohort)[0], 20, GUARD)
    return shape, shape.encoded(cohort.arrays)


def test_numbers_are_capped_and_amounts_are_not_because_their_mean_decides():
    cohort, _ = hs.datasets.simulated_trial(150, 1)
    shape, values = shaped(cohort)
    found = shape.bounded(values, GUARD, cohort.name)
    assert (found["age"] == found["age"].max()).sum() >= BOUNDS["shared"].hidden
    assert found["hospital"].sum() == pytest.approx(values["hospital"].sum())


def test_a_second_number_of_too_few_patients_is_written_as_the_first():
    cohort = hs.datasets.load("whas500").take(np.arange(150))
    frame = cohort.frame.assign(drug=np.where(np.arange(150) < 8, 3, 1))
    other = Cohort.derive(cohort.schema, frame, label=None)
    rows = hs.generators.create("heor", release="shared", release_key=KEY).fit(other, seed=1).sample(m=1, seed=1)
    assert set(rows[0].frame["drug"]) == {1}
    assert "drug" in rows.label.settings["one_value_left"]
    notes = hs.validate(other, rows, "teaching", seed=1).notes
    assert any(note.startswith("One value is left") and "drug" in note for note in notes)  # a loss is never silent


def test_more_columns_and_levels_need_more_noise():
    cohort = hs.datasets.load("whas500").take(np.arange(150))
    shape, values = shaped(cohort)
    whole = shape.noise(values, GUARD, cohort.n)
    few = shape.noise({name: values[name] for name in list(values)[:4]}, GUARD, cohort.n)
    assert whole.covariates > few.covariates and whole.ties > few.ties and whole.outcome == few.outcome


def test_an_amount_that_would_tell_its_patient_is_refused_by_its_column_and_not_its_value():
    cohort, _ = hs.datasets.simulated_trial(100, 1)
    frame = cohort.frame
    frame.loc[0, "hospital"] = 987_654_321.0
    frame["cost"] = frame["drug"] + frame["hospital"]
    recipe = hs.generators.create("heor", release="shared", release_key=KEY)
    with pytest.raises(UnfitColumnError, match="hospital") as refused:
        recipe.fit(Cohort.derive(cohort.schema, frame, label=None), seed=1)
    assert "987" not in str(refused.value)
