"""The `analyses:` block of a protocol: its schema, its problems with their lines, and the scripts that it names."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.core.errors import AnalysisError, Problem
from heorsynth.core.yaml import Path_, line_of
from heorsynth.protocol.file.section import Number, Section


class AnalysisSection(Section):
    """One of the user's own analyses, as `heorsynth.Analysis`; its script lies beside the protocol."""

    name: str
    model: str = "call"
    formula: str = ""
    focus: list[str] = []
    level: Number = 0.05
    call: str = ""
    margin: Number | None = None
    margin_se: Number | None = None
    horizon: Number | None = None
    decisive: bool = True


def block_problems(plain: Mapping[str, Any], lines: dict[Path_, int]) -> list[tuple[type[AnalysisError], Problem]]:
    """Return the problems of the block that do not depend on the cohort, each with its line."""
    found: list[tuple[type[AnalysisError], Problem]] = []
    block = plain.get("analyses")
    for place, declared in enumerate(block if isinstance(block, list) else ()):
        try:
            analysis = Analysis.of(AnalysisSection.model_validate(declared).model_dump())
        except ValueError:
            continue  # pydantic reports its own problems with their lines
        except AnalysisError as error:
            problems: Sequence[Problem] = error.problems
        else:
            problems = _place_problems(str(analysis.call))
        for one in problems:
            where = f"line {line_of(lines, ('analyses', place, one.where))}, analyses.{place}.{one.where}"
            found.append((AnalysisError, Problem(where, one.found, one.fix)))
    return found


def _place_problems(call: str) -> list[Problem]:
    path = PurePosixPath(_script_of(call))
    if not call or not (path.is_absolute() or ".." in path.parts):
        return []
    return [Problem("call", "the script lies outside the protocol's folder", "put it beside the protocol")]


def _script_of(call: str) -> str:
    """Return the file of "file.py:function"; "" for an analysis without a script."""
    return call.rpartition(":")[0]


def analyses_of(sections: Sequence[AnalysisSection], folder: Path) -> tuple[Analysis, ...]:
    """Return the analyses of a protocol in this folder."""
    placed = (one.model_dump() | ({"call": str(folder / one.call)} if one.call else {}) for one in sections)
    return tuple(Analysis.of(one) for one in placed)


def copy_scripts(sections: Sequence[AnalysisSection], folder: Path, target: Path) -> None:
    """Copy the scripts of a protocol to a run folder, so that its sums cover them and `verify` finds them."""
    for name in sorted({_script_of(one.call) for one in sections} - {""}):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)


def script_hashes(sections: Sequence[AnalysisSection], folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every script of a protocol; "" for one that is not there."""
    names = sorted({_script_of(one.call) for one in sections} - {""})
    paths = {name: folder / name for name in names}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for name, path in paths.items()
    }
