"""A recorded call is replayed to the byte without network; a live call is made only where allowed."""

import json
import socket
from pathlib import Path

import pytest

from heorsynth.core.errors import CallRecordError, ModelCallError, PromptError, UnknownNameError
from heorsynth.language.models.local import LocalModel
from heorsynth.language.models.model import open_model
from heorsynth.language.models.prompts import PublishedText, Template

KEY = "sk-canary-key-7319-not-a-real-one"
TEMPLATE = Template("t", "Read. {text}")
PROMPT = TEMPLATE.fill(PublishedText("A text.", "doi:1"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def recorded(server: object, folder: Path) -> str:
    return open_model("openai:m", folder, live=True, url=server.url).ask(PROMPT)


def test_a_live_call_is_recorded_and_replayed_without_asking_again(server: object, tmp_path: Path) -> None:
    text = recorded(server, tmp_path)
    assert recorded(server, tmp_path) == text and len(server.requests) == 1


def test_a_replay_is_byte_identical_and_opens_no_connection(
    server: object, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = recorded(server, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    server.stop()
    request.getfixturevalue("offline")
    assert open_model("openai:m", tmp_path).ask(PROMPT).encode() == text.encode()
    assert open_model("openai:m", tmp_path, live=True).ask(PROMPT) == text
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    server.stop = lambda: None


def test_a_missing_record_is_an_error_and_no_silent_call(offline: None, tmp_path: Path) -> None:
    with pytest.raises(CallRecordError, match="there is no record of it, and no live model"):
        open_model("openai:m", tmp_path).ask(PROMPT)


def test_a_changed_prompt_seed_or_step_is_a_new_call(server: object, tmp_path: Path) -> None:
    model = open_model("openai:m", tmp_path, live=True, url=server.url)
    model.ask(PROMPT)
    model.ask(TEMPLATE.fill(PublishedText("Another text.", "doi:1")))
    model.ask(PROMPT, seed=3)
    model.ask(PROMPT, steps=("plain",))
    assert len(server.requests) == 4 and len(model.records) == 4


def test_an_edited_record_is_refused_even_with_a_live_model(server: object, tmp_path: Path) -> None:
    recorded(server, tmp_path)
    path = next(tmp_path.iterdir())
    path.write_text(path.read_text(encoding="utf-8").replace("A text.", "A trick."), encoding="utf-8")
    with pytest.raises(CallRecordError, match="was altered"):
        recorded(server, tmp_path)


def test_no_record_holds_the_key(server: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    recorded(server, tmp_path)
    assert server.requests[0]["headers"]["authorization"].endswith(KEY)
    held = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert KEY not in held and "127.0.0.1" not in held


def test_a_refused_answer_is_recorded_and_refused_again(server: object, tmp_path: Path, chat_answer: object) -> None:
    server.reply = lambda body: chat_answer("I'm sorry, I cannot.", body)
    for _ in range(2):
        with pytest.raises(ModelCallError, match="declined"):
            recorded(server, tmp_path)
    assert len(server.requests) == 1
    assert "I'm sorry" in json.loads(next(tmp_path.iterdir()).read_text(encoding="utf-8"))["answer"]["text"]


def test_only_a_prompt_is_asked(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="str is no prompt"):
        open_model("openai:m", tmp_path).ask("a patient's row")


def test_versions_are_those_that_answered(server: object, tmp_path: Path) -> None:
    recorded(server, tmp_path)
    assert set(open_model("openai:m", tmp_path).versions.values()) == {"fp_1"}


@pytest.mark.parametrize("name, kind", [("opnai:m", UnknownNameError), ("openai:", ModelCallError)])
def test_an_unknown_provider_or_no_model_is_refused(name: str, kind: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(kind):
        open_model(name, tmp_path)


def test_a_local_model_is_replayed_without_its_file_and_asked_only_with_it(tmp_path: Path) -> None:
    assert open_model("gguf:/some/where/small.gguf", tmp_path).name == "small"
    with pytest.raises(ModelCallError, match="there is no such file"):
        LocalModel(tmp_path / "none.gguf")
