"""The label of a run: one printed page that says what the cohorts are fit for, and escapes what it shows."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from heorsynth.checks.core.finding import Finding
from heorsynth.evidence.evidence import PAPER, Evidence
from heorsynth.provenance.record import Record
from heorsynth.report.label import label_page

RECORD = Record(
    name="trial-1a2b", title="A <b>trial</b>, copied", purpose="teaching", verdict="not fit", sentence="A mean fails.",
    version="1.0", source={"kind": "file", "patients": 276, "depth": 1},
    protocol={"sha256": "ab" * 32}, generator={"name": "heor", "m": 20, "rows": 276, "seed": 7, "settings": {}},
    post_processing=("labelled", "watermark"), margins=(), amendments=(), holdout=None,
    governance={"intended_use": "teaching", "steward": None}, columns={}, release="1a2b",
)  # fmt: skip


def evidence(n: int = 3, group: str = "sex=f") -> Evidence:
    found = [
        Finding(key="costs.mean", estimand=f"mean of cost {at}", group=group, real=100.0, synthetic=140.0,
                difference=0.4, lower=0.3, upper=0.5, margin=0.1, floor=0.01, verdict="fail", because="outside",
                scale="relative", unit="EUR", n_real=276, decisive=True)
        for at in range(n)
    ]  # fmt: skip
    return Evidence.of("teaching", found, m=20, n_rows=276, n_source=276)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))


def test_the_label_says_verdict_origin_use_and_limits() -> None:
    text = text_of(label_page(RECORD, evidence()))
    assert "Fit for teaching? Not fit" in text and "A mean fails." in text
    assert "276 patients, learnt directly" in text and "20 cohorts of 276 rows" in text
    assert "Intended use teaching" in text and "Responsible needs a person" in text
    assert "Fails in sex=f" in text and "Too few to judge no subgroup" in text
    assert "mean of cost 0" in text and "no language model" in text


def test_the_label_of_a_paper_speaks_of_the_paper_and_of_no_patients_learnt_from() -> None:
    text = text_of(label_page(RECORD, replace(evidence(), reference=PAPER)))
    assert "from what a paper prints of its patients" in text and "a paper on 276 patients" in text
    assert "±10.0% of the published value" in text and "Differences of the cohorts from what the paper prints" in text
    assert "learnt" not in text and "real value" not in text


def test_many_findings_that_pass_and_ask_the_same_are_one_row() -> None:
    found = evidence(30)
    passed = replace(found, findings=tuple(replace(one, verdict="pass") for one in found.findings))
    page = label_page(RECORD, passed)
    assert page.count('scope="row" class="pass"') == 1 and "of 30 that pass" in text_of(page)


def test_the_label_escapes_what_it_shows_and_loads_nothing() -> None:
    page = label_page(RECORD, evidence(group="<script>x</script>"))
    assert "<b>" not in page and "<script" not in page and "http" not in page
    assert page == label_page(RECORD, evidence(group="<script>x</script>"))


def test_the_label_shows_the_worst_findings_and_counts_the_others() -> None:
    page = label_page(RECORD, evidence(30))
    assert page.count('scope="row" class="fail"') == 8 and "22 more in report.html" in text_of(page)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
def test_the_longest_label_prints_on_one_page(tmp_path: Path) -> None:
    words = "a long answer of many words " * 60
    keys = ("intended_use", "prohibited_use", "steward", "legal_basis", "retention", "signed_off_by")
    full = replace(RECORD, governance=dict.fromkeys(keys, words), title=words, sentence=words, post_processing=(words,))
    (tmp_path / "label.html").write_text(
        label_page(full, evidence(30, "level of a long subgroup " * 9)), encoding="utf-8"
    )
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
               f"--print-to-pdf={tmp_path}/label.pdf", (tmp_path / "label.html").as_uri()]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "label.pdf").read_bytes())) == 1


def test_a_run_writes_its_label_and_sums_it(small_run) -> None:
    page = (small_run.path / "label.html").read_text(encoding="utf-8")
    assert json.loads((small_run.path / "verdict.json").read_text(encoding="utf-8"))["verdict"].capitalize() in page
    assert "label.html" in (small_run.path / "SHA256SUMS").read_text(encoding="utf-8")
