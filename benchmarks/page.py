"""Writes docs/operating-characteristics.md from its template and the stored results: `python benchmarks/page.py`.

Nothing is computed: each script beside this one keeps its rows in benchmarks/results when it runs.
"""

from __future__ import annotations

import re
from pathlib import Path

from results import FOLDER, boundary_rates, copies_rates, markdown, real_rates, stored

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "operating-characteristics.md"
PAGE = HERE.parent / "docs" / "operating-characteristics.md"


def page() -> str:
    """The page: the template, with each `<!-- name -->` replaced by the table of that name."""
    tables = {path.stem: stored(path.stem) for path in FOLDER.glob("*.csv")}
    tables |= {"faithful": copies_rates(), "boundary": boundary_rates(), "real_cohorts": real_rates()}

    def table(match: re.Match[str]) -> str:
        return markdown(tables[match.group(1)])

    return re.sub(r"<!-- (\w+) -->", table, TEMPLATE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
