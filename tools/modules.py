"""The modules of a package as text: what each imports, defines and states. For `tools/house.py`."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Module:
    """One Python file of the package."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @property
    def room(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def is_room(self) -> bool:
        return self.path.name == "__init__.py"


House = Mapping[str, Module]
"""Dotted name to module."""


def read_house(folder: Path) -> House:
    """Every module below a package's folder, parsed."""
    house: dict[str, Module] = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        house[name] = Module(name, path, text, ast.parse(text))
    return house


def imports(module: Module, house: House) -> list[tuple[str, str | None]]:
    """Each module of the house that a module imports, wherever the import stands, and the name taken from it."""
    found: list[tuple[str, str | None]] = []
    for node in module.nodes:
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.append((inner, None) if inner in house else (base, alias.name))
    return [(target, name) for target, name in found if target in house]


def mentions(text: str, house: House) -> set[str]:
    """The modules whose dotted name a text states, such as a registry's "package.room.module:name"."""
    starts = {
        text[: dot.start()] for text in re.findall(r"\b\w+(?:\.\w+)+", text) for dot in re.finditer(r"\.|$", text)
    }
    named = starts & house.keys()
    return {name for name in named if not any(longer.startswith(name + ".") for longer in named)}


def strings(module: Module) -> Iterator[ast.Constant]:
    """The string literals of a module that are no docstrings."""
    loose = {id(node.value) for node in module.nodes if isinstance(node, ast.Expr)}
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loose:
            yield node


def top_names(module: Module) -> Iterator[str]:
    """The functions, classes and constants a module defines at its top, without commands of a command line."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if not re.search(r"\.(command|group)\b", " ".join(map(ast.unparse, node.decorator_list))):
                yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def defined(module: Module) -> set[str]:
    """Every name a module gives to something: also methods, attributes and arguments."""
    found = set()
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found
