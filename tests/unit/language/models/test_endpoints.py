"""Live models behind HTTP, against a server on the loopback that misbehaves."""

import json
import socket
import time
import traceback
from collections.abc import Callable

import pytest

from heorsynth.core.errors import ModelCallError
from heorsynth.language.models import endpoints
from heorsynth.language.models.calls import Answer, Call, Parameters
from heorsynth.language.models.endpoints import Endpoint
from heorsynth.language.models.prompts import PublishedText, Template

KEY = "sk-canary-key-7319-not-a-real-one"
PROMPT = Template("t", "Read. {text}").fill(PublishedText("A secret-canary text.", "doi:1"))
CALL = Call("openai", "m", PROMPT, Parameters(seed=5, max_tokens=9))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(endpoints, "_LONGEST_WAIT", 0.01)


def failed(endpoint: Endpoint, call: Call = CALL) -> str:
    """The whole traceback of a failed call, as a log would hold it."""
    with pytest.raises(ModelCallError) as raised:
        endpoint.send(call)
    text = "".join(traceback.format_exception(raised.value)) + repr(endpoint)
    assert KEY not in text and "secret-canary" not in text
    return str(raised.value)


def test_the_chat_protocol_sends_prompt_and_settings_and_reads_the_answer(server: object) -> None:
    answer = Endpoint("openai", "m", server.url).send(CALL)
    assert answer == Answer("A text.", "m", "fp_1", "stop")
    sent = server.requests[0]
    assert sent["path"] == "/v1/chat/completions" and sent["headers"]["authorization"] == f"Bearer {KEY}"
    assert sent["body"]["seed"] == 5 and sent["body"]["max_tokens"] == 9
    assert [one["content"] for one in sent["body"]["messages"]] == [PROMPT.system, PROMPT.user]


def test_the_messages_protocol_likewise(server: object) -> None:
    parts = [{"type": "text", "text": "A "}, {"type": "tool_use"}, {"type": "text", "text": "text."}]
    facts = {"model": "c-20260101", "content": parts, "stop_reason": "end_turn"}
    server.reply = lambda body: (200, {}, json.dumps(facts).encode())
    call = Call("anthropic", "c", PROMPT)
    answer = Endpoint("anthropic", "c", server.url.removesuffix("/v1")).send(call)
    assert answer == Answer("A text.", "c-20260101", "c-20260101", "end_turn")
    sent = server.requests[0]
    assert sent["path"] == "/v1/messages" and sent["headers"]["x-api-key"] == KEY and sent["body"]["system"]


def test_an_endpoint_that_is_down_is_an_error_after_all_attempts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert "no connection (ConnectError)" in failed(Endpoint("openai", "m", url))


def test_a_slow_endpoint_is_given_up(server: object) -> None:
    server.delay = 0.5
    begun = time.monotonic()
    assert "no answer within 0.1 seconds" in failed(Endpoint("openai", "m", server.url, timeout=0.1, attempts=2))
    assert time.monotonic() - begun < 3


def test_a_busy_endpoint_is_asked_again_after_the_pause_it_asks_for(server: object, chat_answer: Callable) -> None:
    replies = [(429, {"retry-after": "0"}, b""), (503, {}, b""), None]
    server.reply = lambda body: replies.pop(0) or chat_answer("Late.", body)
    assert Endpoint("openai", "m", server.url).send(CALL).text == "Late."
    assert len(server.requests) == 3


def test_retries_end(server: object) -> None:
    server.reply = lambda body: (429, {"retry-after": "86400"}, KEY.encode())
    assert "status 429" in failed(Endpoint("openai", "m", server.url, attempts=3))
    assert len(server.requests) == 3


def test_a_refused_key_is_not_asked_again_and_its_echo_is_not_shown(server: object) -> None:
    server.reply = lambda body: (401, {}, f"Incorrect API key provided: {KEY}".encode())
    assert "status 401" in failed(Endpoint("openai", "m", server.url))
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed(server: object) -> None:
    server.reply = lambda body: (307, {"location": "http://127.0.0.1:9/steal"}, b"")
    assert "status 307" in failed(Endpoint("openai", "m", server.url))


@pytest.mark.parametrize("content", [b'{"choices": [{"mess', b"", b"<html>", b"[]", b'{"choices": []}',
                                     b'{"model": "m", "choices": [{"message": {"content": null}}]}'])  # fmt: skip
def test_half_a_response_is_an_error(server: object, content: bytes) -> None:
    server.reply = lambda body: (200, {}, content)
    assert "not complete JSON of its protocol" in failed(Endpoint("openai", "m", server.url))


def test_another_model_than_asked_is_an_error_and_its_dated_version_is_not(
    server: object, chat_answer: Callable
) -> None:
    server.reply = lambda body: chat_answer("A text.", {"model": "other"})
    assert "another model answered" in failed(Endpoint("openai", "m", server.url))
    server.reply = lambda body: chat_answer("A text.", {"model": "m-2026-01-01"})
    assert Endpoint("openai", "m", server.url).send(CALL).model == "m-2026-01-01"


def test_an_answer_that_repeats_the_key_is_an_error(server: object, chat_answer: Callable) -> None:
    server.reply = lambda body: chat_answer(f"Your key is {KEY}.", body)
    assert "repeats the key" in failed(Endpoint("openai", "m", server.url))


def test_an_answer_of_ten_megabytes_is_given_up(server: object) -> None:
    server.reply = lambda body: (200, {}, b" " * 10_000_001)
    assert "more than 10,000,000 bytes" in failed(Endpoint("openai", "m", server.url, attempts=1))


def test_a_refusal_of_the_endpoint_is_an_answer_that_says_so(server: object) -> None:
    choice = {"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}
    server.reply = lambda body: (200, {}, json.dumps({"model": "m", "choices": [choice]}).encode())
    assert Endpoint("openai", "m", server.url).send(CALL).finish == "refusal"


def test_without_a_key_the_provider_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "set the environment variable OPENAI_API_KEY" in failed(Endpoint("openai", "m"))


@pytest.mark.parametrize("url", ["https://me:pass@host/v1", "ftp://host", "host", "https://host/?key=1"])
def test_an_address_with_a_password_or_without_http_is_refused(url: str) -> None:
    with pytest.raises(ModelCallError, match="url") as raised:
        Endpoint("openai", "m", url)
    assert "pass@" not in str(raised.value)
