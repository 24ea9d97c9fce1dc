"""Plain data is written so that the reader of paper files gets the same digits and words."""

from pathlib import Path

from heorsynth.core.yaml_lines import number_texts, read_yaml
from heorsynth.language.proposals.yaml_text import yaml_text


def test_numbers_keep_their_digits_and_other_text_stays_text(tmp_path: Path) -> None:
    facts = {
        "a": "0.80",
        "b": ["007", "12,300", "34%", "no", "−0.1", "a: b", "é"],
        "c": {"d": "6", "e": None, "f": "1e3"},
    }
    path = tmp_path / "x.yaml"
    path.write_text(yaml_text(facts), encoding="utf-8")
    plain, _, raw = read_yaml(path)
    assert plain == {"a": 0.8, "b": facts["b"], "c": {"d": 6, "e": None, "f": "1e3"}}
    assert number_texts(raw)["a",] == "0.80"
