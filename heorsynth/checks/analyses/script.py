"""Run a function of the user on a frame: what it prints and writes is dropped, what it raises is named by its type."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.errors import AnalysisError, NotEstimableError, Problem
from heorsynth.core.numbers import is_number

Estimates = dict[str, tuple[float, float]]
"""Name to estimate and standard error."""

_MOST_CHARACTERS = 60
"""Longest name of an estimate."""

_WANTED = "return {name: (estimate, standard error)}, or a DataFrame with columns estimate and se"


def load(call: str | Callable[[Any], object]) -> Callable[[Any], object]:
    """Return the function that an analysis names.

    Raises
    ------
    AnalysisError      the file is missing or cannot be executed, or lacks the function
    """
    if not isinstance(call, str):
        return call
    place, _, name = call.rpartition(":")
    path = Path(place)
    try:
        content = path.read_bytes()
    except OSError:
        problem = Problem("call", f"the file {path.name!r} cannot be read", "check the path")
        raise AnalysisError("analysis", problem) from None
    held = f"heorsynth_call_{hashlib.sha256(content).hexdigest()[:16]}"
    spec = spec_from_file_location(held, path)
    assert spec is not None, "the name of the file ends in .py"
    module = sys.modules[held] = module_from_spec(spec)  # where its dataclasses look it up
    try:
        with _silenced():
            exec(compile(content, path, "exec", dont_inherit=True), vars(module))  # what was hashed
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the file is the user's: it may raise anything
        sys.modules.pop(held, None)
        found = f"{path.name!r} cannot be executed: {type(error).__name__}"
        raise AnalysisError("analysis", Problem("call", found, "run the file alone to see its error")) from None
    function = getattr(module, name, None)
    if not callable(function):
        raise AnalysisError("analysis", Problem("call", f"{path.name!r} has no function {name!r}", "check its name"))
    return function


def estimates_of_call(call: str | Callable[[Any], object], frame: pd.DataFrame) -> Estimates:
    """Return the named estimates of a function of the user.

    Raises
    ------
    NotEstimableError      it raises an error, or returns anything but named estimates with their errors. The reason
                           holds no message and no value, because those may come from a patient
    """
    try:
        function = load(call)
        with _silenced():
            returned = function(frame)
    except AnalysisError as error:
        raise NotEstimableError("analysis", error.problems) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the function is the user's: it may raise anything
        raise NotEstimableError(f"the function raised {type(error).__name__}") from None
    return _estimates(returned)


def _estimates(returned: object) -> Estimates:
    if isinstance(returned, pd.DataFrame):
        if not {"estimate", "se"} <= set(map(str, returned.columns)):
            raise NotEstimableError(f"the function returned a table without estimate and se: {_WANTED}")
        returned = {
            name: pair for name, *pair in returned[["estimate", "se"]].itertuples(name=None)
        }  # fmt: skip
    if not isinstance(returned, Mapping):
        raise NotEstimableError(f"the function returned a {type(returned).__name__}: {_WANTED}")
    found: Estimates = {}
    for name, pair in returned.items():
        if not isinstance(name, str) or not 0 < len(name) <= _MOST_CHARACTERS or not name.isprintable():
            raise NotEstimableError("the function returned a name that is not a short text")
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(map(is_number, pair)):
            raise NotEstimableError(f"the function returned no pair of numbers for an estimate: {_WANTED}")
        found[name] = float(pair[0]), float(pair[1])
    if not found:
        raise NotEstimableError("the function returned no estimate")
    return found


@contextmanager
def _silenced() -> Iterator[None]:
    """Drop all that is printed within a block, also by a child process, and the files it writes where it works."""
    with ExitStack() as stack:
        sink = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        stack.enter_context(_descriptors(sink.fileno()))
        stack.enter_context(redirect_stdout(sink))
        stack.enter_context(redirect_stderr(sink))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(chdir(stack.enter_context(tempfile.TemporaryDirectory())))
        yield


@contextmanager
def _descriptors(sink: int) -> Iterator[None]:
    """Point the descriptors 1 and 2 of the process at the sink. What was buffered meanwhile goes there too."""
    _flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        for number in kept:
            os.dup2(sink, number)
        yield
    finally:
        _flush()
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


def _flush() -> None:
    for stream in {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__}:
        if stream is not None and not stream.closed:
            stream.flush()
