"""What the visual editor posts is checked like any table from outside, and saved as a draft only."""

from __future__ import annotations

import copy
import html
import json
import re
from collections.abc import Callable
from typing import Any

from httpx import Response

from whiteslip.decisions import policies
from whiteslip.identity.model import Role

from .conftest import NOW, Desk

NAME = "purchase-authorisation"
Edit = Callable[[dict[str, Any]], object]


def home(version: str = "active") -> str:
    return f"/console/policies/{NAME}/{version}/graph"


def content(desk: Desk) -> dict[str, Any]:
    return copy.deepcopy(dict(desk.ports.office.tables[NAME].content))


def table(graph: dict[str, Any]) -> dict[str, Any]:
    return next(node for node in graph["nodes"] if node["id"] == "table")


def posted(desk: Desk, graph: Any, **fields: str) -> Response:
    text = graph if isinstance(graph, str) else json.dumps(graph)
    return desk.post(home(), graph=text, **({"do": "save"} | fields))


def said(answer: Response) -> str:
    """The error summary in words."""
    found = re.search(r'<div class="errors".*?</ul>', answer.text, re.S)
    assert found, answer.text
    return html.unescape(re.sub(r"<[^>]+>", " ", found[0]))


def drafts(desk: Desk) -> list[str]:
    with desk.db.transaction() as tx:
        found = policies.every(tx, desk.ports.office.tables, NAME, NOW)
        in_force = policies.active(tx, desk.ports.office.tables, NAME, NOW).version
    assert in_force == desk.ports.office.tables[NAME].version, "only drafts are saved"
    return [policy.version for policy in found if policy.state == "draft"]


def looped(graph: dict[str, Any]) -> None:
    """Two formulas that read each other, drawn with the editor's own extras."""
    for name, value in (("one", "two"), ("two", "one")):
        line = {"id": name, "key": name, "value": value}
        node = {"id": name, "type": "expressionNode", "name": f"formula {name}", "position": {"x": 0, "y": 0}}
        graph["nodes"].append(node | {"content": {"passThrough": True, "expressions": [line]}})
        graph["edges"].append({"id": name, "sourceId": name, "targetId": value, "sourceHandle": None})


HOSTILE: list[tuple[Edit, str]] = [
    (looped, "the graph has a cycle: formula one → formula two → formula one"),
    (lambda g: table(g).update(type="functionNode", content={"source": "x"}), "functionNode are not allowed"),
    (lambda g: table(g)["content"].update(executionMode="loop"), "authorisation: it loops over a list"),
    (
        lambda g: table(g)["content"]["rules"][2].update(amount="> > 1"),
        "purchase authorisation, rule 3, Amount, minor units: '> > 1' is not an expression",
    ),
    (
        lambda g: table(g)["content"]["rules"][0].update(code='"no.such"'),
        "purchase authorisation, rule 1, Code: code cannot be '\"no.such\"'",
    ),
    (lambda g: table(g)["content"]["inputs"][0].update(field="age"), "Lifecycle: age is unknown here"),
    (
        lambda g: table(g)["content"]["rules"][1].update(amount="2 ^ 99"),
        "rule 2, Amount, minor units: powers",
    ),
    (lambda g: table(g)["content"]["rules"][1].update(amount=7), "purchase authorisation, rule 2: Expected"),
    (lambda g: g.update(nodes=g["nodes"] * 8), "length <= 20"),
]


def test_a_graph_that_may_not_decide_is_refused_with_its_place_and_kept_on_the_page(desk: Desk):
    desk.sign_in()
    for edit, fault in HOSTILE:
        graph = content(desk)
        edit(graph)
        answer = posted(desk, graph)
        assert answer.status_code == 422
        assert fault in said(answer)
        assert html.escape(json.dumps(graph), quote=False)[:200] in html.unescape(answer.text)
    assert drafts(desk) == []
    graph = content(desk)
    looped(graph)
    answer = posted(desk, graph, do="unfinished")
    assert answer.status_code == 303
    assert [answer.headers["location"].rsplit("/", 1)[1]] == drafts(desk)
    assert "the graph has a cycle" in html.unescape(desk.get(answer.headers["location"]))


def test_what_is_no_graph_at_all_is_malformed(desk: Desk):
    desk.sign_in()
    for text in ("", "{", "[]", "1e999", '{"nodes":"\\u0000"}', '{"a":' * 5000):
        assert posted(desk, text).status_code == 400, text[:20]
    assert drafts(desk) == []


def test_a_table_that_was_only_looked_at_is_the_same_version_whatever_the_editor_adds(desk: Desk):
    desk.sign_in()
    graph = content(desk)
    for edge in graph["edges"]:
        edge.update(sourceHandle=None, targetHandle=None)
    table(graph).update(description="", _diff=None)
    table(graph)["content"]["inputs"][0].update(fieldType={"type": "string"}, defaultValue="")
    answer = posted(desk, graph)
    assert answer.status_code == 409
    assert "This is the version in force already." in said(answer)


def test_a_draft_of_somebody_else_is_told_of_once_and_then_both_stand(desk: Desk):
    desk.sign_in()
    opened = re.search(r'name="seen" value="(\w+)"', desk.get(home()))
    assert opened
    graph = content(desk)
    table(graph)["content"]["rules"][0]["_description"] = "mine"
    desk.sign_out()
    other = content(desk)
    table(other)["content"]["rules"][0]["_description"] = "theirs"
    desk.sign_in(Role.ADMIN)
    theirs = posted(desk, other, seen=opened[1]).headers["location"].rsplit("/", 1)[1]
    assert posted(desk, other, seen=opened[1]).status_code == 303
    desk.sign_out()
    desk.post("/console/sign-in", name=Role.REVIEWER.value, password="a long password")
    answer = posted(desk, graph, seen=opened[1])
    assert answer.status_code == 409
    assert f"Somebody else saved draft {theirs}" in said(answer)
    assert drafts(desk) == [theirs]
    again = re.search(r'name="seen" value="(\w+)"', answer.text)
    assert again
    mine = posted(desk, graph, seen=again[1]).headers["location"].rsplit("/", 1)[1]
    assert drafts(desk) == [mine, theirs]


def test_only_this_page_allows_styles_and_by_a_nonce_that_is_never_the_same(desk: Desk):
    desk.sign_in()
    plain = desk.client.get(f"/console/policies/{NAME}/active").headers["content-security-policy"]
    assert "nonce" not in plain
    seen: set[str] = set()
    for _ in range(2):
        answer = desk.client.get(home())
        policy = answer.headers["content-security-policy"]
        (nonce,) = re.findall(r"nonce-([\w-]+)", policy)
        assert f'nonce="{nonce}"' in answer.text
        assert policy.replace(f" 'nonce-{nonce}'", "") == plain
        seen.add(nonce)
    assert len(seen) == 2
    desk.sign_out()
    desk.sign_in(Role.ANALYST)
    assert desk.client.get(home()).status_code == 403
