"""The governance sheet: what the run can say is said, what it cannot is left to a person, and nothing is made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

import heorsynth as hs
from heorsynth.cli import cli
from heorsynth.core.errors import ProtocolError, RunError
from heorsynth.protocol.file.spec import Governance
from heorsynth.provenance import governance
from heorsynth.provenance.governance_items import CITATIONS, ITEMS, KEYS
from heorsynth.report.governance import governance_page

HEAD = """heorsynth: 1
title: A <b>trial</b>, copied
purpose: economic-evaluation
cohort: {source: {simulated: {n: 60, seed: 3}}}
generator: {name: heor, n: same, m: 2, most_cohorts: 2, seed: 1}
economics: {comparator: usual, wtp: [20000]}
notebook: short.ipynb
"""
REQUIRED = [one.key for one in ITEMS if one.required]
ANSWERED = "governance:\n" + "".join(f"  {key}: 'said of {key}'\n" for key in REQUIRED)


def protocol(folder: Path, text: str) -> Path:
    path = folder / "trial.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> hs.Run:
    folder = tmp_path_factory.mktemp("governance")
    short_notebook(folder)
    text = HEAD + ANSWERED.replace("  stakeholders: 'said of stakeholders'\n", "") + "  perspective: ' the payer '\n"
    return hs.run(protocol(folder, text), folder / "runs")


@pytest.fixture(scope="module")
def facts(run: hs.Run) -> dict[str, object]:
    return json.loads((run.path / "governance.json").read_text(encoding="utf-8"))


def item(facts: dict, name: str) -> dict[str, str]:
    return next(one for one in facts["items"] if one["id"] == name)


def test_the_sheet_keeps_to_its_schema_and_the_schema_notices_when_it_does_not(facts) -> None:
    schema = governance.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(facts, schema)
    filled_by_nobody = json.loads(json.dumps(facts))
    item(filled_by_nobody, "wef.quality")["answered_by"] = "nobody"
    made_up = json.loads(json.dumps(facts))
    item(made_up, "wef.stakeholders")["status"] = "filled"
    for broken in (filled_by_nobody, made_up, {**facts, "more": 1}, {**facts, "items": facts["items"][1:]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)
        with pytest.raises(RunError, match="violates the rule"):
            governance.require_valid(broken)
    governance.require_valid(facts)


def test_the_schema_that_is_shipped_names_the_statuses_and_counts_the_items_there_are() -> None:
    schema = governance.schema()
    assert schema["properties"]["items"]["minItems"] == schema["properties"]["items"]["maxItems"] == len(ITEMS)
    assert schema["properties"]["counts"]["required"] == list(governance.STATUSES)
    assert set(schema["properties"]["items"]["items"]["properties"]) == set(governance.Item.__dataclass_fields__)


def test_what_a_person_said_what_the_run_knows_and_what_is_open_are_told_apart(facts) -> None:
    assert item(facts, "house.steward")["answer"] == "said of steward"
    assert item(facts, "house.steward")["answered_by"] == "person"
    assert item(facts, "cheers.8")["answer"] == "the payer"
    assert (item(facts, "cheers.27")["status"], item(facts, "cheers.27")["answer"]) == ("not reported", "")
    assert item(facts, "wef.transparency")["answered_by"] == "run"
    assert "2 cohorts of 60 rows, from 60 patients; seed 1" in item(facts, "wef.transparency")["answer"]
    assert item(facts, "wef.kind")["answer"].startswith("Invented")
    assert "usual" in item(facts, "cheers.7")["answer"] and "20,000" in item(facts, "cheers.17")["answer"]
    still_open = [one for one in facts["items"] if one["status"] == "needs a person"]
    assert [one["key"] for one in still_open] == ["governance.stakeholders"]
    assert sum(facts["counts"].values()) == len(facts["items"]) == len(ITEMS)


def test_cheers_has_its_28_items_harper_its_12_and_every_source_a_citation() -> None:
    count = {source: sum(one.source == source for one in ITEMS) for source in CITATIONS}
    assert (count["CHEERS 2022"], count["HARPER"]) == (28, 12)
    assert {one.source for one in ITEMS} == set(CITATIONS) and min(count.values()) > 0
    assert len({one.id for one in ITEMS}) == len(ITEMS)


def test_every_key_the_sheet_names_can_be_written_in_a_protocol_and_no_other() -> None:
    assert set(KEYS) == set(Governance.model_fields)


def test_the_page_shows_the_same_escapes_what_it_shows_and_stands_in_the_dossier(run: hs.Run, facts) -> None:
    page, report = ((run.path / name).read_text(encoding="utf-8") for name in ("governance.html", "report.html"))
    for shown in (page, report):
        assert "<b>trial</b>" not in shown and "&lt;b&gt;trial&lt;/b&gt;" in shown
        assert "said of steward" in shown and "<code>governance.stakeholders</code>" in shown
    items = tuple(governance.Item(**one) for one in facts["items"])
    sheet = governance.Sheet(*(facts[name] for name in ("run", "title", "purpose", "verdict")), items)
    assert page == governance_page(sheet)
    assert "Not applicable, all 10 items: no language model was used" in page
    assert "http" not in page.replace("https://json-schema.org", "") and "<script" not in page
    for one in facts["items"]:
        if one["source"] == "ELEVATE-GenAI":
            assert one["status"] == "not applicable"
            continue
        assert one["question"] in page.replace("&#39;", "'")


def test_a_run_folder_covers_its_sheet(run: hs.Run) -> None:
    sums = (run.path / "SHA256SUMS").read_text()
    assert "governance.json" in sums and "governance.html" in sums
    found = hs.verify(run.path)
    assert found.verified and found.intact["governance.json"] == "identical"


def test_a_release_with_blanks_is_refused_before_any_cohort_is_drawn(tmp_path: Path) -> None:
    text = HEAD + "governance: {steward: me, intended_use: '  '}\n"
    with pytest.raises(ProtocolError) as error:
        hs.run(protocol(tmp_path, text), tmp_path / "runs", require_governance=True)
    said = str(error.value)
    assert all(f"governance.{key}" in said for key in REQUIRED if key != "steward")
    assert "governance.steward" not in said and "governance:\n" in said
    assert not (tmp_path / "runs").exists()
    refused = CliRunner().invoke(cli, ["run", str(tmp_path / "trial.yaml"), "--require-governance"])
    assert isinstance(refused.exception, ProtocolError)


def test_lines_that_were_pasted_and_not_filled_in_are_blanks(tmp_path: Path) -> None:
    pasted = HEAD + governance.lines_to_paste(governance.blanks({}))
    with pytest.raises(ProtocolError) as error:
        hs.run(protocol(tmp_path, pasted), tmp_path / "runs", require_governance=True)
    assert len(error.value.problems) == len(governance.blanks({}))
    for placeholder in ("…", "TBD", "<name, role, date>", "[to do]", "???", "To be decided."):
        assert governance.blanks(dict.fromkeys(REQUIRED, placeholder)), placeholder
    assert governance.blanks(dict.fromkeys(REQUIRED, "None: no patient's data were used.")) == []


def test_a_release_without_blanks_passes(tmp_path: Path, short_notebook: Callable[[Path], str]) -> None:
    short_notebook(tmp_path)
    run = hs.run(protocol(tmp_path, HEAD + ANSWERED), tmp_path / "runs", require_governance=True)
    facts = json.loads((run.path / "governance.json").read_text(encoding="utf-8"))
    assert facts["counts"]["needs a person"] == 0
    assert "Nothing is left for a person to answer" in (run.path / "governance.html").read_text(encoding="utf-8")


def test_a_cohort_without_an_evaluation_says_that_cheers_does_not_apply(
    tmp_path: Path, short_notebook: Callable[[Path], str]
) -> None:
    short_notebook(tmp_path)
    text = HEAD.replace("economic-evaluation", "teaching").replace("economics: {comparator: usual, wtp: [20000]}\n", "")
    run = hs.run(protocol(tmp_path, text), tmp_path / "runs")
    facts = json.loads((run.path / "governance.json").read_text(encoding="utf-8"))
    assert {one["status"] for one in facts["items"] if one["source"] == "CHEERS 2022"} == {"not applicable"}
    assert "Not applicable, all 28 items" in (run.path / "governance.html").read_text(encoding="utf-8")


def test_an_unknown_governance_key_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="stakeholders"):
        hs.run(protocol(tmp_path, HEAD + "governance: {stakeholder: us}\n"), tmp_path / "runs")
