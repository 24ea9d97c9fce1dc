"""Release levels in words, and in labels of every age."""

import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.levels import key_sentence, level_problem, level_sentence


def test_each_level_says_who_may_receive_the_rows() -> None:
    assert level_sentence("internal") == "Release level internal: not to leave the custodian."
    assert level_sentence("public", "public").endswith("for anybody. The key of its noise is public: the data are.")
    assert level_sentence("shared", "0123456789abcdef").endswith("the custodian's secret key 0123456789abcdef.")
    assert "treat it as internal" in level_sentence("")
    assert key_sentence("0123456789abcdef").endswith("0123456789abcdef.")


def test_a_level_that_is_none_gets_the_nearest_name() -> None:
    wrong = level_problem("share")
    assert wrong is not None and wrong.fix == "did you mean 'shared'?"
    assert level_problem(3) is not None and level_problem("public") is None


def test_every_label_states_its_level_and_older_labels_are_read_without_one() -> None:
    label = hs.generators.create("marginals").fit(hs.datasets.load("pbc")).sample(m=1)[0].label
    assert label is not None and label.to_dict()["level"] == "internal" and "noise_key" not in label.to_dict()
    facts = {name: value for name, value in label.to_dict().items() if name != "level"}
    old = Label.from_dict(facts)
    assert old.level == "" and old.to_dict() == facts
    with pytest.raises(errors.LabelError):
        Label.from_dict({**facts, "level": "everybody"})
