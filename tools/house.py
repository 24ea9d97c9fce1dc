"""Measures the structure of heorsynth/: one line a measure, with its goal; `-v` lists what was found.

A *room* is a folder that holds modules. The modules at the top of a package form a room of its name, such as
`heorsynth.protocol`. `--check` exits 1 where a goal of HELD is broken. `--write-exports` writes the `__all__` of
each room: the modules that other rooms use.
"""

import argparse
import ast
import io
import re
import sys
import tempfile
import tokenize
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from call_path import traced
from modules import House, Module, defined, imports, mentions, read_house, strings, top_names, words
from touched import MOST_TOUCHED, touched

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["core", "engine", "data", "estimators", "generators", "checks", "published", "evaluation", "evidence",
         "language", "provenance", "report", "protocol", "cli"]  # fmt: skip
"""A layer imports the ones before it. Generators and checks are siblings, and so are checks and published papers:
neither imports the other."""

SIBLINGS = {("generators", "checks"), ("checks", "generators"), ("published", "checks"), ("checks", "published")}
MOST_FILES, MOST_LINES = 15, 400
HELD = {"crowded folders", "long files", "upward imports", "private names used elsewhere", "unexported imports",
        "unused exports", "missing tests", "files touched by one more estimand", "files touched by one more check",
        "circles of modules", "circles of rooms", "imports of a package's top by its rooms",
        "public names of one file"}  # fmt: skip
"""Measures whose goal is met today: `--check` holds them. Add one when its goal is met."""


@dataclass(frozen=True)
class Measure:
    """What was measured: the places found, and the largest number of them that meets the goal (None: no goal)."""

    name: str
    goal: int | None
    found: tuple[str, ...] = ()
    text: str = ""

    @property
    def met(self) -> bool:
        return self.goal is None or len(self.found) <= self.goal

    def line(self) -> str:
        if self.goal is None:
            return f"{self.name}: {self.text or len(self.found)}"
        state = "met" if self.met else "NOT met"
        return f"{self.name}: {len(self.found)} (goal: at most {self.goal}, {state})"


def crowded_folders(folder: Path) -> Iterator[str]:
    for place in sorted([folder, *(path for path in folder.rglob("*") if path.is_dir())]):
        n = sum(path.is_file() for path in place.iterdir())
        if n > MOST_FILES and place.name != "__pycache__":
            yield f"{place.relative_to(folder.parent)}: {n} files"


def long_files(folders: Iterable[Path]) -> Iterator[str]:
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        n = len(path.read_text(encoding="utf-8").splitlines())
        if n > MOST_LINES:
            yield f"{path.name}: {n} lines"


