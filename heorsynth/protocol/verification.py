"""What of a run holds: its files, its signature, whether it installs, runs, and comes out the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from heorsynth.core.display import Card, printable
from heorsynth.protocol.compare_files import DIFFERENT, IDENTICAL, NOT_RERUNNABLE, WITHIN

MISSING, UNEXPECTED, NOT_COVERED = "missing", "unexpected", "not covered"
ALTERED = "altered since the run"
VERIFIED, DIFFERS, NOT_VERIFIED = "verified", "differs", "not verified"
OTHER_VERSIONS = "other versions: "
"""How it is told that a run was made with other versions than those installed."""


@dataclass(frozen=True)
class Verification:
    """What of a run holds, by three questions that are answered apart.

    Are its bytes those that its sums, statement and signature cover (`intact`, `signature`)? Does it agree with itself
    (`contradictions`)? Does a re-run give the same (`rerun`, `verdicts`)? `result` joins the answers.

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
    contradictions : tuple   what in the run speaks against something else in it, a sentence each
    asked : bool             whether a re-run was asked for
    """

    run: str
    intact: Mapping[str, str]
    rerun: Mapping[str, str]
    not_rerun: str
    verdicts: tuple[str, str]
    signature: str = "not asked"
    signature_holds: bool = True
    installs: str = "not known"
    contradictions: tuple[str, ...] = ()
    asked: bool = True

    @property
    def result(self) -> str:
        """The answer.

        Returns
        -------
        str      "verified": bytes, signature and story hold, and so does the re-run, or none was asked for;
                 "differs": one of them does not; "not verified": a re-run was asked for and could not be made, or was
                 made with other versions and came out otherwise
        """
        if set(self.intact.values()) - {IDENTICAL} or not self.signature_holds or self.contradictions:
            return DIFFERS
        if self.not_rerun:
            return NOT_VERIFIED if self.asked else VERIFIED
        if set(self.rerun.values()) <= {IDENTICAL, WITHIN, NOT_RERUNNABLE} and self.verdicts[0] == self.verdicts[1]:
            return VERIFIED
        return NOT_VERIFIED if self.installs.startswith(OTHER_VERSIONS) else DIFFERS

    @property
    def verified(self) -> bool:
        """True if nothing that was asked speaks against the run: see `result`."""
        return self.result == VERIFIED

    @property
    def within_tolerance(self) -> tuple[str, ...]:
        """The files whose numbers a re-run gave again but for their last digits."""
        return tuple(sorted(name for name, state in self.rerun.items() if state == WITHIN))

    @property
    def _headline(self) -> str:
        if self.result != VERIFIED:
            return self.result
        if not self.asked:
            return "bytes verified, not re-run"
        return f"{VERIFIED}, within tolerance" if self.within_tolerance else VERIFIED

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
            f"Agrees with itself: {'no: ' + '; '.join(self.contradictions) if self.contradictions else 'yes'}.",
            *([f"Within tolerance: {', '.join(self.within_tolerance)}."] if self.within_tolerance else []),
        )
        note = "\n".join(map(printable, told))
        return Card(f"Run {self.run}: {self._headline}", ("file", "bytes", "re-run"), rows, note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()
