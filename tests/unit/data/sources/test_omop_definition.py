"""A definition is checked before a database is opened: each problem names its line and the nearest valid name."""

from pathlib import Path

import cdm
import pytest

from heorsynth.core import errors
from heorsynth.data.sources.omop_definition import as_definition


def test_a_definition_is_read_from_a_file_and_from_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(cdm.DEFINITION, encoding="utf-8")
    held = as_definition(tmp_path / "c.yaml")
    assert held.concepts("diabetes").descendants and not held.concepts("insulin").descendants
    assert held.index.first_day.isoformat() == "2012-01-01" and held.endpoints["stroke"].competing == "death"
    assert as_definition(held.model_dump(by_alias=True, exclude_none=True)) == held


@pytest.mark.parametrize(("old", "new", "told"), [
    ("washout: 365", "washuot: 365", r"line 10, index.washuot: unknown key\n +fix: did you mean 'washout'"),
    ("condition: diabetes", "condition: diabtes", "line 9, index.event.condition: no concept set.*'diabetes'"),
    ("days: [-365, 0]", "days: [0, -365]", "line 15, exclude.earlier_stroke.days: the first day comes after the last"),
    ("{death: true}", "{deth: true}", "line 21, endpoints.os.deth: unknown key"),
    ("{death: true}", "{death: true, drug: insulin}", "name one of condition, drug and procedure"),
    ("{death: true}", "{death: true, competing: death}", "death does not compete with death"),
    ("at: [0, 182, 365]", "at: [0, 365, 182]", "visits.hba1c: the days do not increase"),
    ("washout: 365", "washout: many", "line 10, index.washout: Input should be a valid integer"),
    ("at_least: 20}\\n  drugs", "at_least: 2}\\n  drugs", "at_least: Input should be greater than or equal to 5"),
    ("of: [visit, drug]", "of: [visits, drug]", "costs.total.of.0: Input should be 'visit'"),
    ("stroke: {condition", "Stroke; DROP TABLE person: {condition", "String should match pattern"),
    ("index:", "indx:", "index: is missing"),
])  # fmt: skip
def test_a_wrong_definition_is_told_by_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = cdm.DEFINITION.replace(old.replace("\\n", "\n"), new.replace("\\n", "\n"), 1)
    assert text != cdm.DEFINITION
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(errors.FileError, match=f"(?s){told}"):
        as_definition(tmp_path / "c.yaml")


def test_an_arm_for_the_others_needs_arms() -> None:
    plain = {"concept_sets": {"mi": [1]}, "index": {"event": {"condition": "mi"}}, "endpoints": {"os": {"death": True}}}
    with pytest.raises(errors.FileError, match="names an arm, and there are no arms"):
        as_definition({**plain, "otherwise": "usual"})
