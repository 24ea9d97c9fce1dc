"""A run plans its checks once, before it fits a generator, and draws one random sample of each folder."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.evidence import folders, validate
from heorsynth.evidence.publish import published
from heorsynth.generators.heor.recipe import Heor

IN_MEMORY = """\
heorsynth: 1
title: Counts of calls
purpose: teaching
cohort: {source: {simulated: {n: 60, seed: 2}}}
generator: {name: marginals, n: same, m: 2, most_cohorts: 2, seed: 1}
"""
IN_A_FOLDER = """\
heorsynth: 1
title: Counts of calls
purpose: model-development
cohort:
  source: {folder: claims}
  endpoints: {os: [time, event]}
  arm: arm
  costs: [cost]
  utilities: [qaly]
  unit: year
  drop: [drug, hospital]
generator: {name: heor, n: 1500, m: 2, most_cohorts: 2, seed: 5, options: {most_rows: 1200}}
most_rows: 1000
"""


def counted(monkeypatch: pytest.MonkeyPatch, calls: Counter[str], module: object, name: str) -> None:
    """Count the calls of a function of a module, which still does its work."""
    original: Callable[..., object] = getattr(module, name)

    def counting(*args: object, **settings: object) -> object:
        calls[name] += 1
        return original(*args, **settings)

    monkeypatch.setattr(module, name, counting)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    found: Counter[str] = Counter()
    counted(monkeypatch, found, validate, "plan")
    counted(monkeypatch, found, folders, "sampled")
    return found


def test_a_run_plans_its_checks_once(
    tmp_path: Path, calls: Counter[str], short_notebook: Callable[[Path], str]
) -> None:
    (tmp_path / "memory.yaml").write_text(IN_MEMORY + short_notebook(tmp_path), encoding="utf-8")
    hs.run(tmp_path / "memory.yaml", out=tmp_path / "runs")
    assert calls == {"plan": 1}


def test_a_run_of_a_folder_plans_once_and_samples_each_folder_once(
    tmp_path: Path, calls: Counter[str], short_notebook: Callable[[Path], str]
) -> None:
    (tmp_path / "claims").mkdir()
    rows = hs.datasets.simulated_trial(1500, seed=1)[0].frame
    for part, taken in enumerate(np.array_split(np.arange(1500), 2)):
        rows.iloc[taken].to_parquet(tmp_path / "claims" / f"{part}.parquet", index=False)
    (tmp_path / "claims.yaml").write_text(IN_A_FOLDER + short_notebook(tmp_path), encoding="utf-8")
    run = hs.run(tmp_path / "claims.yaml", out=tmp_path / "runs")
    assert calls == {"plan": 1, "sampled": 3}, "one sample of the patients, and one of each of the 2 synthetic cohorts"
    of_rows = [finding for finding in run.evidence.findings if finding.because.startswith("from a random sample")]
    assert of_rows, "checks of rows used the sample"
    again = hs.validate(run.cohort, run.synthetic, "model-development", seed=5, most_rows=1000)
    assert published(again.stable).to_csv() == run.evidence.to_csv(), "validate draws the same sample itself"


def test_a_margin_that_the_cohort_cannot_answer_is_refused_with_its_line_before_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: Counter[str] = Counter()
    counted(monkeypatch, fits, Heor, "fit")
    text = IN_MEMORY.replace("marginals", "heor") + "margins: {survival.rmst: {endpoint: pfs, relative: 0.05}}\n"
    (tmp_path / "margin.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(errors.MarginError, match=r"protocol 'margin.yaml'[^§]*line 6, survival.rmst"):
        hs.run(tmp_path / "margin.yaml", out=tmp_path / "runs")
    assert not fits


@pytest.mark.parametrize(
    ("economics", "line", "fix"),
    [
        ("baseline: qalyy", "line 5, economics.baseline", "did you mean 'qaly'"),
        ("adjust: [aeg]", "line 5, economics.adjust", "did you mean 'age'"),
        ("effect: qali", "line 5, economics.effect", "did you mean 'qaly'"),
        ("cluster: arm", "line 5, economics.cluster", "unit that was randomised"),
    ],
)
def test_a_column_of_the_evaluation_that_cannot_be_used_has_its_line(
    tmp_path: Path, economics: str, line: str, fix: str
) -> None:
    block = f"economics: {{comparator: usual, wtp: [20000], {economics}}}\ngenerator"
    text = IN_MEMORY.replace("teaching", "economic-evaluation").replace("generator", block, 1)
    (tmp_path / "memory.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(errors.ProtocolError) as caught:
        hs.run(tmp_path / "memory.yaml", out=tmp_path / "runs")
    (problem,) = caught.value.problems
    assert problem.where == line and fix in problem.fix


def test_quasi_identifiers_that_are_no_column_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "heorsynth: 1\ntitle: Linked\npurpose: teaching\ncohort: {source: {simulated: {n: 60, seed: 1}}}\n"
        "generator: {name: heor, m: 2, seed: 1}\n"
        "margins:\n  disclosure.linkage: {absolute: 0.09, quasi_identifiers: [agee, sex]}\n",
        encoding="utf-8",
    )
    with pytest.raises(errors.MarginError) as refused:
        hs.run(path, out=tmp_path)
    (problem,) = refused.value.problems
    assert "line 7" in problem.where and "no column 'agee'" in problem.found and "'age'" in problem.fix
