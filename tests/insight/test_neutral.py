"""Nothing of insight flows into a score, a decision or the path of an exit."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import whiteslip

HOUSE = Path(whiteslip.__file__).parent
# Doors and the night reach insight; of those that judge or serve customers, none does.
ABOVE = {"app", "web", "world", "day", "treasury", "insight"}
# What insight may do to others: take an offer off a page, make a draft, hold it against the past.
MAY = {
    "offering": {"switch_off"},
    "policies": {"active", "table_of", "draft", "run_backtest", "granted_policy"},
}


def test_no_room_that_scores_decides_or_closes_knows_insight():
    found: list[str] = []
    for path in [*HOUSE.rglob("*.py"), *HOUSE.rglob("*.sql"), *HOUSE.rglob("*.json"), *HOUSE.rglob("*.toml")]:
        room = path.relative_to(HOUSE).parts[0]
        if room not in ABOVE and re.search(r"\binsight\b", path.read_text()):
            found.append(str(path.relative_to(HOUSE)))
    assert found == []


def test_doors_only_note_steps_or_show_figures():
    """Portal and shop-facing API take no value from insight: what they call there returns None."""
    calls: set[str] = set()
    for path in (HOUSE / "web" / "portal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "insight"
            ):
                calls.add(node.attr)
    assert calls == {"see"}
    acts = ast.parse((HOUSE / "insight" / "acts.py").read_text())
    (see,) = [n for n in acts.body if isinstance(n, ast.FunctionDef) and n.name == "see"]
    assert isinstance(see.returns, ast.Constant)
    assert see.returns.value is None


def test_insight_only_takes_offers_away_and_makes_drafts():
    used = {name: set[str]() for name in MAY}
    for path in (HOUSE / "insight").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in MAY:
                used[node.value.id].add(node.attr)
    assert used == MAY


def test_insight_writes_to_no_table_but_its_own():
    written = re.findall(
        r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)\.", (HOUSE / "insight" / "queries.sql").read_text()
    )
    assert set(written) == {"insight"}
