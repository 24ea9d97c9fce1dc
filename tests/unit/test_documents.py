"""The documents say what the code does: the README's lines print what it shows, the tables come from the code."""

import contextlib
import io
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from heorsynth.checks.planning.catalogue import ESTIMANDS

ROOT = Path(__file__).resolve().parents[2]


def test_the_lines_of_the_readme_print_what_it_shows() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code, shown = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", readme, flags=re.DOTALL)[0]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == shown
    assert len(code.strip().splitlines()) <= 12


def test_the_table_of_purposes_is_that_of_the_code() -> None:
    page = runpy.run_path(str(ROOT / "tools" / "purposes.py"))["page"]
    assert (ROOT / "docs" / "purposes.md").read_text(encoding="utf-8") == page()


def test_the_page_of_operating_characteristics_is_that_of_the_stored_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    page = runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["page"]
    shown = (ROOT / "docs" / "operating-characteristics.md").read_text(encoding="utf-8")
    assert shown == page() and "<!--" not in shown


def test_the_table_of_peers_in_the_readme_is_that_of_the_stored_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    made = runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["readme"]()
    assert (ROOT / "README.md").read_text(encoding="utf-8") == made and "| sequential_trees |" in made


def test_every_file_the_documents_point_to_is_there() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_python_file_that_a_page_on_the_design_names_is_there() -> None:
    pages = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "decisions").glob("*.md")]
    named = {(page.name, path) for page in pages for path in re.findall(r"`([\w/]+/\w+\.py)`", page.read_text("utf-8"))}
    assert len(named) > 80
    assert not [one for one in named if not any((place / one[1]).is_file() for place in (ROOT, ROOT / "heorsynth"))]


def test_the_architecture_page_names_every_room_with_its_rule_and_every_decision() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \|", text, flags=re.MULTILINE))
    for folder in (ROOT / "heorsynth").iterdir():
        if (folder / "__init__.py").is_file():
            rooms = {room.parent.name for room in folder.glob("*/__init__.py")}
            assert set(re.findall(r"`(\w+)`", rows[folder.name])) == rooms, folder.name
    records = {path.name for path in (ROOT / "docs" / "decisions").glob("*.md")}
    assert set(re.findall(r"\(decisions/(\S+\.md)\)", text)) == records


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_is_dated_and_short(record: Path) -> None:
    assert re.match(r"\d{4}-\d\d-\d\d-[a-z-]+$", record.stem)
    assert len(record.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_the_code_of_a_page_runs_from_top_to_bottom_and_prints_what_it_shows(page: Path) -> None:
    text, names = page.read_text(encoding="utf-8"), {}
    for code, shown in re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, flags=re.DOTALL):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page.name, "exec"), names)
        assert printed.getvalue() == shown or not shown


def built(kind: str, folder: Path) -> None:
    """Build the site; a warning, such as one of a link or a page in no table of contents, is an error."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", kind, "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_page_is_read_and_its_references_are_found_without_a_warning(tmp_path: Path) -> None:
    built("dummy", tmp_path)  # all of the site below but the writing of pages, which takes the most time


@pytest.mark.long
def test_the_site_is_built_without_a_warning_and_every_link_in_it_leads_somewhere(tmp_path: Path) -> None:
    built("html", tmp_path)
    pages = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert len(pages) > 12
    formulas = pages[tmp_path / "formulas.html"]
    assert all(f"<code>{key}</code>" in formulas for key in ESTIMANDS)
    for path, text in pages.items():
        for target in re.findall(r'href="([^"#:?]+)(?:#[^"]*)?"', text):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
        assert not re.findall(r'(?:src|<link[^>]* href)="https?:', text), path.name
