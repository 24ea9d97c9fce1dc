"""The folder `texts` of a run: what it holds, what the pages and records say of it, and an edit that is found."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.language.checks.rates import recall
from heorsynth.protocol.run_folder import write_sums


def test_the_folder_has_labelled_texts_findings_faults_items_and_records(told_run: "hs.Run") -> None:
    place = told_run.path / "texts"
    names = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    assert [one for one in names if "/" not in one] == [
        "faults.csv", "findings.csv", "model.jsonl", "reporting.csv", "template.jsonl"]  # fmt: skip
    assert sum(one.startswith("records/") for one in names) == 6
    lines = [json.loads(line) for line in (place / "model.jsonl").read_text().splitlines()]
    assert lines[0]["label"]["synthetic"] is True and all(
        "no row is a patient" in one["synthetic"] for one in lines[1:]
    )
    findings = pd.read_csv(place / "findings.csv").set_index(["maker", "check", "slot"])
    found = findings.loc[("openai:m", "facts omitted", "age")]
    assert found["value"] == 1 and found["n_texts"] == 6
    assert found["recall_low"] == pytest.approx(recall("age", "omitted").low)
    assert findings.loc[("template", "facts omitted", "age"), "value"] == 0
    faults = pd.read_csv(place / "faults.csv")
    assert set(faults["maker"]) == {"openai:m"} and len(faults) >= 5 * 6
    items = pd.read_csv(place / "reporting.csv").set_index("id")
    assert "openai:m, version fp_1" in items.loc["elevate.1", "answer"]
    assert "{'template': 20, 'model': 6}" in (told_run.path / "notebook.ipynb").read_text()


def test_dossier_label_sheet_crate_and_statement_speak_of_the_texts(told_run: "hs.Run") -> None:
    page, label = (told_run.path / "report.html").read_text(), (told_run.path / "label.html").read_text()
    assert "6 of 6 have a fault of any kind" in page and "does not affect the verdict" in page and "A text." in page
    assert "6 texts of kind summary by openai:m, with a fault in 100.0%" in label
    items = {one["id"]: one for one in json.loads((told_run.path / "governance.json").read_text())["items"]}
    assert items["elevate.1"]["status"] == "filled" and "openai:m" in items["elevate.1"]["answer"]
    assert items["elevate.7"]["status"] == "not reported"
    assert "every prompt in full" in items["rao.prompts"]["answer"]
    assert items["rao.method"]["answer"].startswith("Generator heor")
    assert "Texts: 6 texts" in items["rao.method"]["answer"]
    statement = json.loads((told_run.path / "provenance.json").read_text())
    model = statement["predicate"]["buildDefinition"]["internalParameters"]["language_model"]
    assert model["name"] == "openai:m" and model["calls"] == 6
    graph = {one["@id"]: one for one in json.loads((told_run.path / "ro-crate-metadata.json").read_text())["@graph"]}
    assert "language model" in graph["texts/model.jsonl"]["description"] and "openai:m" in graph["#texts-2"]["value"]
    assert sum("recorded call" in one.get("description", "") for one in graph.values()) == 6


def test_an_edited_text_and_an_edited_record_are_named_and_resealed_ones_do_not_repeat(
    told_run: "hs.Run", tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(told_run.path, tmp_path / told_run.path.name))
    record = next((folder / "texts" / "records").iterdir())
    for path, old in ((folder / "texts" / "model.jsonl", "A text."), (record, "A text.")):
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(old, "A trick.", 1), encoding="utf-8")
        found = hs.verify(folder, rerun=False)
        name = path.relative_to(folder).as_posix()
        assert found.result == "differs" and found.intact[name] == "altered since the run"
        path.write_text(before, encoding="utf-8")
    assert hs.verify(folder, rerun=False).verified
    record.unlink()
    assert hs.verify(folder, rerun=False).intact[record.relative_to(folder).as_posix()] == "missing"
    write_sums(folder)
    assert not hs.verify(folder, rerun=False).verified  # the statement covers the sums


def test_the_run_is_repeated_from_its_own_records(told_run: "hs.Run", tmp_path: Path, session_server: object) -> None:
    moved = Path(shutil.copytree(told_run.path, tmp_path / told_run.path.name))
    asked = len(session_server.requests)
    found = hs.verify(moved, source=told_run.protocol.path.parent)
    assert found.verified and set(found.rerun.values()) == {"identical"}, found
    assert len(session_server.requests) == asked == 6


def test_a_run_without_narratives_has_no_texts(small_run: "hs.Run") -> None:
    assert small_run.texts == {} and not (small_run.path / "texts").exists()
    items = {one["id"]: one for one in json.loads((small_run.path / "governance.json").read_text())["items"]}
    assert items["elevate.1"]["status"] == "not applicable"
    assert 'id="texts"' not in (small_run.path / "report.html").read_text()
