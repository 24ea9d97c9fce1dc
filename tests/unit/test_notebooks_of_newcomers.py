"""Notebooks 06 and 07 on what they have never seen: a stranger's file, and a folder whose patients are elsewhere."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.data import datasets
from heorsynth.protocol.file.edit import with_changes
from heorsynth.protocol.file.spec import Document, read_protocol
from heorsynth.protocol.file.template import TEMPLATE
from heorsynth.protocol.notebook import execute, read_notebook, with_parameters
from heorsynth.protocol.start.init import init

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
N = 80
SMALL = {"generator": {"name": "marginals", "m": 2, "most_cohorts": 2}}


def executed(name: str, **parameters: object) -> tuple[dict[str, object], str]:
    """What the `result` cell of a notebook printed, and all that its cells showed as text."""
    wanted = with_parameters(read_notebook(NOTEBOOKS / f"{name}.ipynb"), parameters)
    done = nbformat.reads(execute(wanted, NOTEBOOKS), as_version=4)
    shown = [output.get("text", output.get("data", {}).get("text/plain", ""))
             for cell in done.cells for output in cell.get("outputs", [])]  # fmt: skip
    return json.loads(shown[-1]), "\n".join(shown)


def stranger() -> pd.DataFrame:
    """A trial as a German clinic would export it: status 1 = alive, 2 = dead."""
    rng = np.random.default_rng(11)
    return pd.DataFrame({
        "Patient Nr": rng.permutation(N) + 4000, "TRT01P": np.tile(["Sham", "Active"], N // 2),
        "OS_WEEKS": rng.exponential(50, N).round(1) + 0.5, "OS_STATUS": rng.choice([1, 2], N),
        "Sex": rng.choice(["f", "m"], N), "eq5d": rng.uniform(0.2, 1, N).round(3), "visit": "2024-01-31",
    })  # fmt: skip


@pytest.mark.long
def test_notebook_07_takes_a_stranger_s_file_to_a_verdict_and_leaves_it_alone(tmp_path: Path) -> None:
    file = tmp_path / "klinik.csv"
    stranger().to_csv(file, index=False, sep=";", decimal=",")
    mine = tmp_path / "runs" / "bring_your_own" / "klinik-1" / "klinik.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine\n", encoding="utf-8")
    before = file.read_bytes()
    answers = {"cohort": {"event_map": {1: 0, 2: 1}}, **SMALL}
    result, shown = executed("07_bring_your_own", FILE=str(file), OUT=str(tmp_path / "runs"), ANSWERS=answers)
    assert result["verdict"] in ("fit", "not fit", "inconclusive")
    assert (file.read_bytes(), mine.read_text(encoding="utf-8")) == (before, "mine\n")
    assert [path.name for path in mine.parent.iterdir()] == ["klinik.yaml"]
    assert "Read with a semicolon between columns and a decimal comma" in shown
    assert "event_map: {1: 0, 2: 1}" in shown
    assert re.search(
        r"The protocol matches its lock\. It was locked on \S+ \S+ UTC, before any run that was found\.", shown
    )
    assert "write the percentage as a share: relative: 0.05" in shown
    assert "Not covered by an amendment: margins" in shown


def test_notebook_07_arrives_at_the_protocol_that_is_kept(tmp_path: Path) -> None:
    parameters = "".join(next(cell.source for cell in read_notebook(NOTEBOOKS / "07_bring_your_own.ipynb").cells
                              if "parameters" in cell.metadata.get("tags", [])))  # fmt: skip
    names: dict[str, object] = {}
    exec(parameters, names)
    start = init(NOTEBOOKS / str(names["FILE"]), tmp_path)
    start.protocol.write_text(
        with_changes(start.protocol.read_text(encoding="utf-8"), names["ANSWERS"]),  # type: ignore[arg-type]
        encoding="utf-8",
    )

    def told(document: Document) -> dict[str, object]:
        facts = document.model_dump(exclude={"notebook": True, "cohort": {"source"}})
        return {name: facts[name] for name in facts}

    kept = read_protocol(ROOT / "protocols" / "clinic.yaml").document
    assert told(read_protocol(start.protocol).document) == told(kept)


def test_the_clinic_s_patients_are_the_simulated_ones_they_are_said_to_be() -> None:
    rows = datasets.simulated_trial(240, seed=8)[0].frame
    clinic = pd.read_csv(ROOT / "protocols" / "clinic.csv")
    assert clinic["months"].tolist() == (rows["time"] * 12).clip(lower=0.1).round(1).tolist()
    assert clinic["died"].tolist() == rows["event"].map({0: "no", 1: "yes"}).tolist()
    assert clinic[["arm", "sex", "stage", "cost", "qaly"]].equals(rows[["arm", "sex", "stage", "cost", "qaly"]])


def test_notebook_06_reads_a_received_folder_whose_patients_are_elsewhere(tmp_path: Path) -> None:
    stranger().drop(columns="visit").to_csv(tmp_path / "klinik.csv", index=False)
    start = init(tmp_path / "klinik.csv", tmp_path)
    text = with_changes(
        start.protocol.read_text(encoding="utf-8"), {"cohort": {"event_map": {1: 0, 2: 1}}, "notebook": None, **SMALL}
    )
    start.protocol.write_text(text, encoding="utf-8")
    run = hs.run(start.protocol, out=tmp_path / "sent")
    (tmp_path / "klinik.csv").rename(tmp_path / "away.csv")
    result, shown = executed("06_reviewer", RUN=str(run.path), OUT=str(tmp_path / "runs"))
    assert result | {"wider": ""} == {
        "verified": False, "rerun": False, "touched": False, "verdict": run.verdict, "same": True, "wider": "",
    }  # fmt: skip
    assert "there is no such file" in shown and not (tmp_path / "runs").exists()


def test_notebook_06_executes_nothing_of_the_folder_before_its_bytes_were_checked() -> None:
    code = [cell.source for cell in read_notebook(NOTEBOOKS / "06_reviewer.ipynb").cells if cell.cell_type == "code"]
    calls = [cell for cell in code if "hs.verify(" in cell]
    assert "rerun=False" in calls[0] and "rerun=RERUN" in calls[-1]


@pytest.fixture(scope="module")
def started(small_protocol: Path, tmp_path_factory: pytest.TempPathFactory) -> "hs.Run":
    """The small run, with the notebook to start from."""
    return hs.run(small_protocol, out=tmp_path_factory.mktemp("started"), template=TEMPLATE)


@pytest.mark.parametrize("number", range(1, 13))
def test_the_notebook_to_start_from_has_the_twelve_sections_of_harper_in_order(number: int, started) -> None:
    done = nbformat.read(started.path / "notebook.ipynb", as_version=4)
    headings = [line for cell in done.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
                if line.startswith("## ") and line[3:4].isdecimal()]  # fmt: skip
    assert [int(line.split()[1]) for line in headings] == list(range(1, 13))
    sheet = json.loads((started.path / "governance.json").read_text(encoding="utf-8"))["items"]
    item = [one for one in sheet if one["id"].startswith("harper.")][number - 1]
    assert headings[number - 1] == f"## {item['question']}"
    cell = next(cell for cell in done.cells if cell.id == f"harper-{number}")
    assert (item["answer"] or "Not stated.") in "".join(output.get("text", "") for output in cell.outputs)


def test_the_notebook_to_start_from_shows_forest_reasons_and_margins(started) -> None:
    done = nbformat.read(started.path / "notebook.ipynb", as_version=4)
    cells = {cell.id: cell for cell in done.cells}
    assert "image/png" in str(cells["forest"].outputs) or "svg" in str(cells["forest"].outputs)
    assert f"of {len(started.evidence.decisive)} did not pass." in cells["reasons"].outputs[-1].text
    assert "survival.rmst" in str(cells["margins"].outputs) or "rmst" in str(cells["margins"].outputs)
