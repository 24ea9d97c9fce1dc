"""The block `narratives` of a protocol: its forms and its errors, each with its line and the nearest name."""

from pathlib import Path

import pytest

from heorsynth.core.errors import ProtocolError
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import read_lock, write_lock

PROTOCOL = """\
heorsynth: 1
title: Texts
purpose: teaching
cohort: {{source: {{dataset: lung}}}}
generator: {{name: marginals, seed: 1}}
narratives:
  slots: [age, sex]
  {more}
"""


def protocol(folder: Path, more: str) -> Path:
    path = folder / "p.yaml"
    path.write_text(PROTOCOL.format(more=more), encoding="utf-8")
    return path


def test_a_block_has_defaults_and_a_short_form_of_its_model(tmp_path: Path) -> None:
    plain = read_protocol(protocol(tmp_path, "levels: {sex: {m: male, true: yes}}")).document.narratives
    assert (plain.kind, plain.patients, plain.checks, plain.model) == ("vignette", 60, ["facts", "identifiers"], None)
    assert plain.facts["levels"] == {"sex": {"m": "male", "True": "yes"}}
    short = read_protocol(protocol(tmp_path, "model: openai:gpt-4o-mini")).document.narratives.model
    assert (short.name, short.records, short.temperature) == ("openai:gpt-4o-mini", "records", 0.0)


def test_every_mistake_is_told_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    for more, said in (
        ("kinds: summary", "line 8, narratives.kinds: unknown key\n      fix: did you mean 'kind'?"),
        ("kind: sumary", "line 8, narratives.kind: no such kind of text\n      fix: did you mean 'summary'?"),
        ("language: de", "line 8, narratives.language: no texts in this language yet"),
        ("checks: [facts, duplicate]", "narratives.checks.1: no such check of texts"),
        ("checks: [memorised]", "no such check of texts"),
        ("patients: 0", "line 8, narratives.patients"),
        ("model: opnai:m", "line 8, narratives.model: unknown provider\n      fix: did you mean 'openai'?"),
        ("model: {name: 'openai:'}", "line 8, narratives.model.name: no model is named"),
        ("model: {nam: 'openai:m'}", "narratives.model.nam: unknown key\n      fix: did you mean 'name'?"),
        ("model: {name: 'openai:m', url: 'https://me:pass@host/v1'}", "narratives.model.url: holds a name, a password"),
        ("model: {name: 'openai:m', records: ../r}", "narratives.model.records: lies outside the protocol's folder"),
        ("model: {name: 'openai:m', records: /r}", "lies outside"),
        ("model: {name: 'openai:m', prompt: 'Tell {fcats}.'}", "{fcats}: no such slot"),
        ("model: {name: 'openai:m', prompt: 'Tell {text}.'}", "its only slot must be {facts}"),
        ("model: {name: 'openai:m', prompt: 'Tell.'}", "narratives.model.prompt: it has no slot"),
        ("model: {name: 'openai:m', temperature: -1}", "narratives.model.temperature"),
        ("model: [openai]", "narratives.model"),
    ):  # fmt: skip
        with pytest.raises(ProtocolError) as raised:
            read_protocol(protocol(tmp_path, more))
        assert said in str(raised.value) and "pass@" not in str(raised.value), more
    path = protocol(tmp_path, "")
    path.write_text(path.read_text().replace("slots: [age, sex]", "patients: 5"), encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"narratives.slots: is missing"):
        read_protocol(path)


def test_the_lock_holds_the_block(tmp_path: Path) -> None:
    path = protocol(tmp_path, "levels: {sex: {1: male, 2: female}}")
    write_lock(path, tmp_path)
    assert read_lock(read_protocol(path)).changed == ()
    changed = protocol(tmp_path, "levels: {sex: {1: female, 2: male}}")
    assert read_lock(read_protocol(changed)).changed == ("narratives",)
