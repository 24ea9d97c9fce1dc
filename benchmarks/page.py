"""Writes docs/operating-characteristics.md, and the table of peers in README.md: `python benchmarks/page.py`.

Both follow from a template and the stored results. Nothing is computed: each script beside this one keeps its rows in
benchmarks/results when it runs.
"""

from __future__ import annotations

import re
from pathlib import Path

from results import (
    FOLDER,
    boundary_rates,
    copies_rates,
    frontier_means,
    markdown,
    peers_table,
    planted_rates,
    real_rates,
    stored,
    structure_common,
    structure_means,
)

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "operating-characteristics.md"
README = HERE.parent / "README.md"
PAGE = HERE.parent / "docs" / "operating-characteristics.md"


def page() -> str:
    """The page: the template, with each `<!-- name -->` replaced by the table of that name."""
    tables = {path.stem: stored(path.stem) for path in FOLDER.glob("*.csv")}
    tables |= {"faithful": copies_rates(), "boundary": boundary_rates(), "real_cohorts": real_rates()}
    tables |= {f"structure_{title}": structure_means(title) for title in ("seen", "unseen")}
    tables |= {"structure_common": structure_common(), "planted": planted_rates(), "frontier": frontier_means()}

    def table(match: re.Match[str]) -> str:
        return markdown(tables[match.group(1)])

    return re.sub(r"<!-- (\w+) -->", table, TEMPLATE.read_text(encoding="utf-8"))


def readme() -> str:
    """README.md with its table of peers, which stands between two comments, made anew."""
    text = README.read_text(encoding="utf-8")
    table = f"<!-- peers -->\n{markdown(peers_table())}\n<!-- /peers -->"
    return re.sub(r"<!-- peers -->\n.*?<!-- /peers -->", lambda _: table, text, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(readme(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
