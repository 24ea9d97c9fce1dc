"""The dossier in a real browser: it sorts, fits a narrow screen, and prints."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.finding import Finding
from heorsynth.data.cohort import Cohort
from heorsynth.evidence.evidence import Evidence
from heorsynth.report.dossier import dossier

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")

PROBE = """
<script>
var button = document.querySelectorAll("table.findings thead [role=button]")[3];
button.click();
var column = function () {
  return Array.from(document.querySelectorAll("table.findings")[0].tBodies[0].rows).map(function (r) {
    return r.cells[3].textContent; }).join("|");
};
var up = column();
button.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
var down = column();
document.body.style.width = "360px";
document.body.style.padding = "0";
var edge = document.body.getBoundingClientRect().right + 1;
var wide = Array.from(document.querySelectorAll("body *")).filter(function (e) {
  return !e.closest("table, figure, code, .skip") && e.getBoundingClientRect().right > edge;
}).map(function (e) { return e.tagName; }).join(",");
document.title = ["[up]", up, "[down]", down, "[wide]", wide, "[end]"].join("");
</script>
"""


def page() -> str:
    rng = np.random.default_rng(2)
    n = 60
    frame = pd.DataFrame({"time": rng.exponential(9, n) + 0.1, "event": rng.integers(0, 2, n), "trt": ["a", "b"] * 30})
    real = Cohort(frame, endpoints={"os": ("time", "event")}, arm="trt")
    found = [
        Finding(
            "survival", "rmst", f"group {i}", value, value, 0.0, -0.1, 0.1, 0.2, 0.1, "pass", "", "relative", "day", 60
        )
        for i, value in enumerate((900.0, 1200.0, 30.0))
    ]
    return dossier({"title": "A test"}, real, [real], Evidence.of("teaching", found, m=1, n_rows=n, n_source=n))


def chromium(folder: Path, *options: str) -> str:
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        "--host-resolver-rules=MAP * ~NOTFOUND", *options,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_tables_sort_by_click_and_by_key_and_nothing_sticks_out_of_a_narrow_screen(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page().replace("</body>", PROBE + "</body>"), encoding="utf-8")
    title = re.search("<title>(.*?)</title>", chromium(tmp_path, "--dump-dom", file.as_uri()))
    assert title is not None
    assert title[1] == ("[up]30 day|900 day|1,200 day[down]1,200 day|900 day|30 day[wide][end]")


def test_the_page_prints(tmp_path: Path) -> None:
    file, target = tmp_path / "report.html", tmp_path / "report.pdf"
    file.write_text(page(), encoding="utf-8")
    chromium(tmp_path, f"--print-to-pdf={target}", file.as_uri())
    assert target.read_bytes().startswith(b"%PDF") and target.stat().st_size > 20_000
