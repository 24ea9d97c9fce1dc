"""The facts of synthetic patients by slot; rows without a label are refused."""

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import LabelError, RoleError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.language.facts.sheet import Slot, sheet_of


def test_the_kind_of_each_slot_follows_from_role_and_values(synthetic: "hs.Cohort") -> None:
    kinds = {slot.key: slot.kind for slot in sheet_of(synthetic).slots}
    assert kinds == {
        "age": "age", "sex": "sex", "stage": "level", "ascites": "flag", "trt": "treatment", "seen": "date",
        "bili": "measure", "qaly": "utility", "cost": "cost", "os.status": "status", "os.time": "time",
    }  # fmt: skip


def test_a_row_holds_the_values_of_its_patient(synthetic: "hs.Cohort") -> None:
    sheet, row = sheet_of(synthetic), synthetic.frame.iloc[5]
    facts = sheet.rows[5]
    assert sheet.ids[5] == synthetic.frame.index[5]
    assert facts["age"] == row["age"] and facts["sex"] == row["sex"] and facts["os.time"] == row["time"]
    assert facts["os.status"] == str(row["event"]) and facts["cost"] == row["cost"]


def test_a_missing_value_has_no_fact() -> None:
    cohort = hs.datasets.load("pbc")
    drawn = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=1, seed=1)[0]
    sheet = sheet_of(drawn)
    missing = drawn.frame["ascites"].isna().to_numpy()
    assert missing.any()
    assert [("ascites" not in row) for row in sheet.rows] == missing.tolist()


def test_names_units_and_levels_are_those_declared(synthetic: "hs.Cohort") -> None:
    sheet = sheet_of(
        synthetic, slots=["bili", "stage"], names={"bili": "serum bilirubin"}, units={"bili": "mg/dL"},
        levels={"stage": {"1": "I", "2": "II", "3": "III", "4": "IV"}},
    )  # fmt: skip
    assert [(slot.name, slot.unit) for slot in sheet.slots] == [("serum bilirubin", "mg/dL"), ("stage", "")]
    at = next(at for at, row in enumerate(sheet.rows) if row["stage"] == "4")
    assert sheet.slot("stage").written(sheet.rows[at]["stage"]) == "IV"


@pytest.mark.parametrize("slot, value, text", [
    (Slot("age", "age", "age"), 64.99, "64"),
    (Slot("cost", "cost", "cost"), 1234.5, "1234"),
    (Slot("seen", "date", "seen"), 0.0, "1970-01-01"),
    (Slot("os.status", "status", "os", levels={"0": "", "1": "death"}), "1", "death"),
])  # fmt: skip
def test_a_value_is_written_as_a_text_prints_it(slot: Slot, value: float | str, text: str) -> None:
    assert slot.written(value) == text


def test_patients_are_refused(real: "hs.Cohort") -> None:
    with pytest.raises(LabelError, match="carry no label"):
        sheet_of(real)


def test_patients_among_synthetic_rows_are_refused(real: "hs.Cohort") -> None:
    drawn = hs.generators.create("marginals").fit(real, seed=1).sample(m=1, seed=1)[0]
    both = pd.concat([drawn.frame, real.frame.set_axis([f"P{at}" for at in range(real.n)])])
    with pytest.raises(LabelError, match="some rows are not labelled as synthetic"):
        sheet_of(Cohort.derive(real.schema, both, label=drawn.label))


def test_a_label_copied_onto_patients_is_contradicted_by_its_rows() -> None:
    cohort = hs.datasets.simulated_trial(600, seed=2)[0]
    drawn = hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=1)[0]
    assert drawn.label is not None and drawn.label.agreement > 0
    frame = cohort.frame.set_axis(drawn.frame.index[: cohort.n])
    forged = Cohort.derive(cohort.schema, frame, label=drawn.label)
    with pytest.raises(LabelError, match="contradicted"):
        sheet_of(forged)


def test_unknown_columns_and_slots_are_refused_with_the_nearest(synthetic: "hs.Cohort") -> None:
    with pytest.raises(RoleError, match="did you mean 'bili'"):
        sheet_of(synthetic, units={"bilii": "mg/dL"})
    with pytest.raises(RoleError, match="did you mean 'age'"):
        sheet_of(synthetic, slots=["agee"])
