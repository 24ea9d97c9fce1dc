"""What of a run holds: its files, its signature, whether it installs, runs, and comes out the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from heorsynth.core.display import Card, printable
from heorsynth.protocol.compare import DIFFERENT, IDENTICAL, WITHIN

MISSING, UNEXPECTED, NOT_COVERED = "missing", "unexpected", "not covered"
ALTERED = "altered since the run"
NOT_RERUNNABLE = "not re-runnable"


@dataclass(frozen=True)
class Verification:
    """What of a run holds.

    Attributes
    ----------
    run : str                name of the run folder
    intact : Mapping         file to "identical", "altered since the run", "missing", "unexpected", or "not covered"
                             where what holds its hash was altered itself
    rerun : Mapping          file to "identical", "within tolerance", "different" or "not re-runnable"; empty where
                             not re-run
    not_rerun : str          why it could not be re-run, or ""
    verdicts : tuple         recorded and re-run verdict; the second is "" where not re-run
    signature : str          who signed, or that nobody did, or what is wrong with the signature
    signature_holds : bool   False where it is forged, of another run, or not of a key that was named as trusted
    installs : str           recorded package versions beside those here
    """

    run: str
    intact: Mapping[str, str]
    rerun: Mapping[str, str]
    not_rerun: str
    verdicts: tuple[str, str]
    signature: str = "not asked"
    signature_holds: bool = True
    installs: str = "not known"

    @property
    def verified(self) -> bool:
        """True if every file is as it was, the signature holds and, where re-run, numbers and verdict agree."""
        return (
            set(self.intact.values()) <= {IDENTICAL}
            and self.signature_holds
            and set(self.rerun.values()) <= {IDENTICAL, WITHIN, NOT_RERUNNABLE}
            and (bool(self.not_rerun) or self.verdicts[0] == self.verdicts[1])
        )

    @property
    def runs(self) -> str:
        """Whether a second run came to an end here."""
        return f"no: {self.not_rerun}" if self.not_rerun else "yes"

    @property
    def same(self) -> str:
        """How the second run came out beside the first."""
        if self.not_rerun:
            return "not known, since it was not run again"
        counted = Counter(self.rerun.values())
        states = (IDENTICAL, WITHIN, DIFFERENT, NOT_RERUNNABLE)
        files = ", ".join(f"{counted[state]} {state}" for state in states if counted[state])
        agree = "the same verdict" if self.verdicts[0] == self.verdicts[1] else "another verdict"
        return f"{files}; {agree} ({self.verdicts[1]}; recorded: {self.verdicts[0]})"

    def to_frame(self) -> pd.DataFrame:
        """One row a file: `file`, `bytes`, `rerun`; whatever is not identical first."""
        names = sorted(
            {*self.intact, *self.rerun},
            key=lambda name: (
                self.intact.get(name) == IDENTICAL and self.rerun.get(name, IDENTICAL) == IDENTICAL,
                name,
            ),
        )
        rows = [(name, self.intact.get(name, ""), self.rerun.get(name, "not re-run")) for name in names]
        return pd.DataFrame(rows, columns=["file", "bytes", "rerun"])

    def card(self) -> Card:
        """What holds, what does not, and what could not be asked."""
        rows = tuple(tuple(map(str, row)) for row in self.to_frame().itertuples(index=False))
        told = (
            f"Signature: {self.signature}.",
            f"Installs: {self.installs}.",
            f"Runs: {self.runs}.",
            f"Same: {self.same}.",
        )
        state = "verified" if self.verified else "differs"
        note = "\n".join(map(printable, told))
        return Card(f"Run {self.run}: {state}", ("file", "bytes", "re-run"), rows, note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()
