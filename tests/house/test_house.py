"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import whiteslip

HOUSE = Path(whiteslip.__file__).parent
ROOT = HOUSE.parents[1]
SOURCES = sorted(HOUSE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in SOURCES:
        yield path.relative_to(HOUSE), ast.parse(path.read_text())


def test_no_file_is_longer_than_the_house_allows():
    long = {p.relative_to(HOUSE): n for p in SOURCES if (n := p.read_text().count("\n")) > LONGEST_FILE}
    assert long == {}


def test_no_function_is_longer_than_the_house_allows():
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_only_the_system_clock_reads_the_time():
    pattern = re.compile(r"\b(datetime\.now|date\.today|time\.time|datetime\.utcnow)\(")
    offenders = [
        str(path.relative_to(HOUSE))
        for path in SOURCES
        if pattern.search(path.read_text()) and path.name != "clock.py"
    ]
    assert offenders == []


def test_sql_never_reads_the_time():
    pattern = re.compile(r"\b(now\(\)|current_timestamp|current_date|clock_timestamp|localtimestamp)", re.I)
    offenders = [str(p.relative_to(HOUSE)) for p in HOUSE.rglob("*.sql") if pattern.search(p.read_text())]
    assert offenders == []


def test_our_own_rooms_are_imported_at_the_top_of_a_file():
    hidden = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
        for node in ast.walk(function)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("whiteslip"))
        or (isinstance(node, ast.Import) and any(a.name.startswith("whiteslip") for a in node.names))
    ]
    assert hidden == []


def test_a_door_has_at_most_twelve_names_and_an_essay():
    for door in HOUSE.glob("*/__init__.py"):
        tree = ast.parse(door.read_text())
        assert ast.get_docstring(tree), f"{door.parent.name} has no essay"
        names = [
            len(node.value.elts)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.List)
            and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        ]
        assert max(names, default=0) <= 12, f"{door.parent.name} has too many names"


def test_errors_are_caught_broadly_in_three_places_only():
    allowed = {"web/kit/edge.py", "app/worker.py", "day/runner.py"}
    offenders = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
        and path.as_posix() not in allowed
    ]
    assert offenders == []


def test_the_lock_names_only_the_public_index():
    registries = set(re.findall(r'registry = "([^"]+)"', (ROOT / "uv.lock").read_text()))
    assert registries == {"https://pypi.org/simple"}
