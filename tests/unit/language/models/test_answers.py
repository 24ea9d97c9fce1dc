"""Raw answers become texts by named steps, or are refused."""

import pytest

from heorsynth.core.errors import ModelCallError, UnknownNameError
from heorsynth.language.models.answers import USUAL, json_answer, processed
from heorsynth.language.models.calls import Answer


@pytest.mark.parametrize("raw, text", [
    ("  A text. \n", "A text."),
    ("```\nA text.\n```", "A text."),
    ("Here it is:\n```json\n{\"a\": 1}\n```\nDone.", '{"a": 1}'),
    ("e\u0301\u202e \x1b[31mred", "é [31mred"),
    ("```unclosed\nA text.", "```unclosed\nA text."),
])  # fmt: skip
def test_the_usual_steps_give_the_text(raw: str, text: str) -> None:
    assert processed(Answer(raw, "m"), USUAL) == text


@pytest.mark.parametrize("raw, finish, found", [
    ("I'm sorry, but I cannot help with that.", "stop", "declined"),
    ("I can’t assist.", "stop", "declined"),
    ("As an AI, I", "stop", "declined"),
    ("A text", "content_filter", "declined"),
    ("  \n", "stop", "is empty"),
    ("<data>\nage: 68 year\nsex: f\n</data>", "stop", "repeats the data of the prompt"),
    ("</data> A text.", "stop", "repeats the data of the prompt"),
    ("A woman of 6", "length", "was cut"),
    ("A woman of 6", "max_tokens", "was cut"),
])  # fmt: skip
def test_refusals_and_cut_answers_are_errors(raw: str, finish: str, found: str) -> None:
    with pytest.raises(ModelCallError, match=found):
        processed(Answer(raw, "m", finish=finish), USUAL)


def test_a_text_that_only_mentions_being_unable_is_kept() -> None:
    text = "The patient said: I cannot walk far."
    assert processed(Answer(text, "m"), USUAL) == text


def test_a_step_that_is_not_known_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'plain'"):
        processed(Answer("x", "m"), ("plane",))


@pytest.mark.parametrize("text", ['{"a": 1', "[1, 2", "", "nothing", "[" * 100_000])
def test_half_a_json_is_refused(text: str) -> None:
    with pytest.raises(ModelCallError, match="not complete JSON"):
        json_answer(text)


def test_data_that_break_the_schema_are_refused_without_their_values() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert json_answer('{"n": 4}', schema) == {"n": 4}
    with pytest.raises(ModelCallError, match=r"\$\.n: breaks the rule 'type'") as raised:
        json_answer('{"n": "Canary"}', schema)
    assert "Canary" not in str(raised.value)
