"""How the documentation is built: `make docs`. Warnings are errors; nothing is fetched from a network."""

from __future__ import annotations

import inspect
import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from heorsynth.checks.planning.catalogue import ESTIMANDS
from heorsynth.report.formulas import SYMBOLS_USED, formulas_for

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS, FORMULAS = "<!-- notebooks -->", "<!-- formulas -->"

project = "heorsynth"
author = "The heorsynth authors"
release = metadata.version("heorsynth")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"heorsynth {release}"
html_show_copyright = False
html_copy_source = False
html_css_files = ["wide.css"]
html_static_path = ["_static"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
viewcode_follow_imported_members = False  # would link constants to a page of built-ins, which there is none of
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def _first_words(path: Path) -> tuple[str, str]:
    """A notebook's title, and what it says below it."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "markdown"))
    title, _, rest = text.partition("\n")
    return title.lstrip("# "), rest.strip().split("\n\n")[0]


def _notebooks() -> str:
    parts = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        title, words = _first_words(path)
        parts.append(f"## {title}\n\n`notebooks/{path.name}`\n\n{words}\n")
    return "\n".join(parts)


def _formulas() -> str:
    """Every estimand's formula and source, as the dossier shows those of a run."""
    shown = [
        f"<dt>{one.plain} (<code>{one.key}</code>)</dt><dd>{one.formula}"
        + (f"<br><em>{one.source}</em>" if one.source else "")
        + "</dd>"
        for one in formulas_for(ESTIMANDS)
    ]
    return f"<p>{SYMBOLS_USED}</p>\n<dl>\n" + "\n".join(shown) + "\n</dl>"


def _source(app: Any, name: str, content: list[str]) -> None:
    content[0] = content[0].replace(NOTEBOOKS, _notebooks()).replace(FORMULAS, _formulas())


def _docstring(app: Any, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """A docstring as it was written: its first line as text, the rest in the columns it is laid out in."""
    first, rest = lines[0] if lines else "", inspect.cleandoc("\n".join(lines[1:]))
    quoted = re.sub(r"([*`|_])", r"\\\1", first)
    lines[:] = [quoted, ""] + (["::", "", *("   " + line for line in rest.splitlines()), ""] if rest else [])


def setup(app: Any) -> None:
    app.connect("source-read", _source)
    app.connect("autodoc-process-docstring", _docstring)
