"""What a person meets: a notebook run in JupyterLab; dossier and governance sheet on screens, in print, by axe-core."""

from __future__ import annotations

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

import pytest

import heorsynth as hs

pytest.importorskip("playwright", reason="no Playwright here: make test-browser installs it")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")

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
        "generator: {name: heor, n: same, m: 3, seed: 1}\neconomics: {comparator: usual, wtp: [20000]}\n"
    )
    return hs.run(folder / "trial.yaml", folder / "runs")


@pytest.fixture(scope="module")
def objects(run: hs.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare page of what objects look like in a notebook."""
    shown = [run.cohort, run.synthetic[0], run.synthetic, run.evidence, run]
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
def test_a_page_fits_its_screen_without_a_script(
    browser: Browser, run: hs.Run, objects: Path, name: str, width: int, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(pages(run, objects)[name].as_uri())
    shot = tmp_path / f"{name}-{width}.png"
    page.screenshot(path=shot, full_page=True)
    print(shot)
    edge = page.locator("body").bounding_box()
    assert edge is not None and edge["width"] <= width
    scripted = browser.new_page(viewport={"width": width, "height": 900})
    scripted.goto(pages(run, objects)[name].as_uri())
    assert scripted.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("table").first.is_visible()
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    scripted.close()
    context.close()


def test_in_print_no_table_is_wider_than_the_paper(browser: Browser, run: hs.Run, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1040, "height": 735})  # A4 across, less its margins, at 96 dots an inch
    page.emulate_media(media="print")
    page.goto(run.report.as_uri())
    wide = page.evaluate(
        "Array.from(document.querySelectorAll('table')).filter(one => one.getBoundingClientRect().right >"
        " document.documentElement.clientWidth + 1 && getComputedStyle(one).display !== 'none')"
        ".map(one => one.caption ? one.caption.textContent : one.outerHTML.slice(0, 80))"
    )
    page.pdf(path=tmp_path / "report.pdf", format="A4", landscape=True)
    page.close()
    assert wide == [] and (tmp_path / "report.pdf").stat().st_size > 20_000


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab of its own, on loopback, in a copy of the notebooks; ended by its process group."""
    for name in ("notebooks", "protocols"):
        shutil.copytree(ROOT / name, tmp_path / "work" / name)
    token = secrets.token_hex(16)
    places = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
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
        yield f"http://127.0.0.1:{found[1]}/lab/tree/notebooks/{{}}?token={token}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def test_01_runs_in_jupyterlab_and_shows_its_verdict_and_pictures(browser: Browser, lab: str, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(lab.format("01_rare_disease_pbc.ipynb"))
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.wait_for_timeout(2_000)
    while page.locator("dialog.jp-Dialog").count():
        print("dialog:", page.locator("dialog.jp-Dialog").first.inner_text())
        page.locator("dialog.jp-Dialog .jp-mod-accept").first.click()
        page.wait_for_timeout(500)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    _wait_until_run(page)
    page.screenshot(path=tmp_path / "lab.png")
    print(tmp_path / "lab.png")
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    said = " ".join(page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts())
    assert not re.search("Error|Warning|Traceback", said), said  # progress bars are drawn there
    seen = page.evaluate(
        "({pictures: document.querySelectorAll('.jp-OutputArea-output figure img[alt]').length,"
        " text: Array.from(document.querySelectorAll('.jp-OutputArea-output table')).map(one => one.innerText).join()})"
    )
    page.close()
    assert seen["pictures"] >= 3
    assert "inconclusive" in seen["text"] and "rmst" in seen["text"]


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