def circles(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """The groups of nodes that can reach each other."""
    reach: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += graph.get(node, ())
        reach[start] = seen
    groups = {tuple(sorted(b for b in reach[a] if a in reach[b])) for a in graph if a in reach[a]}
    return [list(group) for group in sorted(groups)]


def module_circles(house: House) -> list[str]:
    graph = {module.name: {target for target, _ in imports(module, house)} for module in house.values()}
    return [" <-> ".join(group) for group in circles(graph)]


def room_circles(house: House) -> list[str]:
    graph: dict[str, set[str]] = {module.room: set() for module in house.values()}
    for module in house.values():
        graph[module.room] |= {house[target].room for target, _ in imports(module, house)} - {module.room}
    return [" <-> ".join(group) for group in circles(graph)]


def reversed_imports(house: House) -> list[str]:
    """Imports of a package's top-level modules by the rooms inside that package."""
    return sorted(
        f"{module.name} imports {target}"
        for module in house.values()
        for target in {target for target, _ in imports(module, house)}
        if module.room.startswith(house[target].room + ".")
    )


def layer_of(name: str) -> str:
    """The package below the root that a module belongs to; empty for the root itself."""
    return name.split(".")[1] if "." in name else ""


def upward_imports(house: House, order: list[str], siblings: Collection[tuple[str, str]]) -> list[str]:
    """Imports of a layer by one before it or beside it, and layers that have no place in the order."""
    found = []
    for module in house.values():
        layer = layer_of(module.name)
        if layer and layer not in order:
            found.append(f"{module.name}: {layer} has no place in the order")
            continue
        if any(isinstance(node, ast.ImportFrom) and node.level for node in module.nodes):
            found.append(f"{module.name} has a relative import")
        for target in {target for target, _ in imports(module, house)} if layer else ():
            other = layer_of(target)
            above = other not in order or order.index(other) > order.index(layer)
            if above or (layer, other) in siblings:
                found.append(f"{module.name} imports {target}")
    return sorted(found)


def key_literals(house: House, keys: Collection[str]) -> list[str]:
    """Keys of estimands written outside checks/*/estimands.py."""
    return [
        f"{module.name}:{node.lineno} {node.value!r}"
        for module in house.values()
        if not (module.stem == "estimands" and ".checks." in module.name)
        for node in strings(module)
        if node.value in keys
    ]


def lonely_names(house: House, outside: Iterable[str]) -> list[str]:
    """Names without an underscore that no text outside their own file states together with their module's name.

    Entries of the catalogue are found by their type, not by their name: `X = Estimand(...)`.
    """
    inside = {module.name: words(module.text) for module in house.values()}
    others = [words(text) for text in outside]
    found = []
    for module in house.values():
        texts = [there for name, there in inside.items() if name != module.name] + others
        near = [there for there in texts if module.stem in there]
        entries = set(re.findall(r"^([A-Z_]+) = Estimand\(", module.text, flags=re.MULTILINE))
        public = [name for name in top_names(module) if name[0] != "_" and name not in entries]
        found += [f"{module.name}.{name}" for name in public if not any(name in there for there in near)]
    return found


def borrowed_private_names(house: House) -> list[str]:
    """Underscore names that are defined in another file of the house only."""
    given = {module.name: defined(module) for module in house.values()}
    everywhere = set().union(*given.values())
    found = set()
    for module in house.values():
        taken = {name for _, name in imports(module, house) if name}
        taken |= {node.attr for node in module.nodes if isinstance(node, ast.Attribute)} - given[module.name]
        private = {name for name in taken if name[0] == "_" and not name.endswith("_")}
        found |= {f"{module.name} uses {name}" for name in private & everywhere}
    return sorted(found)


def exports_node(room: Module) -> ast.Assign | ast.AnnAssign | None:
    """The statement in which a room's `__init__` lists what it exports."""
    for node in room.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and ast.unparse(node).startswith("__all__"):
            return node
    return None


def exported(room: Module) -> tuple[str, ...]:
    """What a room's `__all__` lists; nothing where it has none."""
    node = exports_node(room)
    literal = node is not None and isinstance(node.value, ast.Tuple | ast.List)
    return tuple(ast.literal_eval(node.value)) if literal else ()


def uses(house: House) -> set[tuple[str, str]]:
    """Pairs of a module and one of another room that it imports or names in a string."""
    return {
        (module.name, target)
        for module in house.values()
        for target in {name for name, _ in imports(module, house)}.union(
            *(mentions(str(node.value), house) for node in strings(module))
        )
        if house[target].room != module.room and not house[target].is_room
    }


def unexported_imports(house: House) -> list[str]:
    return sorted(
        f"{user} uses {target}"
        for user, target in uses(house)
        if house[target].stem not in exported(house[house[target].room])
    )


def needed_exports(house: House, docs: str) -> dict[str, list[str]]:
    """Room to the modules that other rooms, or the reference pages, use; rooms without modules are left out."""
    needed = {target for _, target in uses(house)} | mentions(docs, house)
    rooms = {module.room for module in house.values() if not module.is_room and "." in module.room}
    return {
        room: sorted(name.rpartition(".")[2] for name in needed if house[name].room == room and name != room)
        for room in sorted(rooms)
    }


def unused_exports(house: House, docs: str) -> list[str]:
    return [
        f"{room}.{name}"
        for room, needed in needed_exports(house, docs).items()
        for name in exported(house[room])
        if f"{room}.{name}" in house and name not in needed
    ]


def write_exports(house: House, docs: str) -> None:
    """Write each room's `__all__`; names that an `__init__` itself defines or imports stay in it."""
    for room, modules in needed_exports(house, docs).items():
        face = house[room]
        own = [name for name in exported(face) if f"{room}.{name}" not in house]
        names = sorted({*own, *modules}, key=lambda name: (not name.isupper(), name[0].islower(), name))
        listed = ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "")
        line = f"__all__{'' if names else ': tuple[str, ...]'} = ({listed})"
        if len(line) > 120:
            line = "__all__ = (\n" + "".join(f'    "{name}",\n' for name in names) + ")"
        lines, old = face.text.splitlines(), exports_node(face)
        if old is None:
            lines += ["", line]
        else:
            lines[old.lineno - 1 : old.end_lineno] = [line]
        face.path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def own_test(module: Module, folder: Path) -> str:
    """Where the tests of a module stand, from the folder of unit tests: a/b/test_c.py for package/a/b/c.py."""
    return module.path.relative_to(folder).with_name(f"test_{module.path.name}").as_posix()


