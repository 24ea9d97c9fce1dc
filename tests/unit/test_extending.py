"""The examples of docs/extending.md do what the page says, and can be put where it says."""

import contextlib
import io
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.datasets.catalogue import CATALOGUE
from heorsynth.data.files.io import READERS
from heorsynth.generators.recipe import Recipe
from heorsynth.protocol.file.spec import read_protocol

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", flags=re.DOTALL)


@cache
def page() -> dict:
    """Every name that the code of the page defines, after it printed what the page shows."""
    names: dict = {}
    for code, shown in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, PAGE.name, "exec"), names)
        assert printed.getvalue() == shown
    return names


def test_the_generator_is_a_recipe_and_gives_one_result_for_one_seed() -> None:
    recipe = page()["TwoDonors"]()
    assert isinstance(recipe, Recipe)
    cohort = hs.datasets.load("pbc")
    first, again = (recipe.fit(cohort, seed=1).sample(n=80, m=1, seed=4)[0].frame for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(recipe.fit(cohort, seed=1).sample(n=80, m=1, seed=5)[0].frame)
    pd.testing.assert_frame_equal(cohort.frame, hs.datasets.load("pbc").frame)


def test_the_generator_keeps_arm_and_outcome_together_and_parts_outcome_and_covariates() -> None:
    cohort, _ = hs.datasets.simulated_trial(200, seed=1)
    law = page()["TwoDonors"]().fit(cohort, seed=1).law
    drawn, source = law.draw(400, np.random.default_rng(1)), law.frame
    keys = [cohort.schema.arm, "time"]
    assert set(drawn[keys].itertuples(index=False)) <= set(source[keys].itertuples(index=False))
    apart = ["age", "time"]
    whole = set(source[apart].itertuples(index=False))
    # two donors of one arm of about 100 are the same patient in 1 of 100 rows
    assert np.mean([row in whole for row in drawn[apart].itertuples(index=False)]) < 0.1


def test_the_generator_refuses_a_setting_of_another_type_and_a_source_that_is_synthetic() -> None:
    kind = page()["TwoDonors"]
    with pytest.raises(errors.GeneratorError, match="within_arm"):
        kind(within_arm="yes")
    synthetic = kind().fit(hs.datasets.load("pbc"), seed=1).sample(m=1, seed=1)[0]
    with pytest.raises(errors.LabelError, match="synthetic"):
        kind().fit(synthetic)


def test_the_entry_point_of_the_page_makes_the_generator_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    group, line = re.search(r'entry-points\."(.*?)"\]\n(.*? = ".*?")\n', text).groups()  # type: ignore[union-attr]
    folder = tmp_path / "heorsynth_two_donors-1.0.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: heorsynth-two-donors\nVersion: 1.0.0\n")
    (folder / "entry_points.txt").write_text(f"[{group}]\n{line.replace(chr(34), '')}\n")
    (tmp_path / "two_donors.py").write_text(BLOCK.findall(text)[0][0].partition("\ncohort = ")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert hs.generators.create("two_donors", within_arm=False).name == "two_donors"
    assert hs.generators.describe("two_donors").startswith("The outcome of one patient with the covariates of another.")


def added_estimand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the page's estimand as a package of its own, by the page's entry point."""
    text = PAGE.read_text(encoding="utf-8")
    lines = text.partition('entry-points."heorsynth.estimands"]\n')[2].partition("\n")[0].replace('"', "")
    info = folder / "heorsynth_cost_of_events-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: heorsynth-cost-of-events\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(f"[heorsynth.estimands]\n{lines}\n")
    code = next(code for code, _ in BLOCK.findall(text) if "COST_OF_EVENTS = Estimand(" in code)
    imports = "import numpy as np\nimport heorsynth as hs\n"
    (folder / "cost_of_events.py").write_text(imports + code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))


def test_the_estimand_is_asked_by_its_margin_and_the_verdict_rests_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added_estimand(tmp_path, monkeypatch)
    trial, _ = hs.datasets.simulated_trial(120, seed=1)
    copies = hs.generators.create("heor").fit(trial, seed=1).sample(m=2, seed=1)
    margins = {"costs.of_events": {"relative": 0.1}}
    evidence = hs.validate(trial, copies, purpose="teaching", margins=margins, seed=1)
    found = {one.group: one for one in evidence.findings if one.key == "costs.of_events"}
    died = trial.outcome("os")[1] == 1
    assert found["all"].real == pytest.approx(trial.column("cost")[died].mean())
    assert (found["all"].n_real, found["all"].decisive) == (died.sum(), True)
    assert {one.kind for one in found.values()} == {"all", "arm", "subgroup"}


def test_the_estimand_shows_nothing_of_fewer_than_five_patients_with_the_event() -> None:
    names = page()
    frame = pd.DataFrame({"time": range(1, 13), "event": [1] * 4 + [0] * 8, "cost": range(12)})
    patients = hs.Cohort(frame, endpoints={"os": ("time", "event")}, costs=["cost"], currency="EUR")
    entry = names["COST_OF_EVENTS"]
    margin = names["as_margin"](entry.key, entry.margin, entry.settings)
    scope = names["Scope"](patients, [patients], ((entry, margin),), np.random.default_rng(1))
    (finding,) = entry.answer(names["replace"](scope.asks()[0], column="cost"))
    assert finding.verdict == "not estimable" and np.isnan(finding.real)


def test_the_check_of_the_page_is_blind_to_ages_that_keep_their_share_of_fives() -> None:
    """It looks at a share: ages that are all wrong keep it."""
    names = page()
    ages = np.arange(200) % 40 + 20.0
    real, wrong = (
        hs.Cohort(pd.DataFrame({"time": ages, "event": 1, "age": values}), endpoints={"os": ("time", "event")})
        for values in (ages, ages - 15)
    )
    entry = names["FIVES"]
    margin = names["as_margin"](entry.key, entry.margin, entry.settings)
    scope = names["Scope"](real, [wrong] * 5, ((entry, margin),), np.random.default_rng(1))
    assert [one.verdict for one in names["check_heaping"](scope)] == ["pass"]


def test_the_dataset_can_be_loaded_and_copied_once_it_is_in_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CATALOGUE, "heart", page()["HEART"])  # type: ignore[arg-type]
    assert "heart" in hs.datasets.names()
    cohort = hs.datasets.load("heart")
    assert (cohort.n, cohort.schema.unit) == (69, "day")
    assert set(cohort.frame["age_group"]) == {"<45", "45+"}
    assert hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=1).broken == {}
    protocol = tmp_path / "heart.yaml"
    protocol.write_text(
        "heorsynth: 1\ntitle: Hearts\npurpose: teaching\ncohort: {source: {dataset: heart}}\ngenerator: {seed: 1}\n"
    )
    assert read_protocol(protocol).document.cohort.source.dataset == "heart"


def test_the_format_is_read_with_its_types_and_its_label_once_it_is_among_the_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "patients.jsonl"
    rows = [{"id": f"00{i}", "time": i + 0.5, "died": i % 2 == 0} for i in range(12)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(errors.FileError, match="not known"):
        hs.read(file)
    monkeypatch.setitem(READERS, ".jsonl", page()["read_json_lines"])  # type: ignore[arg-type]
    assert hs.read(file).to_dict("records") == rows
    assert hs.read(file, endpoints={"os": ("time", "died")}).n == 12
    assert hs.inspect(file).synthetic is None


def test_the_format_refuses_a_damaged_file_and_quotes_no_value(tmp_path: Path) -> None:
    (tmp_path / "patients.jsonl").write_text('{"id": "Canary-7319"', encoding="utf-8")
    with pytest.raises(errors.DamagedFileError, match="not one JSON object a line") as raised:
        page()["read_json_lines"](tmp_path / "patients.jsonl")
    assert "Canary" not in str(raised.value)
    assert raised.value.__cause__ is None
