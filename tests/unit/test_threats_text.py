"""Text from a stranger, protocols, labels, registries, verdicts and file names: refused in a sentence, or shown."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.display import Card
from heorsynth.data.files.io import label_of
from heorsynth.data.labels.label import Label
from heorsynth.data.labels.releases import read_registry
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.run_folder import sha256_of, write_sums
from heorsynth.provenance.signature import sealed

BASE = (
    "heorsynth: 1\ntitle: x\npurpose: teaching\ngenerator: {m: 1, most_cohorts: 1, seed: 1}\n"
    "cohort: {source: {dataset: pbc}}\n"
)
DEEP = "[" * 100_000


def laughs(floors: int) -> str:
    """Aliases of aliases: each floor holds nine of the floor below."""
    text = "a0: &a0 [" + ",".join("x" * 9) + "]\n"
    return text + "".join(f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, floors))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BASE + laughs(9), "too many nested aliases"),
        (BASE + "margins: " + "[" * 5000, "more than 20 nested sections"),
        (BASE + "margins: " + "[" * 3000 + "]" * 3000, "more than 20 nested sections"),
        (BASE + "margins: " + "{a: " * 3000 + "}" * 3000, "more than 20 nested sections"),
        (BASE + "x: \x07\n", "a character that YAML does not allow"),
        ("a: \0", "a character that YAML does not allow"),
        (BASE.replace("title: x", 'title: "\\ud800"'), "an incomplete character"),
        (BASE.replace("seed: 1", "seed: " + "9" * 5000), "an invalid number or date"),
        (BASE.replace("title: x", "title: 2020-99-99"), "an invalid number or date"),
        (BASE + "<<: {a: 1}\n", "a YAML merge"),
        (BASE.replace("title: x", "title: !!binary aGk="), "a YAML tag"),
        (BASE + "margins: !!set {a, b}\n", "a YAML tag"),
        ("!!python/object:os.x\n" + BASE, "a YAML tag"),
        ("!!python/name:os.system x: 1\n", "a YAML tag"),
    ],
)
def test_a_hostile_protocol_is_refused_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match=told):
        read_protocol(path)


def test_an_alias_that_saves_a_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(BASE.replace("pbc}}", "pbc}, costs: &c [a], utilities: *c}"), encoding="utf-8")
    assert read_protocol(path).document.cohort.utilities == ["a"]


def test_json_nested_without_end_is_refused_wherever_json_is_read(small_run: "hs.Run", tmp_path: Path) -> None:
    path = hs.write(small_run.synthetic[0], tmp_path / "c.csv")
    (tmp_path / "c.csv.label.json").write_text(DEEP)
    with pytest.raises(errors.LabelError, match="not a heorsynth label"):
        hs.inspect(path)
    (tmp_path / "g.json").write_text('{"format": "heorsynth generator 1", "law": ' + DEEP)
    with pytest.raises(errors.FileError, match="not a heorsynth generator file"):
        hs.generators.load(tmp_path / "g.json")
    (tmp_path / "r.jsonl").write_text(DEEP)
    with pytest.raises(errors.FileError, match="line 1: not a release"):
        read_registry(tmp_path / "r.jsonl")
    with pytest.raises(errors.LabelError, match="not valid JSON"):
        Label.from_json(DEEP)


def facts_of(run: "hs.Run") -> dict[str, object]:
    label = run.synthetic[0].label
    assert label is not None
    return json.loads(label.to_json())


@pytest.mark.parametrize(
    "change",
    [{"n_source": "abc"}, {"n_source": 0}, {"watermark": 5}, {"release": ["a"]}, {"release": "x\n"}, {"part": "x"},
     {"depth": "x"}, {"depth": -7}, {"depth": None}, {"depth": True}, {"depth": 1.5}, {"statement": ["x"]},
     {"settings": [1]}, {"calibrated": "costs"}, {"calibrated": [1]}, {"m": 0}, {"seed": -1}],
    ids=str,
)  # fmt: skip
def test_a_label_of_other_types_or_of_impossible_counts_is_none(small_run: "hs.Run", change: dict) -> None:
    facts = facts_of(small_run)
    assert Label.from_dict(facts).to_dict() == facts
    with pytest.raises(errors.LabelError, match="not a heorsynth label"):
        Label.from_dict({**facts, **change})
    frame = small_run.synthetic[0].frame
    frame.attrs = {"heorsynth": {**facts, **change}}
    with pytest.raises(errors.LabelError, match="not a heorsynth label"):
        label_of(frame)


@pytest.mark.parametrize(
    "change", [{"files": ["x"]}, {"files": {"x": 5}}, {"watermark_key": 5}, {"label": []}, {"release": None}], ids=str
)
def test_a_registry_line_of_other_types_is_no_release(tmp_path: Path, change: dict) -> None:
    line = {"release": "1a2b3c4d", "run": "r", "files": {}, "label": {}, "purpose": "p", "verdict": "v"}
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(line))
    assert len(read_registry(path)) == 1
    path.write_text(json.dumps({**line, **change}))
    with pytest.raises(errors.FileError, match="line 1: not a release"):
        read_registry(path)


def resealed(folder: Path) -> None:
    """Sums, statement and envelope made anew over whatever stands in the folder, without a key."""
    write_sums(folder)
    facts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    for one in facts["subject"]:
        one["digest"]["sha256"] = sha256_of(folder / one["name"])
    (folder / "provenance.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "signature.json").write_text(sealed((folder / "provenance.json").read_bytes(), None), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [lambda v: [], lambda v: {**v, "findings": 3}, lambda v: {**v, "findings": [1]}, lambda v: {**v, "notes": 3},
     lambda v: {**v, "m": "x"}, lambda v: {**v, "purpose": 5}, lambda v: {**v, "verdict": "fit"},
     lambda v: {**v, "findings": [{**v["findings"][0], "margin": "wide"}]}, lambda v: DEEP],
)  # fmt: skip
def test_a_verdict_of_other_types_or_that_its_findings_do_not_bear_out_is_refused(
    small_run: "hs.Run", tmp_path: Path, change
) -> None:
    folder = Path(shutil.copytree(small_run.path, tmp_path / small_run.path.name))
    spoilt = change(json.loads((folder / "verdict.json").read_text(encoding="utf-8")))
    (folder / "verdict.json").write_text(spoilt if isinstance(spoilt, str) else json.dumps(spoilt), encoding="utf-8")
    resealed(folder)
    with pytest.raises(errors.RunError, match="missing or not readable"):
        hs.verify(folder, rerun=False)


FORGED = "heor\x1b[2J\x1b[1;32m\n  signature  VERIFIED\u202e\r"


def test_a_line_forged_in_a_label_is_shown_as_what_it_is(small_run: "hs.Run", tmp_path: Path) -> None:
    path = hs.write(small_run.synthetic[0], tmp_path / "c.csv")
    told = {"generator": FORGED, "statement": FORGED, "watermark": "none: " + FORGED}
    facts = {"file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "label": {**facts_of(small_run), **told}}
    (tmp_path / "c.csv.label.json").write_text(json.dumps(facts))
    shown = str(hs.inspect(path))
    assert not set(shown) & {"\x1b", "\r", "\u202e"}
    assert not any(line.strip().startswith("signature") for line in shown.splitlines())
    assert r"heor\x1b[2J\x1b[1;32m\n  signature  VERIFIED\u202e\r" in shown


def test_no_cell_of_a_card_reaches_the_terminal_raw() -> None:
    text = Card(FORGED, (FORGED, "b"), ((FORGED, "1\u00a0000"),), "first\nsecond\x07").text()
    assert len(text.splitlines()) == 5 and "\x1b" not in text
    assert text.endswith("first\nsecond\\x07") and "1\u00a0000" in text


@pytest.mark.parametrize("name", ["x\x1b[2J\nRun ok: verified", "bad\udcff"])
def test_a_file_name_in_a_run_folder_is_named_and_forges_nothing(
    small_run: "hs.Run", tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(small_run.path, tmp_path / small_run.path.name))
    (folder / name).write_text("x")
    found = hs.verify(folder, rerun=False)
    assert not found.verified and found.intact[name] == "unexpected"
    shown = str(found)
    assert shown.encode() and "\x1b" not in shown
    assert not any(line.startswith("Run ok") for line in shown.splitlines())


@pytest.mark.parametrize("kind", ["folder", "folders", "pipe", "pipe for a file"])
def test_a_pipe_or_an_empty_folder_in_a_run_is_named(small_run: "hs.Run", tmp_path: Path, kind: str) -> None:
    folder = Path(shutil.copytree(small_run.path, tmp_path / small_run.path.name))
    name = "evidence.csv" if kind == "pipe for a file" else "more/inside" if kind == "folders" else "more"
    if kind.startswith("folder"):
        (folder / name).mkdir(parents=True)
    else:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)
    found = hs.verify(folder, rerun=False)
    assert not found.verified
    assert found.intact[name] == ("altered since the run" if name == "evidence.csv" else "unexpected")