def missing_tests(house: House, folder: Path, unit: Path, elsewhere: Mapping[str, str], root: Path) -> list[str]:
    """Modules with neither a test file of their own nor a line that truly says where they are tested."""
    found = []
    modules = {m.path.relative_to(folder).as_posix(): m for m in house.values() if not m.is_room}
    users: dict[str, set[str]] = {}
    for user in house.values():
        for target, _ in imports(user, house):
            users.setdefault(target, {target}).add(user.name)
    for place, module in modules.items():
        own = (unit / own_test(module, folder)).is_file()
        if own == (place in elsewhere):
            found.append(f"{place}: both its own test file and a line" if own else f"{place}: no test")
    for place, test in elsewhere.items():
        if place not in modules:
            found.append(f"{place}: no such module")
        elif not (root / test).is_file():
            found.append(f"{place}: {test} does not exist")
        elif not exercises((root / test).read_text(encoding="utf-8"), modules[place], users, house):
            found.append(f"{place}: {test} does not use it")
    return sorted(found)


def reached(test: Module, house: House) -> set[str]:
    """The modules a test imports: also behind `hs.name`, behind a room's own names, and those a registry names."""
    root = min(house, key=len)
    found = {target for target, _ in imports(test, house)}
    found |= {t for t, name in imports(house[root], house) if re.search(rf"\bhs\.{name or house[t].stem}\b", test.text)}
    found -= {root}
    for name in [name for name in found if house[name].is_room]:
        found |= {target for target, _ in imports(house[name], house)}
    for name in [name for name in found if f'"{root}.' in house[name].text]:
        found = found.union(*(mentions(str(node.value), house) for node in strings(house[name])))
    return found


def exercises(test: str, module: Module, users: Mapping[str, set[str]], house: House) -> bool:
    """Whether a test reaches a module or one that imports it, or states one of its public names."""
    known = reached(Module("tests.test", module.path, test, ast.parse(test)), house)
    public = {name for name in top_names(module) if name[0] != "_"}
    return bool(known & users.get(module.name, {module.name}) or public & words(test))


