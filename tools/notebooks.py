"""Executes every protocol notebook and holds its results against the recorded ones.

    python tools/notebooks.py [--full] [--record] [NAME ...]

`reduced` in a notebook's metadata names the parameters of a small run, `full` (with `--full`) those that its
`parameters` cell does not set already. Its cell tagged `result` prints one line of JSON: what the story ends on.
`--record` writes these lines to notebooks/results.json; without it they are compared with what stands there,
numbers to 1e-6. Each notebook runs with notebooks/ as its folder and writes below a temporary one.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from heorsynth.protocol.notebook import execute, read_notebook, with_parameters

FOLDER = Path(__file__).parents[1] / "notebooks"
RECORDED = FOLDER / "results.json"
TOLERANCE = 1e-6


def size_of(notebook: NotebookNode, full: bool) -> str:
    """Which result is meant: a notebook that names no smaller parameters has one size, the reduced."""
    return "full" if full and notebook.metadata.get("reduced") else "reduced"


def result_of(path: Path, size: str) -> object:
    """What the notebook's `result` cell printed."""
    notebook = read_notebook(path)
    sizes = notebook.metadata.get(size, {})
    with tempfile.TemporaryDirectory() as place:
        wanted = with_parameters(notebook, {**sizes, "OUT": place})
        done = nbformat.reads(execute(wanted, FOLDER), as_version=4)
    cells = [cell for cell in done.cells if "result" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        sys.exit(f"{path.name}: {len(cells)} cells tagged 'result', expected 1")
    printed = "".join(output.text for output in cells[0].outputs if output.output_type == "stream")
    return json.loads(printed)


def differences(recorded: object, found: object, at: str = "") -> list[str]:
    """Where two results differ, numbers by more than the tolerance."""
    if isinstance(recorded, dict) and isinstance(found, dict) and recorded.keys() == found.keys():
        return [line for key in recorded for line in differences(recorded[key], found[key], f"{at}/{key}")]
    if isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        pairs = enumerate(zip(recorded, found, strict=True))
        return [line for part, pair in pairs for line in differences(*pair, f"{at}/{part}")]
    same = recorded == found
    if isinstance(recorded, (int, float)) and isinstance(found, (int, float)):
        same = math.isclose(recorded, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return [] if same else [f"{at or '/'}: recorded {recorded!r}, found {found!r}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="such as 01_rare_disease_pbc; all of them by default")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    wrong = []
    for path in sorted(FOLDER.glob("*.ipynb")):
        if asked.names and path.stem not in asked.names:
            continue
        started = time.perf_counter()
        size = size_of(read_notebook(path), asked.full)
        found = result_of(path, size)
        if asked.record:
            recorded.setdefault(path.stem, {})[size] = found
            told = ["recorded"]
        else:
            before = recorded.get(path.stem, {})
            told = differences(before[size], found) if size in before else [f"no {size} result is recorded"]
            wrong += [f"{path.stem}{line}" for line in told]
        print(f"{path.stem}: {time.perf_counter() - started:.0f} s, {'; '.join(told) or 'as recorded'}", flush=True)
    if asked.record:
        RECORDED.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
