"""Recorded calls: read back to the byte, refused where they were altered."""

import json
from pathlib import Path

import pytest

from heorsynth.core.errors import CallRecordError
from heorsynth.language.models.calls import Answer, Call, digest
from heorsynth.language.models.prompts import PublishedText, Template
from heorsynth.language.models.records import Records

CALL = Call("openai", "m", Template("t", "Read. {text}").fill(PublishedText("A text.", "doi:1")))
ANSWER = Answer(" raw \u202e answer e\u0301 ", "m", "fp_1", "stop")


def test_a_record_gives_back_the_answer_and_names_all_that_was_asked(tmp_path: Path) -> None:
    records = Records(tmp_path / "calls")
    path = records.write(CALL, ANSWER)
    assert records.read(CALL) == ANSWER and CALL in records and records.keys() == [CALL.key] and len(records) == 1
    facts = json.loads(path.read_text(encoding="utf-8"))
    assert set(facts["call"]) == {
        "provider", "model", "parameters", "template", "about", "system", "user", "steps"}  # fmt: skip
    assert facts["call"]["template"]["sha256"] == CALL.prompt.template_sha256
    assert not [one for one in path.parent.iterdir() if one.name.startswith(".")]


def test_the_same_call_and_answer_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = (Records(tmp_path / name).write(CALL, ANSWER) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_record_is_never_replaced(tmp_path: Path) -> None:
    records = Records(tmp_path)
    before = records.write(CALL, ANSWER).read_bytes()
    assert records.write(CALL, Answer("another", "m")).read_bytes() == before


@pytest.mark.parametrize("edit", [
    lambda facts: facts["answer"].update(text="A better answer"),
    lambda facts: facts["call"].update(user="Another prompt"),
    lambda facts: facts["call"]["parameters"].update(seed=7),
    lambda facts: facts.update(note="added"),
])  # fmt: skip
def test_a_record_edited_by_hand_is_refused(tmp_path: Path, edit: object) -> None:
    path = Records(tmp_path).write(CALL, ANSWER)
    facts = json.loads(path.read_text(encoding="utf-8"))
    edit(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(CallRecordError, match="was altered") as raised:
        Records(tmp_path).read(CALL)
    assert "better" not in str(raised.value)


def test_a_record_of_another_call_under_this_name_is_refused(tmp_path: Path) -> None:
    path = Records(tmp_path).write(CALL, ANSWER)
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["call"]["user"] = "Another prompt"
    facts.pop("sha256")
    path.write_text(json.dumps({**facts, "sha256": digest(facts)}), encoding="utf-8")
    with pytest.raises(CallRecordError, match="was altered"):
        Records(tmp_path).read(CALL)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"sha256": 1}', b"[" * 100_000])
def test_what_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    records = Records(tmp_path)
    records.write(CALL, ANSWER).write_bytes(content)
    with pytest.raises(CallRecordError, match="is not a record|was altered"):  # noqa: RUF043
        records.read(CALL)


def test_a_missing_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CallRecordError, match="there is no such record"):
        Records(tmp_path / "none").read(CALL)
    assert Records(tmp_path / "none").keys() == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CallRecordError, match="cannot be written"):
        Records(tmp_path / "file" / "calls").write(CALL, ANSWER)
