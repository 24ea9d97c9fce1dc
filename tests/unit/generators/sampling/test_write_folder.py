"""A folder whose writing is stopped says so, and the same call finishes it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.partitions import PARTIAL
from heorsynth.generators.sampling.law import Law
from heorsynth.generators.sampling.sampler import Sampler


def raw(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


class Stopped(Law):
    """A law that is interrupted at its third draw, as by Ctrl-C; the first names the release."""

    conditional = False

    def __init__(self, law: Law) -> None:
        self.law, self.draws = law, 0

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.draws += 1
        if self.draws == 3:
            raise KeyboardInterrupt
        return self.law.draw(n, rng)


def test_ctrl_c_leaves_a_folder_that_says_it_is_partial_and_can_be_finished(tmp_path: Path) -> None:
    fitted = hs.generators.create("marginals").fit(hs.datasets.simulated_trial(600, seed=4)[0], seed=1)
    facts = vars(fitted)
    stopped = Sampler(**{**facts, "law": Stopped(fitted.law)})
    with pytest.raises(KeyboardInterrupt):
        stopped.write(tmp_path / "out", n=900, seed=1, rows_per_partition=300)
    assert set(raw(tmp_path / "out")) == {PARTIAL, "00000.parquet"}
    with pytest.raises(errors.FileError, match="run the same write again"):
        CohortFolder(tmp_path / "out", endpoints={"os": ("time", "event")}, unit="year")
    with pytest.raises(errors.OutputError, match="holds another draw"):
        fitted.write(tmp_path / "out", n=900, seed=2, rows_per_partition=300)
    fitted.write(tmp_path / "out", n=900, seed=1, rows_per_partition=300)
    whole = fitted.write(tmp_path / "whole", n=900, seed=1, rows_per_partition=300)
    assert raw(tmp_path / "out") == raw(whole.path)


FULL = """
import resource, signal, sys
import heorsynth as hs
from heorsynth.core.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
cohort, _ = hs.datasets.simulated_trial(300, seed=1)
sampler = hs.generators.create("marginals").fit(cohort, seed=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    sampler.write(sys.argv[1], n=4000, seed=1, rows_per_partition=2000)
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="the limit that stands in for a full disk is POSIX")
def test_a_full_disk_is_told_and_leaves_the_folder_partial(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "full")], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "cannot be written" in done.stdout
    assert set(raw(tmp_path / "full")) == {PARTIAL}
