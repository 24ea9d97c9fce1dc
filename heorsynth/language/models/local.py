"""Live models on this machine: a GGUF file, answered by a library that is installed separately."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from heorsynth.core.errors import ModelCallError, Problem
from heorsynth.language.models.calls import Answer, Call
from heorsynth.language.models.gguf_engines import Engine, engine_here, open_engine


@dataclass(frozen=True)
class LocalModel:
    """A GGUF file.

    Parameters
    ----------
    path : path         the file; its name without ending is the model's name, and no record holds its folder
    context : int       tokens of prompt and answer together
    threads : int       the last digits of a sum depend on it, and so may an answer; it is fixed, and recorded

    Raises
    ------
    ModelCallError      there is no such file, or neither engine is installed

    Notes
    -----
    llama-cpp-python answers where it is installed, else transformers with gguf. They round differently, so the record
    names the engine.
    """

    path: Path
    context: int = 2048
    threads: int = 1

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
    def _engine(self) -> Engine:
        name = engine_here()
        if not name:
            fix = "pip install llama-cpp-python; or pip install torch==2.13.0 transformers gguf accelerate"
            raise self._error("no library that reads GGUF files is installed", fix)
        try:
            return open_engine(name, Path(self.path), self.context, self.threads)
        except (ValueError, OSError, KeyError, struct.error):
            raise self._error("cannot be loaded", "give a complete GGUF file") from None

    def send(self, call: Call) -> Answer:
        """Return the answer to a call; raise ModelCallError if the prompt does not fit the context."""
        prompt, engine = call.prompt, self._engine
        messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        try:
            text, finish = engine.chat(messages, call.parameters)
        except ValueError:
            raise self._error("the prompt does not fit its context", "shorten it, or raise context") from None
        return Answer(text, self.model, f"sha256:{self.sha256}", finish, engine.name)

    def _error(self, found: str, fix: str) -> ModelCallError:
        return ModelCallError(f"model {self.model!r} (gguf)", Problem("", found, fix))
