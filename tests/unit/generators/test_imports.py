"""No module of the generators imports itself through others, not even for a type or inside a function."""

import ast
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def sources() -> dict[str, str]:
    """Module name to source text, of every module of the generators."""
    files = (ROOT / "heorsynth" / "generators").rglob("*.py")
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file.read_text("utf-8")
        for file in files
    }


def imports(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Module to those of the modules that it imports anywhere in its text."""
    found: dict[str, set[str]] = {}
    for module, text in modules.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                named |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[module] = named & set(modules)
    return found


def in_circles(modules: Mapping[str, str]) -> list[str]:
    """Modules that import themselves, directly or through others."""
    graph = imports(modules)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    return sorted(module for module in modules if module in reached(module))


def test_no_module_of_the_generators_is_in_an_import_circle() -> None:
    assert in_circles(sources()) == []


def test_an_import_for_a_type_or_inside_a_function_closes_a_circle_too() -> None:
    one = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from room.two import Two\n"
    two = "def f():\n    import room.three\n"
    assert in_circles({"room.one": one, "room.two": two, "room.three": "from room import one\n", "room.four": one}) == [
        "room.one", "room.three", "room.two",
    ]  # fmt: skip
    assert in_circles({"room.one": one, "room.two": two, "room.three": ""}) == []
