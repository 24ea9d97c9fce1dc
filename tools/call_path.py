"""The files that `hs.validate` passes through to the restricted mean survival time of the patients."""

import sys
from collections.abc import Collection
from pathlib import Path
from types import FrameType

ESTIMATORS = ("rmst", "restricted_mean")
"""The functions that compute `survival.rmst`; the path ends where the first of them returns."""


class CallPath:
    """Follows calls from a function to the first result of an estimator, with `sys.setprofile`.

    The path is made of the files on the stack at that moment, and those that the innermost function of a check
    has called: they made the estimator's input.
    """

    def __init__(self, folder: Path, start: str, estimators: Collection[str], checks: str = "checks") -> None:
        self.folder, self.start, self.estimators, self.checks = str(folder), start, estimators, f"/{checks}/"
        self.log: list[str] = []
        self.stack: list[tuple[str, int]] = []
        self.path: list[str] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if self.path or event not in {"call", "return"} or not code.co_filename.startswith(self.folder):
            return
        if event == "call" and (self.stack or code.co_name == self.start):
            self.stack.append((code.co_filename, len(self.log)))
            self.log.append(code.co_filename)
        elif event == "return" and self.stack:
            if code.co_name in self.estimators and "/estimators/" in code.co_filename:
                begun = max((at for name, at in self.stack if self.checks in name), default=0)
                self.path = list(dict.fromkeys([*(name for name, _ in self.stack), *self.log[begun:]]))
            self.stack.pop()


def traced(folder: Path) -> CallPath:
    """The calls of `hs.validate` on a small cohort, followed to the first restricted mean."""
    import heorsynth as hs

    cohort, _ = hs.datasets.simulated_trial(n=60, seed=1)
    rows = hs.generators.create("bootstrap").fit(cohort, seed=1).sample(m=3, seed=1)
    trace = CallPath(folder, "validate", ESTIMATORS)

    def validate() -> None:
        hs.validate(cohort, rows, purpose="teaching", margins={"survival.rmst": {"relative": 0.05}})

    validate()  # once without tracing, as importing a module calls functions too
    sys.setprofile(trace)
    try:
        validate()
    finally:
        sys.setprofile(None)
    if not trace.path:
        raise RuntimeError(f"validate called none of {', '.join(ESTIMATORS)} in an estimators folder")
    return trace
