"""The documents say what the code does: the README's lines print what it shows, the tables come from the code."""

import contextlib
import io
import re
import runpy
from pathlib import Path

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


def test_every_file_the_documents_point_to_is_there() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
