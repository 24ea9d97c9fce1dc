"""Stands for a kernel that `parent.py` forked: it ends with the kernel, and the kernel with it."""

import json
import os
import select
import signal
import socket
import sys
from pathlib import Path


def stand_for_kernel(address: str, arguments: list[str]) -> int | None:
    """The exit code of a forked kernel; None where none is to be had."""
    with socket.socket(socket.AF_UNIX) as parent:
        try:
            parent.connect(address)
        except OSError:
            return None
        asked = {"environment": dict(os.environ), "folder": str(Path.cwd()), "arguments": arguments}
        parent.sendall(json.dumps(asked).encode() + b"\n")
        answers = parent.makefile("r", encoding="utf-8")
        kernel = int(answers.readline() or 0)
        if kernel:
            signal.signal(signal.SIGINT, lambda *_: os.kill(kernel, signal.SIGINT))
            started_by = os.getppid()
            while not select.select([parent], [], [], 1)[0]:
                if os.getppid() != started_by:
                    return 1
            return max(0, int(answers.readline() or 1))
    return None


if __name__ == "__main__":
    code = stand_for_kernel(sys.argv[1], sys.argv[2:])
    if code is None:  # become a new kernel
        os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *sys.argv[2:]])
    sys.exit(code)
