"""What a person meets: notebooks in JupyterLab, light and dark; dossier and governance sheet on screens and paper.

Pictures of all of it are kept in build/browser, to be looked at.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

import heorsynth as hs

pytest.importorskip("playwright", reason="no Playwright here: make test-browser installs it")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")

KEPT = ROOT / "build" / "browser"
"""Where screenshots and the printed page go."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> hs.Run:
    folder = tmp_path_factory.mktemp("dossier")
    (folder / "trial.yaml").write_text(
        "heorsynth: 1\ntitle: A trial, copied\npurpose: economic-evaluation\n"
        "cohort: {source: {simulated: {n: 120, seed: 3}}}\n"
        "generator: {name: heor, n: same, m: 3, most_cohorts: 3, seed: 1}\n"
        "economics: {comparator: usual, wtp: [20000]}\n"
    )
    return hs.run(folder / "trial.yaml", folder / "runs")


@pytest.fixture(scope="module")
def objects(run: hs.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare page of what objects look like in a notebook."""
    shown = [run.cohort, run.synthetic[0], run.synthetic, run.evidence, run]
    KEPT.mkdir(parents=True, exist_ok=True)
    body = "".join(f"<section>{item._repr_html_()}</section>" for item in shown)
    page = tmp_path_factory.mktemp("objects") / "objects.html"
    page.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Objects</title>'
        f"<style>:root{{color-scheme:light dark}}</style></head><body><main><h1>Objects</h1>{body}</main></body></html>"
    )
    return page


def pages(run: hs.Run, objects: Path) -> dict[str, Path]:
    return {"report": run.report, "governance": run.path / "governance.html", "objects": objects}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "governance", "objects"])
def test_axe_finds_no_serious_fault(browser: Browser, run: hs.Run, objects: Path, name: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(pages(run, objects)[name].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(page).response["violations"]
    serious = [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in ("serious", "critical")
    ]
    context.close()
    assert serious == []


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", ["report", "governance"])
def test_a_page_fits_its_screen_with_and_without_a_script(
    browser: Browser, run: hs.Run, objects: Path, name: str, width: int
) -> None:
    for scripted in (False, True):
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripted)
        page = context.new_page()
        page.goto(pages(run, objects)[name].as_uri())
        if scripted:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        else:
            page.screenshot(path=KEPT / f"{name}-{width}.png", full_page=True)
        edge = page.locator("body").bounding_box()
        assert edge is not None and edge["width"] <= width
        assert page.locator("table").first.is_visible()
        assert page.locator("img:not([alt]), img[alt='']").count() == 0
        context.close()


@pytest.mark.parametrize("width", [1280, 400])
def test_every_cell_of_a_finding_can_be_read_without_moving_the_page_sideways(
    browser: Browser, run: hs.Run, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(run.report.as_uri())
    rows = page.evaluate(
        "Array.from(document.querySelectorAll('table.findings')[0].tBodies[0].rows).map(row => ["
        "Math.max(...Array.from(row.cells).map(cell => cell.getBoundingClientRect().right)),"
        "row.getBoundingClientRect().height])"
    )
    page.close()
    assert rows and max(right for right, _ in rows) <= width
    assert max(height for _, height in rows) < 330


def test_what_has_no_say_is_folded_on_a_screen_and_open_on_paper(browser: Browser, run: hs.Run) -> None:
    page = browser.new_page()
    page.goto(run.report.as_uri())
    row = page.locator("details.printed table.findings tbody tr").first
    assert not row.is_visible()
    page.emulate_media(media="print")
    box = row.bounding_box()
    page.close()
    assert box is not None and box["height"] > 0


@pytest.mark.parametrize("name", ["report", "objects"])
def test_a_table_sorts_by_click_and_by_key(browser: Browser, run: hs.Run, objects: Path, name: str) -> None:
    page = browser.new_page()
    page.goto(pages(run, objects)[name].as_uri())
    table = page.locator("table", has=page.get_by_role("columnheader", name="real patients")).first
    heading = table.get_by_role("button", name="real patients")
    column = (
        "table => Array.from(table.tBodies[0].rows).map(row => parseInt(row.cells[7].textContent.replace(/,/g, '')))"
    )
    heading.click()
    up = table.evaluate(column)
    heading.press("Enter")
    down = table.evaluate(column)
    told = table.locator("th[aria-sort]").get_attribute("aria-sort")
    page.close()
    assert len(set(up)) > 1 and up == sorted(up) and down == sorted(up, reverse=True) and told == "descending"


def test_a_page_that_strips_scripts_shows_a_plain_table(browser: Browser, objects: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(objects.as_uri())
    assert page.get_by_role("columnheader", name="real patients").count() == 1
    assert page.locator("[role=button], button").count() == 0
    context.close()


def test_in_print_no_table_is_wider_than_the_paper_and_pages_are_full(browser: Browser, run: hs.Run) -> None:
    page = browser.new_page(viewport={"width": 1040, "height": 710})  # A4 across, less its margins, at 96 dots an inch
    page.emulate_media(media="print")
    page.goto(run.report.as_uri())
    wide = page.evaluate(
        "Array.from(document.querySelectorAll('table')).filter(one => one.getBoundingClientRect().right >"
        " document.documentElement.clientWidth + 1 && getComputedStyle(one).display !== 'none')"
        ".map(one => one.caption ? one.caption.textContent : one.outerHTML.slice(0, 80))"
    )
    printed = page.pdf(path=KEPT / "report.pdf", prefer_css_page_size=True)
    page.close()
    assert wide == []
    assert 5 < len(re.findall(rb"/Type /Page\b", printed)) <= 27  # 25 with decisions in every subgroup


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a JupyterLab of its own, on loopback, in a copy of the notebooks; ended by its process group.

    Its parameter is the theme.
    """
    chosen = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    chosen.mkdir(parents=True)
    (chosen / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {request.param}"}))
    for name in ("notebooks", "protocols"):
        shutil.copytree(ROOT / name, tmp_path / "work" / name)
    token = secrets.token_hex(16)
    places = {"JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings")}
    places |= {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path / 'work'}",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    log = tmp_path / "lab.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, **places}
        )
    try:
        for _ in range(120):
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text(errors="replace")):
                break
            assert server.poll() is None, log.read_text(errors="replace")[-2000:]
            time.sleep(0.5)
        assert found is not None, "JupyterLab did not start within a minute"
        yield f"http://127.0.0.1:{found[1]}/lab/tree/notebooks/{{}}?token={token}&reset"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


