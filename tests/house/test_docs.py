"""What the code says and what the docs say are compared, name by name."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclopts import App

import whiteslip
from whiteslip.app.cli import app
from whiteslip.app.settings import SETTINGS
from whiteslip.day.timers import HANDLERS, LETTERS
from whiteslip.web.console.case.handlers import TOLD
from whiteslip.web.kit.i18n import texts_in
from whiteslip.web.kit.sentences import known

HOUSE = Path(whiteslip.__file__).parent
REFERENCE = HOUSE.parents[1] / "docs" / "reference"


def documented(page: str) -> set[str]:
    """The names in the first column of a page's tables."""
    return set(re.findall(r"^\| `([^`]+)`", (REFERENCE / page).read_text(), re.M))


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    for path in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = node.func
                known = called.id if isinstance(called, ast.Name) else getattr(called, "attr", None)
                if known == name:
                    yield path, node


def literal(node: ast.expr) -> set[str]:
    """The texts an argument may be: a constant, or the values of a table of constants."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return literal(node.body) | literal(node.orelse)
    return set()


def tables_of_kinds() -> set[str]:
    """Kinds that are looked up in a module's table ``_KINDS``."""
    found: set[str] = set()
    for path in HOUSE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            target: Any = getattr(node, "target", None)
            if isinstance(node, ast.AnnAssign) and target.id == "_KINDS" and isinstance(node.value, ast.Dict):
                for value in node.value.values:
                    found |= literal(value)
    return found


def journal_kinds() -> set[str]:
    found = tables_of_kinds()
    for _, call in calls("Entry"):
        if len(call.args) > 1:
            found |= literal(call.args[1])
    return found


def commands(group: App, before: str = "") -> set[str]:
    found: set[str] = set()
    for name in group:
        if name.startswith("-"):
            continue
        below = group[name]
        inner = commands(below, f"{before}{name} ")
        found |= inner or {f"{before}{name}"}
    return found


def test_every_setting_is_documented():
    assert documented("settings.md") == {setting.variable for setting in SETTINGS}


def test_every_refusal_is_documented():
    assert documented("refusals.md") == set(known())


def test_every_journal_kind_is_documented():
    assert documented("journal.md") == journal_kinds()


def test_every_timer_kind_is_documented_and_has_a_handler():
    setting = [call for name in ("set_timer", "set_timers") for _, call in calls(name) if len(call.args) > 1]
    asked = {kind for call in setting for kind in literal(call.args[1])}
    assert asked == set(HANDLERS) | LETTERS
    assert documented("timers.md") == asked


def test_every_command_is_documented():
    assert {f"whiteslip {command}" for command in commands(app())} == documented("commands.md")


def test_every_dependency_has_a_line_of_its_own_on_why():
    project = tomllib.loads((HOUSE.parents[1] / "pyproject.toml").read_text())
    listed = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted = {re.split(r"[^A-Za-z0-9-]", line)[0] for line in listed}
    record = (HOUSE.parents[1] / "docs" / "decisions" / "0002-dependencies.md").read_text()
    assert wanted - set(re.findall(r"^\| `([^`]+)`", record, re.M)) == set()


def test_links_between_pages_lead_somewhere():
    broken: list[str] = []
    for page in (HOUSE.parents[1]).glob("docs/**/*.md"):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_a_cases_timeline_names_what_it_tells():
    """Orders of the law are told to those who may handle them, by a page of their own."""
    told = {
        kind
        for kind in journal_kinds()
        if kind.split(".")[0] in TOLD and not re.search("freeze|frozen", kind)
    }
    wanted = {"event_" + kind.replace(".", "_") for kind in told}
    assert [(lang, wanted - set(texts)) for lang, texts in texts_in("console/case").items()] == [
        ("zh-CN", set()),
        ("en", set()),
    ]
