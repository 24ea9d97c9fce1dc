"""Patients, two of whom can be recognised, and one run that tells their synthetic cohort by a model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import heorsynth as hs

CANARIES = ("Canary-Ada-7319", "Canary-Bert-7320", "3987.6543", "4012.3451", "101.2347", "17.3459")
"""Ids and extreme values of two patients."""

PROTOCOL = """\
heorsynth: 1
title: Texts
purpose: teaching
cohort: {{source: {{file: patients.csv}}, endpoints: {{os: [time, event]}}, arm: trt, subgroups: [sex], id: patient}}
generator: {{name: heor, m: 2, most_cohorts: 2, seed: 5}}
narratives: {{kind: summary, slots: [age, sex, trt, os.status, os.time], patients: 20, {more}}}
notebook: short.ipynb
"""

MODEL = "model: {{name: 'openai:m', url: '{url}', patients: 6, prompt: 'Tell this patient. {{facts}}'}}"


@dataclass(frozen=True)
class Study:
    """A folder with patients, and the protocols that are written into it."""

    place: Path
    canaries: tuple[str, ...] = CANARIES

    def protocol(self, more: str) -> Path:
        path = self.place / "texts.yaml"
        path.write_text(PROTOCOL.format(more=more), encoding="utf-8")
        return path

    def by_model(self, url: str = "http://127.0.0.1:9/v1") -> Path:
        return self.protocol(MODEL.format(url=url))

    def changed(self, old: str, new: str, url: str = "http://127.0.0.1:9/v1") -> Path:
        path = self.by_model(url)
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        return path


def study_in(place: Path) -> Study:
    rng, n = np.random.default_rng(5), 120
    frame = pd.DataFrame({
        "patient": [f"P{i:04d}" for i in range(n)],
        "time": np.round(rng.exponential(500, n) + 1, 4),
        "event": rng.integers(0, 2, n),
        "trt": np.tile(["new", "usual"], n // 2),
        "sex": rng.choice(["f", "m"], n),
        "age": np.round(rng.normal(60, 8, n), 4),
    })  # fmt: skip
    for row in range(2):
        frame.loc[row, ["patient", "time", "age"]] = CANARIES[row], float(CANARIES[2 + row]), float(CANARIES[4 + row])
    frame.to_csv(place / "patients.csv", index=False)
    parameters = nbformat.v4.new_code_cell("RUN = None", metadata={"tags": ["parameters"]})
    code = "import heorsynth as hs\nprint({name: len(texts) for name, texts in hs.Run.open(RUN).texts.items()})"
    reads = nbformat.v4.new_code_cell(code)
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters, reads]), place / "short.ipynb")
    return Study(place)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return study_in(tmp_path)


@pytest.fixture(scope="session")
def told_run(session_server: object, tmp_path_factory: pytest.TempPathFactory) -> "hs.Run":
    """A run whose live model answered six calls."""
    folder = tmp_path_factory.mktemp("told")
    path = study_in(folder).by_model(session_server.url)
    return hs.run(path, out=folder / "runs", live_model=True)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> "hs.Cohort":
    """The first cohort that a run of these protocols draws."""
    folder = tmp_path_factory.mktemp("drawn")
    study_in(folder)
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "trt", "subgroups": ["sex"], "id": "patient"}
    cohort = hs.Cohort(hs.read(folder / "patients.csv"), **roles)
    return hs.generators.create("heor").fit(cohort, seed=5).sample(m=1, seed=5)[0]


@pytest.fixture
def narrator(drawn: "hs.Cohort") -> Callable[..., object]:
    from heorsynth.protocol.file.spec import read_protocol
    from heorsynth.protocol.narratives.tell import narrator_of

    columns = [str(name) for name in drawn.rows.columns]
    return lambda path, live=False: narrator_of(read_protocol(path), drawn.schema, columns, live)
