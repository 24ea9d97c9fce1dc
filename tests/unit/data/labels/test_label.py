"""The label as JSON: what is kept is told, and older labels without it are read."""

import json

import pytest

from heorsynth.core.errors import LabelError
from heorsynth.data.labels.label import Label, patients_behind

FACTS = {"release": "1a2b3c4d", "generator": "heor", "n_source": 90, "rests_on": 90, "n_rows": 90, "part": 0, "m": 2,
         "seed": 1, "version": "0.1", "settings": {}}  # fmt: skip


def test_a_label_of_an_older_version_keeps_nothing_and_is_written_as_it_was() -> None:
    label = Label.from_dict(FACTS)
    assert label.kept == ()
    assert "kept" not in label.to_dict()
    assert Label.from_json(label.to_json()) == label


def test_the_kept_columns_are_written_and_read_back() -> None:
    label = Label.from_dict({**FACTS, "kept": ["u0", "age"]})
    assert label.kept == ("u0", "age")
    assert json.loads(label.to_json())["kept"] == ["u0", "age"]
    assert label.shared["kept"] == ["u0", "age"]
    assert Label.from_json(label.to_json()) == label


@pytest.mark.parametrize("kept", ["u0", [1], {"u0": 1}, None])
def test_kept_that_is_no_list_of_names_is_no_label(kept: object) -> None:
    with pytest.raises(LabelError):
        Label.from_dict({**FACTS, "kept": kept})


def test_cohorts_rest_on_the_fewest_patients_in_any_label() -> None:
    some, others = Label.from_dict(FACTS), Label.from_dict({**FACTS, "rests_on": 40})
    assert patients_behind(90, [some, None, others]) == 40
    assert patients_behind(90, [None]) == patients_behind(90, []) == 90
