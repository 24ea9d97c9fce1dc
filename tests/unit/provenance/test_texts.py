"""Reporting items of texts: what the record says is said, the rest is "not reported"."""

import json
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core.errors import UnknownNameError
from heorsynth.language.models.calls import Answer, Call
from heorsynth.language.models.model import Model
from heorsynth.language.models.records import Records
from heorsynth.provenance.texts import reporting_items

SLOTS = ["age", "sex"]


class _Echo:
    """A model that repeats the facts it was given."""

    provider, model = "openai", "echo"

    def send(self, call: Call) -> Answer:
        return Answer(call.prompt.user.split("<data>")[1].split("</data>")[0].replace("\n", ". "), "echo", "echo-7")


@pytest.fixture(scope="module")
def drawn() -> "hs.Cohort":
    lung = hs.datasets.load("lung")
    return hs.generators.create("marginals").fit(lung, seed=1).sample(n=12, m=1, seed=1)[0]


def test_texts_by_a_model_are_reported_from_texts_checks_and_record(drawn: "hs.Cohort", tmp_path: Path) -> None:
    model = Model("openai", "echo", Records(tmp_path), client=_Echo())
    texts = hs.narrate(drawn, model=model, slots=SLOTS)
    report = hs.check_text(texts, drawn, slots=SLOTS, checks=["facts", "identifiers"])
    items = reporting_items(texts, report=report, model=model, answers={"elevate.8": "Teaching"}).set_index("id")
    assert len(items) == 17 and (items["answered_by"][items["status"] == "not reported"] == "nobody").all()
    assert "openai:echo, version echo-7; temperature 0" in items.loc["elevate.1", "answer"]
    call = json.loads(next(tmp_path.iterdir()).read_text(encoding="utf-8"))["call"]
    assert call["template"]["sha256"][:12] in items.loc["rao.prompts", "answer"]
    share = report["facts: texts with any fault"].estimate
    assert f"{100 * share.value:.1f}%" in items.loc["elevate.2", "answer"]
    assert items.loc["elevate.8", ["answer", "answered_by"]].tolist() == ["Teaching", "person"]
    assert items.loc[["elevate.6", "elevate.7", "rao.human"], "status"].tolist() == ["not reported"] * 3
    assert "12 recorded calls" in items.loc["elevate.5", "answer"]


def test_template_texts_have_no_model_to_report(drawn: "hs.Cohort") -> None:
    items = reporting_items(hs.narrate(drawn, slots=SLOTS)).set_index("id")
    assert set(items["status"][items["source"] == "ELEVATE-GenAI"]) == {"not applicable"}
    assert "no language model" in items.loc["rao.prompts", "answer"]


def test_an_answer_to_an_unknown_item_is_refused(drawn: "hs.Cohort") -> None:
    with pytest.raises(UnknownNameError, match="elevate"):
        reporting_items(hs.narrate(drawn, slots=SLOTS), answers={"elevate.11": "x"})
