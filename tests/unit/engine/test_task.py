"""What a worker keeps after a task; what tasks do on each engine is in test_engine.py."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from heorsynth.engine.engine import open_engine

kept: list[np.ndarray] = []


def resident_after(_: None, task: int) -> int:
    """What the process holds (KiB); the first task frees 190 MB that lie between small arrays that stay."""
    if task == 0:
        blocks = [np.ones(8_000) for _ in range(3_000)]
        kept.extend(block[:1].copy() for block in blocks)
        del blocks
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only glibc gives memory back on demand")
def test_a_worker_that_waits_does_not_keep_what_its_last_task_freed() -> None:
    with open_engine("processes", workers=1) as one:
        freed, later = one.map(resident_after, [0, 1], what="tasks")
    assert freed - later > 100_000
