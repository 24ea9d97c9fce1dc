"""The JSON schema of an answer asks for what a text can state, and every number as text."""

import json

import jsonschema

from heorsynth.language.proposals.answer import answer_schema


def test_the_schema_is_a_valid_one_and_asks_for_no_curve_citation_or_title() -> None:
    schema = answer_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    parts = schema["$defs"]
    assert "curves" not in parts["EndpointSection"]["properties"] and "CurvesSection" not in parts
    assert not {"title", "citations", "paper", "proposal"} & set(parts["Document"]["properties"])
    assert "citation" not in parts["Source"]["properties"]


def test_the_schema_has_no_json_number() -> None:
    assert '"number"' not in json.dumps(answer_schema()) and '"integer"' not in json.dumps(answer_schema())
