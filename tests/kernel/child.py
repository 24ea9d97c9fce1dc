"""Stands for a kernel that `parent.py` forked: it ends with the kernel, and the kernel with it."""

import json
import os
import select
import signal
import socket
import sys

address, arguments = sys.argv[1], sys.argv[2:]
with socket.socket(socket.AF_UNIX) as parent:
    parent.connect(address)
    asked = {"environment": dict(os.environ), "folder": os.getcwd(), "arguments": arguments}
    parent.sendall(json.dumps(asked).encode() + b"\n")
    answers = parent.makefile("r", encoding="utf-8")
    kernel = int(answers.readline() or 0)
    if kernel:
        signal.signal(signal.SIGINT, lambda *_: os.kill(kernel, signal.SIGINT))
        started_by = os.getppid()
        while not select.select([parent], [], [], 1)[0]:
            if os.getppid() != started_by:
                sys.exit(1)
        sys.exit(max(0, int(answers.readline() or 1)))
os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *arguments])
