"""The run record: three documents that their own validators accept, that agree, and that name no machine or path."""

import getpass
import io
import json
import shutil
import socket
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import requests

import heorsynth as hs
from heorsynth.protocol.run_folder import sha256_of
from heorsynth.provenance.in_toto import name_of, occasion_of, subjects_of
from heorsynth.provenance.record import Clock, machine, packages
from heorsynth.provenance.ro_crate import CONTEXT

DOCUMENTS = ("ro-crate-metadata.json", "croissant.json", "provenance.json")


def document(run: "hs.Run", name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.path / name).read_text(encoding="utf-8"))
    return found


def validator_cache(folder: Path) -> Path:
    """A cache for roc-validator that answers for the crate's context, with the copy that the rocrate package has.

    That copy is of RO-Crate 1.3, a superset in what the crate uses of it; so the test needs no network.
    """
    from rocrate_validator import models
    from rocrate_validator.utils.http import HttpRequester
    from urllib3.response import HTTPResponse

    cache = folder / "cache"
    models.ValidationSettings(rocrate_uri=str(folder), offline=True, cache_path=cache)
    kind = {"Content-Type": "application/ld+json"}
    body = (files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()
    answer = requests.Response()
    answer.status_code, answer.url = 200, CONTEXT
    answer.headers.update(kind)
    answer.raw = HTTPResponse(body=io.BytesIO(body), preload_content=False, status=200, headers=kind)
    answer.request = requests.Request("GET", CONTEXT).prepare()
    HttpRequester().session.cache.save_response(answer)
    return cache


def issues(folder: Path, cache: Path, severity: str) -> list[str]:
    from rocrate_validator import models, services

    settings = models.ValidationSettings(
        rocrate_uri=str(folder), profile_identifier="process-run-crate-0.5", offline=True, cache_path=cache,
        requirement_severity=models.Severity[severity],
    )  # fmt: skip
    return [str(issue.message) for issue in services.validate(settings).get_issues()]


@pytest.mark.filterwarnings("ignore")  # of the libraries under roc-validator
def test_the_crate_keeps_every_rule_of_the_process_run_profile(small_run: "hs.Run", tmp_path: Path) -> None:
    cache = validator_cache(tmp_path)
    # with what is required
    assert issues(small_run.path, cache, "RECOMMENDED") == ["The organization SHOULD have a URL."]


@pytest.mark.filterwarnings("ignore")
def test_the_validator_notices_a_crate_that_breaks_a_rule(small_run: "hs.Run", tmp_path: Path) -> None:
    facts = document(small_run, "ro-crate-metadata.json")
    for entity in facts["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    broken = tmp_path / "broken"
    broken.mkdir()
    for entity in facts["@graph"]:
        if entity["@type"] == "File":
            (broken / entity["@id"]).parent.mkdir(exist_ok=True)
            (broken / entity["@id"]).write_text("")
    (broken / "ro-crate-metadata.json").write_text(json.dumps(facts), encoding="utf-8")
    assert issues(broken, validator_cache(tmp_path), "REQUIRED")


@pytest.mark.filterwarnings("ignore")
def test_the_crate_names_every_file_and_is_read_by_rocrate(small_run: "hs.Run") -> None:
    from rocrate.rocrate import ROCrate

    held = {entity.id for entity in ROCrate(small_run.path).data_entities}
    there = {path.relative_to(small_run.path).as_posix() for path in small_run.path.rglob("*") if path.is_file()}
    assert held == there - {"ro-crate-metadata.json"}


def several(held: Any) -> list[dict[str, str]]:
    return held if isinstance(held, list) else [held]


def test_the_crate_tells_each_step_with_what_it_was_given_and_what_came_of_it(small_run: "hs.Run") -> None:
    graph = {one["@id"]: one for one in document(small_run, "ro-crate-metadata.json")["@graph"]}
    fit, sample, validate = (graph[f"#{step}"] for step in ("fit", "sample", "validate"))
    ids = {name: [one["@id"] for one in several(action[part])] for action, part, name in (
        (fit, "object", "fitted from"), (fit, "result", "fitted"), (sample, "object", "drawn from"),
        (sample, "result", "drawn"), (validate, "object", "judged"), (validate, "result", "evidence"))}  # fmt: skip
    cohorts = ["synthetic/000.parquet", "synthetic/001.parquet"]
    assert {"protocol.yaml", "protocol.lock", "#source"} <= set(ids["fitted from"])
    assert ids["fitted"] == ["#sampler"] and "#sampler" in ids["drawn from"] and ids["drawn"] == cohorts
    assert set(cohorts) <= set(ids["judged"]) and {"verdict.json", "evidence.csv"} <= set(ids["evidence"])
    told = {*ids["drawn"], *ids["evidence"], "protocol.yaml", "protocol.lock", "ro-crate-metadata.json"}
    assert told == {path.relative_to(small_run.path).as_posix() for path in small_run.path.rglob("*") if path.is_file()}
    for action in (fit, sample, validate):
        assert action["@type"] == "CreateAction" and action["startTime"] <= action["endTime"]
        assert action["actionStatus"].endswith("CompletedActionStatus")
        assert action["instrument"]["@id"].startswith("https://pypi.org/project/heorsynth/")
        told = [graph[one["@id"]] for one in action["additionalProperty"]]
        assert {one["name"] for one in told} == {"machine", f"seconds {action['@id'][1:]}"}
    assert graph["#source-label"]["value"] == "none"
    assert "python" in graph["#machine"]["value"]


def test_croissant_says_that_it_is_synthetic_of_what_and_by_what(small_run: "hs.Run") -> None:
    facts = document(small_run, "croissant.json")
    assert facts["rai:hasSyntheticData"] is True
    assert facts["digitalSourceType"] == "https://schema.org/TrainedAlgorithmicMediaDigitalSource"
    assert facts["prov:wasDerivedFrom"]["@id"] == f"urn:hmac-sha256:{small_run.fingerprint}"
    activity = facts["prov:wasGeneratedBy"]
    assert "marginals" in activity["prov:label"] and activity["prov:startedAtTime"] <= activity["prov:endedAtTime"]
    assert set(facts["@context"]) >= {"prov", "rai"}


@pytest.mark.filterwarnings("ignore")
def test_croissant_is_valid_and_reads_the_rows_it_describes(small_run: "hs.Run") -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(small_run.path / "croissant.json"))
    assert not dataset.metadata.issues.errors
    assert not dataset.metadata.issues.warnings
    rows = list(dataset.records("synthetic/001"))
    frame = hs.read(small_run.path / "synthetic" / "001.parquet")
    assert [row["synthetic/001/synthetic_id"].decode() for row in rows] == list(frame.index)
    assert [row["synthetic/001/cost"] for row in rows] == list(frame["cost"])


def test_the_statement_covers_the_sums_the_crate_and_the_croissant_file(small_run: "hs.Run") -> None:
    raw = (small_run.path / "provenance.json").read_bytes()
    covered = ("SHA256SUMS", "croissant.json", "ro-crate-metadata.json")
    assert subjects_of(raw) == {name: sha256_of(small_run.path / name) for name in covered}
    assert name_of(raw) == small_run.path.name
    facts = json.loads(raw)
    assert facts["_type"] == "https://in-toto.io/Statement/v1"
    assert facts["predicateType"] == "https://slsa.dev/provenance/v1"


def test_the_record_holds_what_an_auditor_asks_for(small_run: "hs.Run") -> None:
    build = document(small_run, "provenance.json")["predicate"]["buildDefinition"]
    given, kept = build["externalParameters"], build["internalParameters"]
    held = {one["name"]: one for one in build["resolvedDependencies"]}
    assert given["generator"]["seed"] == 1
    assert given["generator"]["settings"]["fit_seed"] == 1
    assert given["protocol"]["locked"] is False
    assert given["amendments"][0]["before_or_after_data"] == "before"
    assert held["protocol.yaml"]["digest"]["sha256"] == small_run.protocol.sha256
    assert held["protocol.lock"]["digest"]["sha256"] == sha256_of(small_run.path / "protocol.lock")
    assert held["source"]["annotations"]["hmac_sha256"] == small_run.fingerprint
    assert held["source"]["annotations"]["depth"] == 1
    margin = next(one for one in kept["margins"] if one["estimand"] == "survival.rmst")
    assert (margin["from"], margin["margin"], margin["amended"]) == ("protocol", 0.05, True)
    assert any("cost: recomputed as the total of" in step for step in kept["post_processing"])
    assert kept["holdout"]["patients"] == 27
    assert held["numpy"]["uri"] == f"pkg:pypi/numpy@{packages()['numpy']}"


def test_the_occasion_is_told_and_names_no_machine_user_or_path(small_run: "hs.Run") -> None:
    occasion = occasion_of((small_run.path / "provenance.json").read_bytes())
    assert occasion.machine == machine()
    assert set(occasion.machine) == {"system", "architecture", "python"}
    assert set(occasion.seconds) == set(occasion.steps) == {"fit", "sample", "validate", "notebook"}
    assert all(occasion.started <= began <= ended <= occasion.finished for began, ended in occasion.steps.values())
    assert all(seconds >= 0 for seconds in occasion.seconds.values())
    assert occasion.started <= occasion.finished
    told = "".join((small_run.path / name).read_text(encoding="utf-8") for name in DOCUMENTS)
    for secret in (socket.gethostname(), str(Path.home()), str(small_run.path.parent)):
        assert secret not in told
    assert f'"{getpass.getuser()}"' not in told


def test_no_value_of_the_source_and_no_level_stands_in_the_record(small_run: "hs.Run") -> None:
    frame = hs.datasets.simulated_trial(90, 2)[0].frame
    numbers = {str(value) for name in frame.select_dtypes("float") for value in frame[name] if len(str(value)) > 4}
    told = "".join((small_run.path / name).read_text(encoding="utf-8") for name in DOCUMENTS)
    assert len(numbers) > 100
    assert not [number for number in numbers if number in told]


def test_a_clock_adds_up_the_seconds_of_a_step() -> None:
    clock = Clock()
    for _ in range(2):
        with clock.step("nothing"):
            pass
    assert 0 <= clock.occasion().seconds["nothing"] < 1


def test_what_was_kept_aside_is_recorded_and_others_are_not_taken_for_it(small_run: "hs.Run", tmp_path: Path) -> None:
    from heorsynth.core import errors

    assert small_run.holdout is not None
    assert (small_run.holdout["patients"], small_run.holdout["fitted"]) == (27, 63)
    assert small_run.cohort.n == 63
    folder = Path(shutil.copytree(small_run.path, tmp_path / small_run.path.name))
    facts = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    facts["holdout"]["fingerprint"] = "0" * 64
    (folder / "verdict.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(errors.RunError, match="differs from the hold-out of this run"):
        _ = hs.Run.open(folder).cohort
