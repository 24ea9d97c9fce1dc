"""Texts of synthetic patients: the same seed gives the same bytes, patients are refused, a model is asked on record."""

from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import CallRecordError, LabelError, ModelCallError, SeedError, UnknownNameError
from heorsynth.language.models.model import open_model


def range_of(cohort: "hs.Cohort", first: int, last: int) -> np.ndarray:
    return np.arange(cohort.n)[first:last]


def test_patients_are_refused(real: "hs.Cohort") -> None:
    with pytest.raises(LabelError, match="patients never meet a text generator"):
        hs.narrate(real)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(synthetic: "hs.Cohort") -> None:
    assert hs.narrate(synthetic) == hs.narrate(synthetic)
    assert hs.narrate(synthetic, seed=2).texts != hs.narrate(synthetic).texts


def test_a_text_does_not_depend_on_the_other_patients(synthetic: "hs.Cohort") -> None:
    part = synthetic.take(range_of(synthetic, 7, 12))
    options = {"slots": ["age", "sex", "stage", "os.status"]}
    assert hs.narrate(part, **options).texts == hs.narrate(synthetic, **options).texts[7:12]


def test_a_text_states_the_facts_of_its_row(synthetic: "hs.Cohort") -> None:
    texts = hs.narrate(synthetic, "summary", units={"bili": "mg/dL"}, names={"bili": "serum bilirubin"})
    row = synthetic.frame.iloc[0]
    text = texts.texts[0]
    assert f"{row['bili']:.1f} mg/dL" in text and "erum bilirubin" in text
    assert f"{int(row['age'])} years" in text or f"{int(row['age'])}-year-old" in text
    assert f"{row['time']} days" in text and f"{row['cost']:.0f} EUR" in text


def test_an_unknown_kind_and_a_bad_seed_are_refused(synthetic: "hs.Cohort") -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'vignette'"):
        hs.narrate(synthetic, "vignete")
    with pytest.raises(SeedError):
        hs.narrate(synthetic, seed=-1)


def test_a_model_is_asked_once_a_patient_and_replayed(
    server: object, synthetic: "hs.Cohort", tmp_path: Path, chat_answer: object
) -> None:
    server.reply = lambda body: chat_answer(f"```\nText {len(server.requests)}.\n```", body)
    few = synthetic.take(range_of(synthetic, 0, 3))
    live = hs.narrate(few, model=open_model("openai:m", tmp_path, live=True, url=server.url))
    assert sorted(live.texts) == ["Text 1.", "Text 2.", "Text 3."] and live.maker == "openai:m"
    assert hs.narrate(few, model=open_model("openai:m", tmp_path)) == live
    with pytest.raises(CallRecordError, match="no live model"):
        hs.narrate(few, model=open_model("openai:m", tmp_path), seed=2)


def test_a_refusal_is_counted_and_only_refusals_are_an_error(
    server: object, synthetic: "hs.Cohort", tmp_path: Path, chat_answer: object
) -> None:
    replies = ["I'm sorry, no.", "A text.", "A text."]
    server.reply = lambda body: chat_answer(replies[(len(server.requests) - 1) % 3], body)
    few = synthetic.take(range_of(synthetic, 0, 3))
    texts = hs.narrate(few, model=open_model("openai:m", tmp_path, live=True, url=server.url))
    assert len(texts) == 2 and dict(texts.refused) == {texts[0].id[:-1] + "0": "the model declined to answer"}
    assert "1 by the model" in repr(texts)
    server.reply = lambda body: chat_answer("I'm sorry, no.", body)
    with pytest.raises(ModelCallError, match="no text for any patient"):
        hs.narrate(few, model=open_model("openai:n", tmp_path, live=True, url=server.url))


def test_prompts_hold_the_synthetic_rows_alone(server: object, synthetic: "hs.Cohort", tmp_path: Path) -> None:
    few = synthetic.take(range_of(synthetic, 0, 4))
    hs.narrate(few, model=open_model("openai:m", tmp_path, live=True, url=server.url), slots=["cost", "bili"])
    prompts = [one["body"]["messages"][1]["content"].split("<data>")[1] for one in server.requests]
    rows = zip(few.frame["bili"], few.frame["cost"], strict=True)
    assert prompts == [f"\ncost: {cost:.0f} EUR\nbilirubin: {bili:.1f}\n</data>" for bili, cost in rows]
