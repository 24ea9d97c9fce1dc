"""Live models on this machine: a GGUF file through llama-cpp-python, which is installed separately."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from heorsynth.core.errors import ModelCallError, Problem
from heorsynth.language.models.calls import Answer, Call


@dataclass(frozen=True)
class LocalModel:
    """A GGUF file.

    Parameters
    ----------
    path : path         the file; its name without ending is the model's name, and no record holds its folder
    context : int       tokens of prompt and answer together
    threads : int       the answer of some models depends on it, so it is fixed

    Raises
    ------
    ModelCallError      there is no such file, or llama-cpp-python is not installed
    """

    path: Path
    context: int = 2048
    threads: int = 2

    provider = "gguf"

    def __post_init__(self) -> None:
        if not Path(self.path).is_file():
            raise self._error("there is no such file", "give the path of a GGUF file")

    @property
    def model(self) -> str:
        """The file's name without ending."""
        return Path(self.path).stem

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file: the version of the model."""
        with Path(self.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _loaded(self) -> Any:
        try:
            from llama_cpp import Llama
        except ImportError:
            raise self._error("llama-cpp-python is not installed", "pip install llama-cpp-python") from None
        try:
            return Llama(str(self.path), n_ctx=self.context, n_threads=self.threads, seed=0, verbose=False)
        except (ValueError, OSError):
            raise self._error("cannot be loaded", "give a complete GGUF file") from None

    def send(self, call: Call) -> Answer:
        """Return the answer to a call; raise ModelCallError if the prompt does not fit the context."""
        settings = call.parameters
        try:
            facts = self._loaded.create_chat_completion(
                messages=[
                    {"role": "system", "content": call.prompt.system},
                    {"role": "user", "content": call.prompt.user},
                ],
                temperature=settings.temperature,
                top_p=settings.top_p,
                max_tokens=settings.max_tokens,
                seed=settings.seed,
            )
        except ValueError:
            raise self._error("the prompt does not fit its context", "shorten it, or raise context") from None
        choice = facts["choices"][0]
        return Answer(choice["message"]["content"], self.model, f"sha256:{self.sha256}", str(choice["finish_reason"]))

    def _error(self, found: str, fix: str) -> ModelCallError:
        return ModelCallError(f"model {self.model!r} (gguf)", Problem("", found, fix))