def sizes(folder: Path, tests: Path) -> Iterator[Measure]:
    """Lines, comment lines, mean and longest file."""
    counts, comments = {}, 0
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        counts[path] = len(text.splitlines())
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        comments += sum(t.type == tokenize.COMMENT and not t.line[: t.start[1]].strip() for t in tokens)
    total, longest = sum(counts.values()), max(counts, key=lambda path: counts[path])
    tested = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in tests.rglob("*.py"))
    yield Measure("lines of the package", None, text=f"{total} in {len(counts)} files")
    yield Measure("lines of tests", None, text=str(tested))
    yield Measure("comment lines", None, text=f"{comments} ({comments / total:.1%})")
    mean = f"{total / len(counts):.0f} lines"
    yield Measure("mean file; longest", None, text=f"{mean}; {longest.name}, {counts[longest]} lines")


def structure() -> Iterator[Measure]:
    """What the files of this repository show without being run."""
    from heorsynth.checks.planning.catalogue import ESTIMANDS

    folder, unit = ROOT / "heorsynth", ROOT / "tests" / "unit"
    house, docs = read_house(folder), (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    elsewhere = tomllib.loads((unit / "TESTED_ELSEWHERE.toml").read_text(encoding="utf-8"))
    places = [ROOT / place for place in ("tests", "benchmarks", "tools", "docs", "notebooks")]
    outside = [path for place in places for path in place.rglob("*") if path.suffix in {".py", ".md", ".ipynb"}]
    texts = [path.read_text(encoding="utf-8") for path in [*outside, ROOT / "README.md", ROOT / "pyproject.toml"]]
    yield Measure("crowded folders", 0, tuple(crowded_folders(folder)))
    yield Measure("long files", 0, tuple(long_files([folder, *places])))
    yield Measure("circles of modules", 0, tuple(module_circles(house)))
    yield Measure("circles of rooms", 0, tuple(room_circles(house)))
    yield Measure("imports of a package's top by its rooms", 0, tuple(reversed_imports(house)))
    yield Measure("upward imports", 0, tuple(upward_imports(house, ORDER, SIBLINGS)))
    yield Measure("keys of estimands as literals", 0, tuple(key_literals(house, ESTIMANDS)))
    yield Measure("public names of one file", 0, tuple(lonely_names(house, texts)))
    yield Measure("private names used elsewhere", 0, tuple(borrowed_private_names(house)))
    yield Measure("unexported imports", 0, tuple(unexported_imports(house)))
    yield Measure("unused exports", 0, tuple(unused_exports(house, docs)))
    yield Measure("missing tests", 0, tuple(missing_tests(house, folder, unit, elsewhere, ROOT)))


def additions() -> Iterator[Measure]:
    """The files that the examples of docs/extending.md change, each with its test."""
    with tempfile.TemporaryDirectory() as folder:
        for name, files in touched(ROOT, Path(folder)).items():
            yield Measure(f"files touched by one more {name}", MOST_TOUCHED[name], files)


def measures() -> Iterator[Measure]:
    """Every measure of this repository."""
    folder = ROOT / "heorsynth"
    yield from structure()
    yield from additions()
    yield from sizes(folder, ROOT / "tests")
    trace = traced(folder)
    files = tuple(str(Path(name).relative_to(ROOT)) for name in trace.path)
    yield Measure("call path of survival.rmst", 10, files)
    yield Measure("files that run before its result", None, text=str(len(set(trace.log))))


def main(arguments: list[str]) -> int:
    """Print every measure; 1 if `--check` is given and a goal of HELD is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="list what was found")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal that was met is broken")
    parser.add_argument("--write-exports", action="store_true", help="write each room's __all__ and stop")
    asked = parser.parse_args(arguments)
    if asked.write_exports:
        write_exports(read_house(ROOT / "heorsynth"), (ROOT / "docs" / "api.md").read_text(encoding="utf-8"))
        return 0
    broken = []
    for measure in measures():
        print(measure.line())
        if asked.verbose:
            print("".join(f"    {place}\n" for place in measure.found), end="")
        if measure.name in HELD and not measure.met:
            broken.append(measure)
    for measure in broken if asked.check else ():
        print(f"broken: {measure.name}\n" + "".join(f"    {place}\n" for place in measure.found), file=sys.stderr)
    return int(asked.check and bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
