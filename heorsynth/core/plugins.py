"""Finds what other installed packages add to heorsynth by entry points, and loads it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path

from heorsynth.core.errors import HeorsynthError, Problem

GENERATORS = "heorsynth.generators"
"""Entry points of this group are classes: recipes of generators."""

ESTIMANDS = "heorsynth.estimands"
"""Entry points of this group are estimands."""


class PluginError(HeorsynthError):
    """A plug-in that cannot be loaded, is of the wrong kind, or takes a name that is in use."""


@dataclass(frozen=True)
class Plugin:
    """One entry point of an installed package.

    Attributes
    ----------
    group : str             such as "heorsynth.generators"
    name : str              by which users ask for it
    value : str             "package.module:object"
    distribution : str      the package that brings it; "" if its metadata do not say
    version : str           of that package
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution or 'an unnamed package'} {self.version} ({self.value})"


def installed(group: str) -> tuple[Plugin, ...]:
    """The entry points of a group, sorted by name and package; nothing is imported.

    A package that was just installed is in it: the list is read again when a folder of packages has changed.
    """
    return _installed(group, tuple(map(_changed, sys.path)))


@lru_cache(maxsize=8)
def _installed(group: str, folders: tuple[tuple[str, int], ...]) -> tuple[Plugin, ...]:
    """The entry points while these folders are as they are; reading those of all packages takes some 30 ms."""
    found = [_plugin(group, point) for point in entry_points(group=group)]
    return tuple(sorted(found, key=lambda one: (one.name, one.distribution, one.value)))


def _changed(folder: str) -> tuple[str, int]:
    """A folder of `sys.path`, and when a package was last added to it or removed from it."""
    try:
        return folder, Path(folder).stat().st_mtime_ns
    except OSError:
        return folder, 0


def load(plugin: Plugin) -> object:
    """The object that a plug-in names.

    Raises
    ------
    PluginError      its module cannot be imported, or does not hold the object
    """
    try:
        return EntryPoint(plugin.name, plugin.value, plugin.group).load()
    except Exception as error:  # the module is another package's: its import may raise anything
        found = f"{plugin} cannot be loaded: {type(error).__name__}: {error}"
        raise refused(plugin, found, "repair or remove that package") from error


def refused(plugin: Plugin, found: str, fix: str) -> PluginError:
    """The error that tells what is wrong with a plug-in."""
    return PluginError(f"plug-in {plugin.name!r} of {plugin.group}", Problem("", found, fix))


def named(group: str, name: str, ours: str = "") -> Plugin | None:
    """The plug-in of a name; None where there is none.

    Parameters
    ----------
    ours : str      what heorsynth itself has under this name; "" if nothing

    Raises
    ------
    PluginError     the name is in use twice: by heorsynth and a package, or by two packages
    """
    found = [one for one in installed(group) if one.name == name]
    if len(found) + bool(ours) > 1:
        users = [*([f"heorsynth ({ours})"] if ours else []), *map(str, found)]
        raise refused(found[0], f"the name is in use twice: by {' and by '.join(users)}", "remove one of the packages")
    return found[0] if found else None


def installed_version(distribution: str) -> str:
    """The version of a package; "" if it is not installed, or the name is none."""
    try:
        return version(distribution)
    except (PackageNotFoundError, ValueError):
        return ""


def _plugin(group: str, point: EntryPoint) -> Plugin:
    made = point.dist
    # metadata that are damaged give None where a text is promised
    name, number = ("", "") if made is None else (made.name or "", made.version or "")
    return Plugin(group, point.name, point.value, name, number)
