"""The curves and numbers at risk of a paper file: read from the files it names, with the names of its arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pandas as pd

from heorsynth.core.errors import HeorsynthError, Problem, nearest
from heorsynth.core.yaml_lines import Path_
from heorsynth.published.curves.points import read_at_risk, read_points
from heorsynth.published.curves.vector import Axis, Choice, read_vector
from heorsynth.published.paper.names import where
from heorsynth.published.schema.document import AtRiskSection, CurvesSection, Document, VectorSection
from heorsynth.published.schema.endpoint_data import EndpointData


def endpoint_data(
    document: Document, folder: Path, lines: dict[Path_, int]
) -> tuple[dict[str, EndpointData], list[Problem]]:
    """Return the frames of every endpoint, and the problems of the files, each with the line that names the file."""
    names = {arm: arm for arm in document.arms} | {one.name: arm for arm, one in document.arms.items() if one.name}
    reader = _Reader(folder, names, lines)
    data = {}
    for name, endpoint in document.endpoints.items():
        at: Path_ = ("endpoints", name)
        curves = reader.curves(endpoint.curves, (*at, "curves")) if endpoint.curves else _empty("survival")
        at_risk = reader.at_risk(endpoint.at_risk, (*at, "at_risk")) if endpoint.at_risk else _empty("at_risk")
        data[name] = EndpointData(curves, at_risk)
    return data, reader.problems


def _empty(column: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"arm": pd.Series(dtype=object), "time": pd.Series(dtype=float), column: pd.Series(dtype=float)}
    )


def file_names(document: Document) -> tuple[str, ...]:
    """Return the files that a paper file names, as paths from its folder, in the order of their use."""
    names: list[str | None] = []
    for endpoint in document.endpoints.values():
        curves = endpoint.curves
        if curves is not None:
            names += [curves.file, *(curves.files or {}).values(), curves.svg.file if curves.svg else None]
        names.append(endpoint.at_risk.file if endpoint.at_risk is not None else None)
    return tuple(dict.fromkeys(name for name in names if name is not None))


class _Reader:
    """Reads the files of a paper from its folder, and collects their problems."""

    def __init__(self, folder: Path, names: Mapping[str, str], lines: dict[Path_, int]) -> None:
        self.folder, self.names, self.lines = folder.resolve(), names, lines
        self.problems: list[Problem] = []

    def curves(self, section: CurvesSection, at: Path_) -> pd.DataFrame:
        """The curves of an endpoint under the names of the paper's arms."""
        parts = [part for part in self._curve_parts(section, at) if part is not None]
        return pd.concat(parts, ignore_index=True) if parts else _empty("survival")

    def _curve_parts(self, section: CurvesSection, at: Path_) -> Iterator[pd.DataFrame | None]:
        if section.svg is not None:
            yield self._vector(section.svg, (*at, "svg", "file"))
        if section.file is not None:
            yield self._named(self._read(section.file, (*at, "file")), section.rename, (*at, "file"))
        for arm, file in (section.files or {}).items():
            here = (*at, "files", arm)
            frame = self._read(file, here)
            if frame is None:
                continue
            written = set(frame["arm"]) - {""}
            if len(written) > 1:
                self._add(here, f"curves of {len(written)} arms in the file of one", "write file: instead of files:")
            elif written and (name := next(iter(written))) in self.names and self.names[name] != arm:
                self._add(here, f"the file holds the curve of arm {self.names[name]!r}", "exchange the files")
            yield frame.assign(arm=arm)

    def at_risk(self, section: AtRiskSection, at: Path_) -> pd.DataFrame:
        """The numbers at risk of an endpoint."""
        if section.file is None:
            rows = [
                (arm, time, float(n))
                for arm, counts in (section.counts or {}).items()
                for time, n in zip(section.times or (), counts, strict=True)
            ]
            return pd.DataFrame(rows, columns=["arm", "time", "at_risk"])
        here = (*at, "file")
        path = self._inside(section.file, here)
        try:
            frame = self._named(read_at_risk(path), {}, here) if path is not None else None
        except HeorsynthError as error:
            self._told(error, here)
            frame = None
        if frame is None:
            return _empty("at_risk")
        frame = frame.sort_values(["arm", "time"], kind="stable", ignore_index=True)
        rising = frame.groupby("arm")["at_risk"].diff().gt(0)
        if rising.any():
            self._add(here, f"numbers at risk of arm {frame['arm'][rising].iloc[0]!r} that rise", "correct the counts")
        return frame

    def _vector(self, section: VectorSection, at: Path_) -> pd.DataFrame | None:
        path = self._inside(section.file, at)
        if path is None:
            return None
        x, y = (Axis(*((point[0], point[1]) for point in points)) for points in (section.axes.x, section.axes.y))
        paths = {arm: Choice(one.id, one.stroke, one.css_class) for arm, one in section.paths.items()}
        try:
            return read_vector(path, x, y, paths)
        except HeorsynthError as error:
            self._told(error, at)
            return None

    def _read(self, file: str, at: Path_) -> pd.DataFrame | None:
        path = self._inside(file, at)
        if path is None:
            return None
        if path.suffix.lower() == ".svg":
            fix = "write svg: {file: …, axes: {x: …, y: …}, paths: {…}}"
            self._add(at, "a vector figure without its axes", fix)
            return None
        try:
            return read_points(path)
        except HeorsynthError as error:
            self._told(error, at)
            return None

    def _inside(self, file: str, at: Path_) -> Path | None:
        """The path of a file in the paper's folder; None, and a problem, for one outside."""
        written = PurePosixPath(file.replace("\\", "/"))
        path = (self.folder / written).resolve()
        if written.is_absolute() or not path.is_relative_to(self.folder):
            self._add(at, "the file lies outside the folder of the paper", "put it beside the paper file")
            return None
        return path

    def _named(self, frame: pd.DataFrame | None, rename: Mapping[str, str], at: Path_) -> pd.DataFrame | None:
        """The frame with the paper's names of arms; None, and a problem, for a name that is no arm."""
        if frame is None:
            return None
        names = {**self.names, **rename}
        for name in frame["arm"].unique():
            if name not in names:
                found = f"the file has an arm {name!r}, which the paper does not" if name else "a file without arms"
                near = nearest(str(name), self.names) if name else "write files: {arm: file}"
                self._add(at, found, f"{near}; or write rename: {{{name!r}: arm}}" if name else near)
        if any(name not in names for name in frame["arm"].unique()):
            return None
        return frame.assign(arm=frame["arm"].map(names))

    def _add(self, at: Path_, found: str, fix: str) -> None:
        self.problems.append(Problem(where(self.lines, at), found, fix))

    def _told(self, error: HeorsynthError, at: Path_) -> None:
        """The problems of a file, with the line that names it."""
        place = where(self.lines, at)
        for one in error.problems:
            self.problems.append(Problem(f"{place}: {one.where}" if one.where else place, one.found, one.fix))