@pytest.mark.parametrize("lab", ["Light"], indirect=True)
def test_01_runs_in_jupyterlab_and_shows_its_verdict_and_pictures(browser: Browser, lab: str) -> None:
    page = _run_all(browser, lab.format("01_rare_disease_pbc.ipynb"), seconds=480)
    KEPT.mkdir(parents=True, exist_ok=True)
    page.evaluate(
        "Array.from(document.querySelectorAll('.jp-OutputArea-output table')).filter("
        "one => one.textContent.includes('Decisive findings')).forEach(one => one.scrollIntoView())"
    )
    page.wait_for_timeout(2_000)
    page.screenshot(path=KEPT / "lab-01.png")
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    said = " ".join(page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts())
    assert not re.search("Error|Warning|Traceback", said), said  # progress bars are drawn there
    seen = page.evaluate(
        "({pictures: document.querySelectorAll('.jp-OutputArea-output figure img[alt]').length,"
        " text: Array.from(document.querySelectorAll('.jp-OutputArea-output table'))"
        ".map(one => one.textContent).join()})"
    )
    page.close()
    assert seen["pictures"] >= 3
    assert "inconclusive" in seen["text"] and "rmst" in seen["text"]


CONTRAST = """
() => {
  const channel = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4); };
  const light = rgb => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
  const parsed = text => text.match(/[0-9.]+/g).map(Number);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const found = parsed(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0.5) { return found; }
    }
    return [255, 255, 255];
  };
  const cells = Array.from(document.querySelectorAll(".jp-OutputArea-output .heorsynth-card :is(td, th, caption)"));
  return cells.filter(cell => cell.textContent).map(cell => {
    const pair = [light(parsed(getComputedStyle(cell).color)), light(behind(cell))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
}
"""
"""Contrast of the text of each cell with what lies behind it, as WCAG 2 defines it."""


@pytest.mark.parametrize("lab", ["Light", "Dark"], indirect=True)
def test_objects_can_be_read_and_sorted_in_either_theme(
    browser: Browser, lab: str, run: hs.Run, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lines = [f"import heorsynth as hs\nrun = hs.Run.open({str(run.path)!r})\nrun", "run.cohort", "run.synthetic",
             "run.evidence", "hs.figures.forest(run.evidence)"]  # fmt: skip
    story = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in lines])
    nbformat.write(story, tmp_path / "work" / "notebooks" / "objects.ipynb")
    page = _run_all(browser, lab.format("objects.ipynb"))
    theme = request.node.callspec.params["lab"]
    KEPT.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=KEPT / f"lab-{theme.lower()}.png")
    assert page.evaluate("document.body.dataset.jpThemeLight") == str(theme == "Light").lower()
    contrast = page.evaluate(CONTRAST)
    assert len(contrast) > 30 and min(contrast) >= 4.5
    table = page.locator(".jp-OutputArea-output table", has=page.get_by_role("columnheader", name="real patients"))
    table.get_by_role("button", name="real patients").click()
    assert table.locator("th[aria-sort=ascending]").count() == 1
    assert page.get_by_role("link", name="Open the dossier").count() == 1
    page.close()


def _run_all(browser: Browser, address: str, seconds: int = 180) -> Page:
    """A page with the notebook, all of it run."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=120_000)
    page.wait_for_timeout(2_000)
    while page.locator("dialog.jp-Dialog").count():
        print("dialog:", page.locator("dialog.jp-Dialog").first.inner_text())
        page.locator("dialog.jp-Dialog .jp-mod-accept").first.click()
        page.wait_for_timeout(500)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    _wait_until_run(page, seconds)
    return page


def _wait_until_run(page: Page, seconds: int = 180) -> None:
    """Scrolls through the notebook, which only draws what is near, until no cell waits and the last has run."""
    prompts = "Array.from(document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')).map(one => one.textContent)"
    end = time.monotonic() + seconds
    page.locator(".jp-Notebook").first.click(position={"x": 5, "y": 5})
    while time.monotonic() < end:
        page.evaluate("document.querySelectorAll('.jp-WindowedPanel-outer').forEach(one => one.scrollBy(0, 400))")
        told = page.evaluate(prompts)
        if told and all(re.search(r"\d", one) for one in told):
            return
        time.sleep(1)
    raise AssertionError(f"cells still wait after {seconds} s")
