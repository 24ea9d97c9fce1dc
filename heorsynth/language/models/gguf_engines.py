"""Libraries that answer from a GGUF file: llama-cpp-python, or transformers with gguf, installed separately."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from heorsynth.language.models.calls import Parameters

LLAMA_CPP, TRANSFORMERS = "llama-cpp-python", "transformers"

_NEEDED = {LLAMA_CPP: ("llama_cpp",), TRANSFORMERS: ("transformers", "gguf", "accelerate", "torch")}
"""Engine to the packages that it needs, in the order of preference."""


class Engine(Protocol):
    """A loaded model file."""

    @property
    def name(self) -> str:
        """Library, its version and the number of threads, for the record."""

    def chat(self, messages: Sequence[Mapping[str, str]], settings: Parameters) -> tuple[str, str]:
        """Return the answer and why it ended. Raise ValueError if the messages do not fit the context."""


def engine_here() -> str:
    """Return the engine that is installed here; "" for none.

    Examples
    --------
    >>> engine_here() in ("llama-cpp-python", "transformers", "")
    True
    """
    return next((name for name, needed in _NEEDED.items() if all(find_spec(one) for one in needed)), "")


def open_engine(name: str, path: Path, context: int, threads: int) -> Engine:
    """Return an engine with its file loaded. Raise ValueError or OSError for a file that cannot be loaded."""
    return _OPENED[name](path, context, threads)


@dataclass(frozen=True)
class _LlamaCpp:
    """llama.cpp, through llama-cpp-python."""

    loaded: Any
    name: str

    @classmethod
    def opened(cls, path: Path, context: int, threads: int) -> _LlamaCpp:
        library = import_module("llama_cpp")
        loaded = library.Llama(str(path), n_ctx=context, n_threads=threads, seed=0, verbose=False)
        return cls(loaded, f"{LLAMA_CPP} {getattr(library, '__version__', '')}, {_counted(threads)}".replace(" ,", ","))

    def chat(self, messages: Sequence[Mapping[str, str]], settings: Parameters) -> tuple[str, str]:
        facts = self.loaded.create_chat_completion(
            messages=[dict(one) for one in messages],
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_tokens,
            seed=settings.seed,
        )
        choice = facts["choices"][0]
        return choice["message"]["content"], str(choice["finish_reason"])


@dataclass(frozen=True)
class _Transformers:
    """transformers, which reads the file through gguf and computes in 32-bit numbers with torch."""

    tokens: Any
    loaded: Any
    context: int
    threads: int
    name: str

    @classmethod
    def opened(cls, path: Path, context: int, threads: int) -> _Transformers:
        library = import_module("transformers")
        with redirect_stderr(io.StringIO()):  # a progress bar for each tensor
            tokens, loaded = (
                kind.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
                for kind in (library.AutoTokenizer, library.AutoModelForCausalLM)
            )
        told = ", ".join(f"{one} {version(one).split('+')[0]}" for one in (TRANSFORMERS, "gguf", "torch"))
        return cls(tokens, loaded, context, threads, f"{told}, {_counted(threads)}")

    def chat(self, messages: Sequence[Mapping[str, str]], settings: Parameters) -> tuple[str, str]:
        given = self.tokens.apply_chat_template(
            [dict(one) for one in messages], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        n = given["input_ids"].shape[1]
        if n + settings.max_tokens > self.context:
            raise ValueError("the context is too short")
        drawn = settings.temperature > 0
        how = {"temperature": settings.temperature, "top_p": settings.top_p} if drawn else {}
        with _on_threads(self.threads, settings.seed):
            told = self.loaded.generate(**given, max_new_tokens=settings.max_tokens, do_sample=drawn, **how)[0][n:]
        ended = len(told) > 0 and int(told[-1]) == self.tokens.eos_token_id
        return self.tokens.decode(told, skip_special_tokens=True), "stop" if ended else "length"


@contextmanager
def _on_threads(threads: int, seed: int) -> Iterator[None]:
    """Let torch compute on so many threads from this seed; its threads and its random state are put back."""
    torch = import_module("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


def _counted(threads: int) -> str:
    return f"{threads} thread" + ("s" if threads > 1 else "")


_OPENED: Mapping[str, Callable[[Path, int, int], Engine]] = {
    LLAMA_CPP: _LlamaCpp.opened,
    TRANSFORMERS: _Transformers.opened,
}
