"""Every notebook tells its story in one order, and the tool that runs them sees what is missing."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from heorsynth.report.figures.style import Picture, canvas

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STUDIES = [path for path in NOTEBOOKS if path.name[:2] not in ("06", "07")]
"""Those that report a study: the reviewer's and the newcomer's walk through tools follow no study protocol."""

HARPER = ("amendments", "milestones", "rationale|why", "question", "methods", "results?", "limitations",
          "human subjects", "adverse events", "references")  # fmt: skip
"""Words in headings, in HARPER's order; its title page and abstract are the first cell."""

AFTER_THE_END = re.compile("references|appendi", re.IGNORECASE)
"""Headings that may follow the last words on what not to do."""


def sources(path: Path, kind: str | None = None) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if kind in (None, cell["cell_type"])]


def headings(path: Path, marks: str = "#{2,}") -> list[str]:
    found = [re.findall(rf"^{marks} (.+)$", text, flags=re.MULTILINE) for text in sources(path, "markdown")]
    return [heading for part in found for heading in part]


def at(wanted: str, among: list[str]) -> list[int]:
    return [place for place, heading in enumerate(among) if re.search(wanted, heading, re.IGNORECASE)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_with_whom_it_is_for_and_which_decision_it_serves(path: Path) -> None:
    first = sources(path)[0]
    assert first.startswith("# ")
    assert re.search(r"^\*\*(Who it is for|For whom)\.\*\*", first, flags=re.MULTILINE)
    assert re.search(r"^\*\*Which decision it serves\.\*\*", first, flags=re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_ends_with_a_verdict_and_what_not_to_do(path: Path) -> None:
    names = headings(path)
    verdicts, warnings = at("verdict", names), at("what not to do", names)
    assert verdicts, "a heading with the word verdict"
    assert warnings, "a heading with the words what not to do"
    assert verdicts[0] <= warnings[-1]
    later = names[warnings[-1] + 1 :]
    assert all(AFTER_THE_END.search(name) for name in later), f"after what not to do: {later}"
    assert any("verdict_table(" in text for text in sources(path, "code")), "no verdict table"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_its_protocol_or_writes_one(path: Path) -> None:
    text = "\n".join(sources(path, "code"))
    named = re.findall(r"protocols/([a-z_0-9]+\.yaml)", text)
    assert all((ROOT / "protocols" / name).is_file() for name in named)
    assert named or re.search(r"\binit(_file)?\(|\"init\"", text)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_follows_the_order_of_harper(path: Path) -> None:
    names = headings(path, "##")
    places = []
    for words in HARPER:
        found = at(words, names)
        assert found, f"no heading with {words!r} among {names}"
        places.append(found[0])
    assert places == sorted(places), dict(zip(HARPER, places, strict=True))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_table_or_picture_has_words_before_it(path: Path) -> None:
    """A cell that ends in a table or picture comes after Markdown, at most two such cells in a row."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    silent = 0
    for cell in cells:
        text = "".join(cell["source"])
        silent = (
            0 if cell["cell_type"] == "markdown" else silent + bool(re.search(r"^hs\.(tables|figures)\.", text, re.M))
        )
        assert silent <= 2, text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lines_after_a_table_are_no_row_of_it(path: Path) -> None:
    for text in sources(path, "markdown"):
        for row, following in zip(text.splitlines(), text.splitlines()[1:], strict=False):
            assert not (row.startswith("|") and following.strip() and not following.startswith("|")), following


TOOL = runpy.run_path(str(ROOT / "tools" / "notebooks.py"))


def notebook(source: str, *outputs: Any) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, outputs=list(outputs))])


def picture(alt: str) -> Picture:
    figure = canvas(1, 1)
    return Picture(figure.add_axes((0, 0, 1, 1)), pd.DataFrame(), alt, "How to read it.")


def test_the_tool_finds_a_picture_without_words_however_it_was_drawn() -> None:
    shown = picture("A line that rises.")
    told = nbformat.v4.new_output("display_data", {"text/html": shown.html()})
    bare = nbformat.v4.new_output("display_data", {"text/html": picture("").html()})
    inline = nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})
    find = TOOL["pictures_without_words"]
    assert find(notebook("1", told)) == []
    assert find(notebook("1", bare)) and find(notebook("1", told, inline))


def test_the_tool_names_a_package_that_is_not_installed() -> None:
    missing = TOOL["not_installed"](notebook("import json\nfrom no_such_package.part import thing"))
    assert missing == ["no no_such_package here"]


@pytest.mark.parametrize(("wall", "hung"), [(80, False), (182, False), (360, False), (361, True)])
def test_the_tool_tells_the_time_and_fails_only_a_notebook_that_hangs(wall: float, hung: bool) -> None:
    assert bool(TOOL["hangs"](wall)) is hung


def test_two_results_differ_where_a_number_a_word_or_a_length_does() -> None:
    differ = TOOL["differences"]
    assert differ({"a": [1.0, "x"]}, {"a": [1.0 + 1e-9, "x"]}) == []
    assert differ({"a": [1.0]}, {"a": [1.0 + 1e-9]}, tolerance=0) != []
    assert differ({"a": [1.0, "x"]}, {"a": [1.1, "y"]}) == [
        "/a/0: recorded 1.0, found 1.1",
        "/a/1: recorded 'x', found 'y'",
    ]
    assert differ([1], [1, 2]) and differ({"a": 1}, {"b": 1})
