"""A call is identified by all that is asked."""

from dataclasses import replace

from heorsynth.language.models.calls import Call, Parameters, canonical
from heorsynth.language.models.prompts import PublishedText, Template


def call(text: str = "A text.", template: str = "Read. {text}") -> Call:
    return Call("openai", "m", Template("t", template).fill(PublishedText(text, "doi:1")), Parameters(), ("plain",))


def test_every_change_of_a_call_changes_its_key() -> None:
    first = call()
    changed = [
        call("Another text."), call(template="Read it. {text}"), replace(first, model="n"),
        replace(first, provider="anthropic"), replace(first, parameters=Parameters(seed=1)),
        replace(first, parameters=Parameters(temperature=0.5)), replace(first, steps=()),
    ]  # fmt: skip
    assert len({one.key for one in [first, *changed]}) == 1 + len(changed)
    assert call().key == first.key


def test_canonical_json_is_ascii_and_sorted() -> None:
    assert canonical({"b": "é", "a": 1}) == b'{"a":1,"b":"\\u00e9"}'
