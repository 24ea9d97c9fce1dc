"""Telling in a run: only synthetic rows reach a prompt, and every error of a record comes before the checks."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import CallRecordError, HeorsynthError, ModelCallError, ProtocolError, RoleError
from heorsynth.data.files.io import read_frame
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.narratives.tell import narrator_of

ROOT = Path(__file__).resolve().parents[4]
Narrator = Callable[..., object]


def test_what_a_live_run_asks_and_writes_is_of_synthetic_rows_and_holds_no_canary(
    told_run: "hs.Run", session_server: object, study: object
) -> None:
    asked = [one["body"] for one in session_server.requests]
    assert len(asked) == 6 and [len(texts) for texts in told_run.texts.values()] == [20, 6]
    rows = read_frame(told_run.path / "synthetic" / "000.parquet")
    for one in asked:
        data = re.search(r"<data>\n(.*)\n</data>", one["messages"][1]["content"], re.DOTALL).group(1)
        facts = dict(line.split(": ") for line in data.split("\n"))
        alike = (np.floor(rows["age"]) == int(facts["age"].split()[0])) & (rows["trt"] == facts["treatment"])
        times = {f"{value:.0f}" for value in rows["time"][alike]}
        assert facts["follow-up"].split()[0] in times
    texts = [path for path in (told_run.path / "texts").rglob("*") if path.is_file()]
    held = json.dumps(asked) + "".join(path.read_text(encoding="utf-8") for path in texts)
    assert [one for one in study.canaries if one in held] == []
    for told in told_run.texts.values():
        assert told.label.m == 2 and told.label.release == rows.index[0][4:12]


def test_a_run_without_records_ends_before_a_generator_is_fitted(
    study: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_is_fitted(*_: object) -> None:
        raise AssertionError("fitted")

    monkeypatch.setattr("heorsynth.protocol.run.fitted", none_is_fitted)
    with pytest.raises(CallRecordError, match=r"line 6, narratives.model: no call of this model .* no records"):
        hs.run(study.by_model(), out=study.place / "runs")
    assert not (study.place / "runs").exists()


def test_a_missing_an_altered_and_a_foreign_record_are_errors_and_nothing_is_asked(
    study: object, server: object, drawn: "hs.Cohort", narrator: Narrator
) -> None:
    path, records = study.by_model(server.url), study.place / "records"
    told = narrator(path, live=True).tell(drawn)
    assert len(told.used) == 6 and narrator(path).tell(drawn).texts == told.texts
    record = records / f"{told.used[3]}.json"
    text = record.read_text(encoding="utf-8")
    record.unlink()
    with pytest.raises(CallRecordError, match=r"there is no record of it.*\n.*--live-model"):
        narrator(path).tell(drawn)
    record.write_text(text.replace("A text.", "A trick."), encoding="utf-8")
    with pytest.raises(CallRecordError, match="was altered"):
        narrator(path)
    record.write_text(text, encoding="utf-8")
    with pytest.raises(CallRecordError, match="its records are of openai:m"):
        narrator(study.changed("openai:m", "openai:large", server.url))
    assert len(server.requests) == 6


def test_a_call_without_an_answer_ends_a_live_run_and_what_is_on_record_is_not_asked_again(
    study: object, server: object, chat_answer: object, drawn: "hs.Cohort", narrator: Narrator
) -> None:
    path = study.by_model(server.url)

    def reply(body: dict[str, object]) -> tuple[int, dict[str, str], bytes]:
        return chat_answer("A text.", body) if len(server.requests) < 5 else (401, {}, b"")

    server.reply = reply
    with pytest.raises(ModelCallError, match=r"line 6, narratives.model: 2 calls without an answer.*status 401"):
        narrator(path, live=True).tell(drawn)
    server.reply = lambda body: chat_answer("I'm sorry, I cannot.", body)
    told = narrator(path, live=True).tell(drawn)
    assert len(server.requests) == 6 + 2 and [len(one) for one in told.texts] == [20, 4]
    assert sorted(told.texts[1].refused.values()) == ["the model declined to answer"] * 2
    assert len(told.used) == 6  # refusals are on record too


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("age, sex", "aeg, sex", RoleError, "line 6, narratives.slots: slots: no slot 'aeg'"),
        ("age, sex", "patient, sex", RoleError, "ids, clusters, entry times and bands are in no text"),
        ("age, sex", "time, sex", RoleError, "an endpoint has the slots 'os.status' and 'os.time'"),
        ("patients: 20", "units: {bili: mg}", RoleError, "line 6, narratives.units: units: no column 'bili'"),
        ("openai:m", "gguf:none.gguf", ModelCallError, "line 6, narratives.model: there is no such file"),
    ],
)
def test_what_the_cohort_or_the_machine_lacks_is_told_with_its_line(
    study: object, narrator: Narrator, old: str, new: str, kind: type[HeorsynthError], said: str
) -> None:
    with pytest.raises(kind) as raised:
        narrator(study.changed(old, new), live=True)
    assert said in str(raised.value) and str(study.place) not in str(raised.value)


def test_a_live_model_is_refused_where_no_model_is_named(study: object, narrator: Narrator) -> None:
    with pytest.raises(ProtocolError, match="the protocol names no model"):
        narrator(study.protocol("checks: [facts]"), live=True)


def test_facts_of_an_internal_release_are_not_sent_to_a_provider(study: object, narrator: Narrator) -> None:
    path = study.changed("url: 'http://127.0.0.1:9/v1', ", "")
    with pytest.raises(ProtocolError, match=r"line 6, narratives.model: an internal release must not leave"):
        narrator(path, live=True)
    path.write_text(path.read_text(encoding="utf-8") + "release: shared\n", encoding="utf-8")
    assert narrator(path, live=True).live.client.url == ""


def test_a_local_file_is_found_beside_the_protocol_or_in_the_folder_of_models(
    study: object, narrator: Narrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, models = study.changed("openai:m", "gguf:small.gguf"), study.place / "models"
    models.mkdir()
    monkeypatch.setenv("HEORSYNTH_MODELS", str(models))
    for folder in (models, study.place):  # what lies beside the protocol comes first
        (folder / "small.gguf").write_bytes(b"weights")
        assert narrator(path, live=True).live.client.path == folder / "small.gguf"


def test_the_recorded_answers_of_smollm2_replay_and_the_check_finds_a_fault_in_each() -> None:
    protocol = read_protocol(ROOT / "protocols" / "vignettes.yaml")
    lung, seed = hs.datasets.load("lung"), protocol.document.generator.seed
    cohort = hs.generators.create("heor").fit(lung, seed=seed).sample(m=1, seed=seed)[0]
    told = narrator_of(protocol, cohort.schema, [str(name) for name in cohort.rows.columns], False).tell(cohort)
    assert [(len(texts), len(texts.refused)) for texts in told.texts] == [(60, 0), (16, 0)]
    recorded = {path.stem for path in (ROOT / "protocols" / "vignettes").glob("*.json")}
    assert set(told.used) == recorded
    template, model = told.reports
    assert not any(template.faults)
    assert all(model.faults)  # the positive control
    assert model["facts omitted ph.ecog"].estimate.count == 16 and model["facts contradicted sex"].estimate.count >= 4
