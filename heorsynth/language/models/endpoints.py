"""Live models behind HTTP: any OpenAI-compatible endpoint, and Anthropic."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from heorsynth.core.errors import ModelCallError, Problem
from heorsynth.core.reading import json_of
from heorsynth.language.models.calls import Answer, Call

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 10_000_000
"""Largest answer that is read."""

_AGAIN = {408, 429, 500, 502, 503, 504, 529}
"""Status codes after which a call is sent again."""

_LONGEST_WAIT = 60.0
"""The longest pause between two attempts, in seconds, whatever the endpoint asks for."""


@dataclass(frozen=True)
class Endpoint:
    """A model behind HTTP.

    Parameters
    ----------
    provider : str        "openai" or "anthropic": the protocol spoken
    model : str           the model's name at the endpoint
    url : str             base address; the provider's own if not given
    key_variable : str    environment variable with the key; OPENAI_API_KEY or ANTHROPIC_API_KEY if not given
    timeout : float       seconds for one attempt, from the first byte sent to the last received
    attempts : int        how often a call is sent, at most

    Raises
    ------
    ModelCallError        the address is none, or holds a password
    """

    provider: str
    model: str
    url: str = ""
    key_variable: str = ""
    timeout: float = 60.0
    attempts: int = 4

    def __post_init__(self) -> None:
        parts = urlsplit(self._base)
        if parts.username or parts.password or parts.query:
            found = "holds a name, a password or a query"
            raise self._error(found, "give the key in an environment variable", "url")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._error("is no http address", "give for example https://api.openai.com/v1", "url")

    @property
    def _base(self) -> str:
        return (self.url or _PROTOCOLS[self.provider].url).rstrip("/")

    def send(self, call: Call) -> Answer:
        """Return the answer to a call.

        Raises
        ------
        ModelCallError    no key, no answer after all attempts, or an answer of another form, size or model
        """
        protocol = _PROTOCOLS[self.provider]
        variable = self.key_variable or protocol.key_variable
        key = os.environ.get(variable, "")
        if not key and not self.url:
            raise self._error("no key", f"set the environment variable {variable}")
        content = self._posted(protocol.path, protocol.headers(key), protocol.body(call))
        if key and key.encode() in content:
            raise self._error("the answer repeats the key", "do not use this endpoint")
        try:
            answer = protocol.answer(json_of(content))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise self._error("the answer is not complete JSON of its protocol", "check the address") from None
        self._require_model(answer)
        return answer

    def _require_model(self, answer: Answer) -> None:
        """Raise ModelCallError for another model than asked; a dated version of the model asked for is the same."""
        asked, got = self.model, answer.model
        if got != asked and not got.startswith(f"{asked}-") and got.rpartition("/")[2] != asked.rpartition("/")[2]:
            raise self._error("another model answered than was asked", "name the model as the endpoint does")

    def _posted(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> bytes:
        """Return the content of the response. A busy or silent endpoint is asked again, up to `attempts` times."""
        httpx = _httpx()
        found = ""
        with httpx.Client(follow_redirects=False, trust_env=False, verify=_certificates()) as client:
            for attempt in range(self.attempts):
                wait = min(0.5 * 2**attempt, _LONGEST_WAIT)
                try:
                    status, asked, content = self._attempt(client, path, headers, body)
                    if status == 200:
                        return content
                    found = f"status {status}"
                    if status not in _AGAIN:
                        break
                    wait = wait if asked is None else asked
                except httpx.TimeoutException:
                    found = f"no answer within {self.timeout:g} seconds"
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    found = f"no connection ({type(error).__name__})"
                if attempt + 1 < self.attempts:
                    time.sleep(wait)
        raise self._error(found, "check address, key and quota, or try again later")

    def _attempt(
        self, client: httpx.Client, path: str, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> tuple[int, float | None, bytes]:
        """Return status, the pause that the endpoint asks for, and the content."""
        httpx = _httpx()
        deadline, content = time.monotonic() + self.timeout, bytearray()
        with client.stream(
            "POST", self._base + path, json=dict(body), headers=dict(headers), timeout=self.timeout
        ) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > MOST_BYTES:
                    raise self._error(f"the answer has more than {MOST_BYTES:,} bytes", "lower max_tokens")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("slow")
            return response.status_code, _pause(response.headers.get("retry-after")), bytes(content)

    def _error(self, found: str, fix: str, where: str = "") -> ModelCallError:
        return ModelCallError(f"model {self.model!r} ({self.provider})", Problem(where, found, fix))


class _Wire(Protocol):
    """How a call is written and an answer read."""

    url: str
    path: str
    key_variable: str

    def headers(self, key: str) -> dict[str, str]: ...
    def body(self, call: Call) -> dict[str, Any]: ...
    def answer(self, facts: Any) -> Answer: ...


class _OpenAI:
    """The chat-completions protocol."""

    url, path, key_variable = "https://api.openai.com/v1", "/chat/completions", "OPENAI_API_KEY"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, call: Call) -> dict[str, Any]:
        settings = call.parameters
        return {
            "model": call.model,
            "messages": [
                {"role": "system", "content": call.prompt.system},
                {"role": "user", "content": call.prompt.user},
            ],
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_tokens,
            "seed": settings.seed,
        }

    def answer(self, facts: Any) -> Answer:
        choice = facts["choices"][0]
        text = choice["message"]["content"]
        finish = str(choice.get("finish_reason") or "stop")
        if choice["message"].get("refusal"):
            text, finish = str(choice["message"]["refusal"]), "refusal"
        if not isinstance(text, str):
            raise TypeError("no text")
        return Answer(text, str(facts["model"]), str(facts.get("system_fingerprint") or facts["model"]), finish)


class _Anthropic:
    """The messages protocol. It takes no seed."""

    url, path, key_variable = "https://api.anthropic.com", "/v1/messages", "ANTHROPIC_API_KEY"

    def headers(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def body(self, call: Call) -> dict[str, Any]:
        settings = call.parameters
        return {
            "model": call.model,
            "system": call.prompt.system,
            "messages": [{"role": "user", "content": call.prompt.user}],
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
        }

    def answer(self, facts: Any) -> Answer:
        text = "".join(part["text"] for part in facts["content"] if part["type"] == "text")
        return Answer(text, str(facts["model"]), str(facts["model"]), str(facts.get("stop_reason") or "stop"))


_PROTOCOLS: Mapping[str, _Wire] = {"openai": _OpenAI(), "anthropic": _Anthropic()}


def _pause(asked: str | None) -> float | None:
    """Return the seconds of a Retry-After header, at most `_LONGEST_WAIT`; None for none, and for a date."""
    try:
        return None if asked is None else min(max(float(asked), 0.0), _LONGEST_WAIT)
    except ValueError:
        return None


@cache
def _certificates() -> Any:
    """Return the certificates that servers are checked against; reading them takes longer than a call."""
    return _httpx().create_ssl_context(trust_env=False)


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        fix = "pip install 'heorsynth[language]'"
        raise ModelCallError("language model", Problem("", "httpx is not installed", fix)) from None
    return httpx
