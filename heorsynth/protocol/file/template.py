"""The notebook that a run executes: the protocol's own, or the one that comes with the package."""

from __future__ import annotations

from pathlib import Path

from heorsynth.core.errors import OutputError, Problem
from heorsynth.protocol.file.spec import Protocol

TEMPLATE = Path(__file__).parents[1] / "templates" / "notebook.ipynb"
TEMPLATE_OF_PAPER = TEMPLATE.with_name("published.ipynb")


def notebook_of(protocol: Protocol) -> Path:
    """The path of the notebook. Raise OutputError if the protocol names one that does not exist."""
    if protocol.document.notebook is None:
        return TEMPLATE if protocol.document.cohort.source.published is None else TEMPLATE_OF_PAPER
    path = protocol.path.parent / protocol.document.notebook
    if not path.is_file():
        fix = "give its path from the folder of the protocol, or leave the key out"
        raise OutputError(
            f"protocol {protocol.path.name!r}", Problem(protocol.where("notebook"), "no such notebook", fix)
        )
    return path
