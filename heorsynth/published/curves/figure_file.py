"""Opens the file of a figure: text within limits, and no raster image."""

from __future__ import annotations

from pathlib import Path

from heorsynth.core.errors import EncodingError, FileError, PaperError, Problem

MAX_BYTES = 20_000_000
"""Largest size of a file of coordinates or of a vector figure, in bytes."""

_RASTER = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM", b"RIFF")
_RASTER_FIX = "click its coordinates with WebPlotDigitizer or DigitizeIt, and give the CSV file"


def text_of(path: Path) -> str:
    """Return the text of a file of coordinates or of a vector figure.

    Raises
    ------
    PaperError      a raster image or a PDF page
    FileError       the file cannot be read or is larger than `MAX_BYTES`
    EncodingError   the file is not UTF-8
    """
    subject = f"file {path.name!r}"
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileError(subject, Problem("", "cannot be read", "check the path")) from error
    if len(raw) > MAX_BYTES:
        raise FileError(subject, Problem("", f"more than {MAX_BYTES:,} bytes", "export the figure alone"))
    if raw.startswith(_RASTER):
        raise PaperError(subject, Problem("", "a raster image, which is not read", _RASTER_FIX))
    if raw.startswith(b"%PDF"):
        fix = "save the figure as SVG, for example with Inkscape; a scanned page must be clicked"
        raise PaperError(subject, Problem("", "a PDF, which is not read", fix))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EncodingError(subject, Problem("", "not UTF-8", "save it as UTF-8")) from None


def raster_only(subject: str) -> PaperError:
    """Return the error for a vector file that only holds a raster image."""
    return PaperError(subject, Problem("", "an SVG file that only wraps a raster image", _RASTER_FIX))
