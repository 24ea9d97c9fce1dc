"""Loads jsonschema without the grammar of internationalised addresses, which takes two seconds to build."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

_GRAMMAR = "rfc3987_syntax"


def jsonschema() -> ModuleType:
    """Return jsonschema, loaded without `rfc3987_syntax` unless it was loaded before.

    jsonschema imports that package, where Jupyter installed it, for the formats "iri" and "iri-reference" alone. No
    schema used here has them. A process that loads jsonschema this way does not check these two formats.

    Examples
    --------
    >>> jsonschema().Draft202012Validator({"type": "string"}).is_valid(5)
    False
    """
    if "jsonschema" not in sys.modules and _GRAMMAR not in sys.modules:
        sys.modules[_GRAMMAR] = None  # type: ignore[assignment] # an import of it fails, and jsonschema does without
        try:
            import_module("jsonschema")
        finally:
            del sys.modules[_GRAMMAR]
    return import_module("jsonschema")
