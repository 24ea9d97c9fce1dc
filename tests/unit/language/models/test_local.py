"""A local model: its version is the hash of its file, and its library is asked with all settings."""

import hashlib
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from heorsynth.core.errors import ModelCallError
from heorsynth.language.models.calls import Call, Parameters
from heorsynth.language.models.local import LocalModel
from heorsynth.language.models.prompts import PublishedText, Template

CALL = Call("gguf", "small", Template("t", "Read. {text}").fill(PublishedText("A text.", "doi:1")), Parameters(seed=4))


class Llama:
    """Stands for the library's class: answers with what it was asked."""

    def __init__(self, path: str, **settings: object) -> None:
        if Path(path).read_bytes() == b"damaged":
            raise ValueError(path)

    def create_chat_completion(self, messages: list[dict[str, str]], **settings: object) -> dict[str, Any]:
        if len(messages[1]["content"]) > 1000:
            raise ValueError("too long")
        text = f"{messages[1]['content']}|{settings['seed']}|{settings['temperature']}"
        return {"choices": [{"message": {"content": text}, "finish_reason": "length"}]}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    library = types.ModuleType("llama_cpp")
    library.Llama, library.__version__ = Llama, "0.3"
    library.__spec__ = ModuleSpec("llama_cpp", None)
    monkeypatch.setitem(sys.modules, "llama_cpp", library)
    path = tmp_path / "small.gguf"
    path.write_bytes(b"weights")
    return path


def test_a_call_is_sent_with_its_settings_and_the_answer_names_the_file_by_its_hash(file: Path) -> None:
    answer = LocalModel(file).send(CALL)
    assert answer.text == f"{CALL.prompt.user}|4|0.0" and answer.finish == "length" and answer.model == "small"
    assert answer.engine == "llama-cpp-python 0.3, 1 thread"
    assert answer.version == "sha256:" + hashlib.sha256(b"weights").hexdigest()


def test_a_damaged_file_and_a_prompt_that_does_not_fit_are_errors_without_path_and_prompt(file: Path) -> None:
    long = Call("gguf", "small", Template("t", "{text}").fill(PublishedText("canary " * 200, "doi:1")))
    with pytest.raises(ModelCallError, match="does not fit its context") as raised:
        LocalModel(file).send(long)
    assert "canary" not in str(raised.value)
    file.write_bytes(b"damaged")
    with pytest.raises(ModelCallError, match="cannot be loaded") as raised:
        LocalModel(file).send(CALL)
    assert str(file.parent) not in str(raised.value)


def test_without_the_library_the_error_says_what_to_install(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("llama_cpp", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModelCallError, match="pip install llama-cpp-python"):
        LocalModel(file).send(CALL)
