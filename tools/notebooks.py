"""Executes every protocol notebook and holds what comes out against what was recorded.

    python tools/notebooks.py [--full] [--record] [--twice] [NAME ...]

Three stages are told apart: *installs* (all it imports is there), *runs* (to its end, every picture with alternative
text) and *same* (its results equal the recorded ones). The time is printed and is no failure, because it depends on
the machine. Only a notebook that takes many times its limit on the wall fails, as one that hangs.

`reduced` in a notebook's metadata names the parameters of a small run, `full` (with `--full`) those that its
`parameters` cell does not set already. Its cell tagged `result` prints one line of JSON: what the story ends on.
`--record` writes these lines to notebooks/results.json; without it they are compared with what stands there, numbers
to 1e-6. `--twice` runs each again and asks for the very same line. Each notebook runs with notebooks/ as its folder
and writes below a temporary one.
"""

from __future__ import annotations

import argparse
import ast
import json
import logging
import math
import re
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from heorsynth.core.errors import RunError
from heorsynth.protocol.notebook import execute, read_notebook, with_parameters

FOLDER = Path(__file__).parents[1] / "notebooks"
RECORDED = FOLDER / "results.json"
TOLERANCE = 1e-6

SECONDS = 90
"""What a notebook should take at most at reduced size. It is told and not enforced."""

HANGS = 4
"""A notebook that takes so many times this limit on the wall hangs, even on a busy machine."""


@dataclass
class Outcome:
    """What came of one notebook, a stage at a time; empty lists are good news."""

    name: str
    installs: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    told: str = ""

    @property
    def wrong(self) -> bool:
        return bool(self.installs or self.runs or self.same)

    def __str__(self) -> str:
        stages = (("installs", self.installs), ("runs", self.runs), ("same", self.same))
        shown = [f"  {stage}: {'; '.join(found) or 'yes'}" for stage, found in stages]
        return "\n".join([f"{self.name} {self.told}", *shown])


def size_of(notebook: NotebookNode, full: bool) -> str:
    """Which result is meant: a notebook that names no smaller parameters has one size, the reduced."""
    return "full" if full and notebook.metadata.get("reduced") else "reduced"


def not_installed(notebook: NotebookNode) -> list[str]:
    """The packages a notebook imports and this environment lacks."""
    names: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module.partition(".")[0])
    return [f"no {name} here" for name in sorted(names) if find_spec(name) is None]


def executed(notebook: NotebookNode, size: str) -> NotebookNode:
    """The notebook with its outputs, run at this size."""
    with tempfile.TemporaryDirectory() as place:
        wanted = with_parameters(notebook, {**notebook.metadata.get(size, {}), "OUT": place})
        return nbformat.reads(execute(wanted, FOLDER), as_version=4)


def result_of(done: NotebookNode, name: str) -> object:
    """What the notebook's `result` cell printed."""
    cells = [cell for cell in done.cells if "result" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        sys.exit(f"{name}: {len(cells)} cells tagged 'result', expected 1")
    return json.loads("".join(output.text for output in cells[0].outputs if output.output_type == "stream"))


def pictures_without_words(done: NotebookNode) -> list[str]:
    """What nbconvert warns of, and every picture of the page it makes that has no alternative text."""
    heard: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    exporter = HTMLExporter()
    exporter.log.addHandler(handler)
    page, _ = exporter.from_notebook_node(done)
    exporter.log.removeHandler(handler)
    bare = [image for image in re.findall(r"<img\b[^>]*>", page) if not re.search(r'\balt="[^"]+"', image)]
    warned = [message for message in heard if "Alternative text is missing" in message]
    return warned + ([f"{len(bare)} pictures have no alternative text"] if bare else [])


def hangs(wall: float) -> list[str]:
    """Whether a notebook took so long that waiting for a busy machine does not explain it."""
    return [f"took {wall:.0f} s on the wall, more than {HANGS} times {SECONDS}"] if wall > HANGS * SECONDS else []


def differences(recorded: object, found: object, at: str = "", tolerance: float = TOLERANCE) -> list[str]:
    """Where two results differ, numbers by more than the tolerance."""
    if isinstance(recorded, dict) and isinstance(found, dict) and recorded.keys() == found.keys():
        pairs = [(key, recorded[key], found[key]) for key in recorded]
        return [line for key, one, other in pairs for line in differences(one, other, f"{at}/{key}", tolerance)]
    if isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        both = enumerate(zip(recorded, found, strict=True))
        return [line for part, pair in both for line in differences(*pair, f"{at}/{part}", tolerance)]
    same = recorded == found
    if isinstance(recorded, (int, float)) and isinstance(found, (int, float)):
        same = math.isclose(recorded, found, rel_tol=tolerance, abs_tol=tolerance)
    return [] if same else [f"{at or '/'}: recorded {recorded!r}, found {found!r}"]


def spent() -> float:
    """Processor seconds of the kernels that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def judged(path: Path, asked: argparse.Namespace, recorded: dict[str, dict[str, object]]) -> Outcome:
    """One notebook, through the three stages; its result goes into `recorded` if that is asked."""
    notebook, outcome = read_notebook(path), Outcome(path.stem)
    outcome.installs = not_installed(notebook)
    if outcome.installs:
        return outcome
    size, before, started = size_of(notebook, asked.full), spent(), time.perf_counter()
    try:
        done = executed(notebook, size)
    except RunError as error:
        outcome.runs = [str(error)]
        return outcome
    processor, wall = spent() - before, time.perf_counter() - started
    outcome.told = f"({size}: {processor:.0f} s of processor, {wall:.0f} s on the wall)"
    outcome.runs = pictures_without_words(done) + ([] if asked.full else hangs(wall))
    found = result_of(done, path.name)
    held = recorded.setdefault(path.stem, {})
    if asked.record:
        held[size] = found
    outcome.same = differences(held[size], found) if size in held else [f"no {size} result is recorded"]
    if asked.twice:
        again = result_of(executed(notebook, size), path.name)
        outcome.same += [f"run twice {line}" for line in differences(found, again, tolerance=0)]
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="such as 01_rare_disease_pbc; all of them by default")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--twice", action="store_true")
    asked = parser.parse_args()
    known = {path.stem: path for path in sorted(FOLDER.glob("*.ipynb"))}
    if unknown := set(asked.names) - set(known):
        sys.exit(f"no such notebook: {', '.join(sorted(unknown))}")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    outcomes = []
    for name in asked.names or known:
        outcomes.append(judged(known[name], asked, recorded))
        print(outcomes[-1], flush=True)
    if asked.record:
        RECORDED.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    count = len(outcomes)
    installed = sum(not one.installs for one in outcomes)
    ran = sum(not (one.installs or one.runs) for one in outcomes)
    print(
        f"of {count} notebooks {installed} install, {ran} run, {sum(not one.wrong for one in outcomes)} give the same"
    )
    sys.exit(1 if any(one.wrong for one in outcomes) else 0)


if __name__ == "__main__":
    main()
