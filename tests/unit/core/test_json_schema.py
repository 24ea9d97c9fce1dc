"""jsonschema is loaded without a grammar that no schema here needs, and the grammar can be imported afterwards."""

import subprocess
import sys

CODE = """
import sys
from heorsynth.core.json_schema import jsonschema
assert jsonschema().Draft202012Validator({"type": "string"}).is_valid("text")
assert "rfc3987_syntax" not in sys.modules and "lark" not in sys.modules
from heorsynth.protocol.notebook import read_notebook
from heorsynth.provenance.governance import require_valid
import nbformat, rfc3987_syntax
"""


def test_jsonschema_is_loaded_without_the_grammar_of_addresses_which_can_still_be_imported() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
