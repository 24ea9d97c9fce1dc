"""One call of a language model: what was asked, what was answered, and the hash that identifies the call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from heorsynth.language.models.prompts import Prompt


@dataclass(frozen=True)
class Parameters:
    """Settings of a call.

    Attributes
    ----------
    temperature : float    0 takes the most probable token
    top_p : float
    max_tokens : int       of the answer
    seed : int             given to the model where it takes one
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int = 0


@dataclass(frozen=True)
class Call:
    """What is asked of a model.

    Attributes
    ----------
    provider : str             "openai", "anthropic" or "gguf": the protocol that is spoken
    model : str                the model's name
    prompt : Prompt
    parameters : Parameters
    steps : tuple of str       post-processing of the raw answer, in order (`answers.STEPS`)
    """

    provider: str
    model: str
    prompt: Prompt
    parameters: Parameters = field(default_factory=Parameters)
    steps: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the call as JSON-ready data."""
        prompt = self.prompt
        return {
            "provider": self.provider,
            "model": self.model,
            "parameters": asdict(self.parameters),
            "template": {"name": prompt.template, "sha256": prompt.template_sha256},
            "about": dict(prompt.about),
            "system": prompt.system,
            "user": prompt.user,
            "steps": list(self.steps),
        }

    @property
    def key(self) -> str:
        """SHA-256 of the call in canonical JSON. Any change of prompt, model or settings gives another key."""
        return digest(self.to_dict())


@dataclass(frozen=True)
class Answer:
    """What a model answered, unchanged.

    Attributes
    ----------
    text : str        the raw answer
    model : str       the model that answered, as it names itself
    version : str     its version or digest; "" where the endpoint gives none
    finish : str      why it ended, as the endpoint says: "stop", "length", …
    engine : str      of a model on this machine: the library that computed the answer, with its version and threads
    """

    text: str
    model: str
    version: str = ""
    finish: str = "stop"
    engine: str = ""


class Client(Protocol):
    """A live model."""

    @property
    def provider(self) -> str:
        """The protocol that it speaks."""

    @property
    def model(self) -> str:
        """The model's name."""

    def send(self, call: Call) -> Answer:
        """Return the answer. Raise ModelCallError if there is none."""


def canonical(facts: Mapping[str, Any]) -> bytes:
    """Return JSON-ready data as bytes that depend on the content only."""
    return json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def digest(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON-ready data, in hex.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical(facts)).hexdigest()
