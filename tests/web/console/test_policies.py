"""A draft's changed decisions as a file, for who is at the desk and nobody else."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

from decisions.test_policies import FACTS, NAME, strict
from web.console.conftest import NOW, Desk

from whiteslip.base import Refusal
from whiteslip.decisions import decide_batch, policies
from whiteslip.decisions.store import kept_version
from whiteslip.identity.model import Role


def test_the_changed_decisions_of_a_draft_are_a_file_for_who_is_at_the_desk(desk: Desk):
    tables = desk.ports.office.tables
    asked = [(uuid4(), FACTS | {"velocity_24h": n, "amount_minor": 100 + n}) for n in (0, 2, 4, 9)]
    with desk.db.transaction() as tx:
        made = decide_batch(tx, tables, NAME, asked, NOW - timedelta(hours=1))
        draft = policies.draft(tx, tables, NAME, strict(3), "lab:maker", NOW)
        assert not isinstance(draft, Refusal)
    at = f"/console/policies/{NAME}/{draft.version}/changed.csv"
    outside = desk.client.get(at, follow_redirects=False)
    assert (outside.status_code, outside.headers["location"]) == (303, "/console/sign-in")
    assert str(made[2].id) not in outside.text
    desk.sign_in(Role.AUDITOR)
    answer = desk.client.get(at)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    told = [tuple(row[name] for name in ("decision", "subject", "was", "would_be", "minor")) for row in rows]
    assert told == [
        (str(made[2].id), str(asked[2][0]), "yes", "no", "104"),
        (str(made[3].id), str(asked[3][0]), "yes", "no", "109"),
    ]
    assert desk.client.get(at.replace(draft.version, "ffff")).status_code == 404
    with desk.db.transaction() as tx:
        kept = tx.conn.execute("SELECT count(*) AS n FROM decisions.decision").fetchone()
    assert kept == {"n": 4}, "a backtest decides nothing"
    matrix = at.replace("changed.csv", "matrix.csv")
    assert desk.client.get(matrix).status_code == 409, "no backtest of it was kept yet"
    with desk.db.transaction() as tx:
        table = kept_version(tx, NAME, draft.version)
        assert table
        policies.run_backtest(tx, tables, table, "lab:maker", NOW)
    kept_cells = list(csv.DictReader(io.StringIO(desk.client.get(matrix).text)))
    told = [
        tuple(row[name] for name in ("was", "would_be", "count", "minor", "late_90")) for row in kept_cells
    ]
    assert told == [("yes", "no", "2", "213", "0"), ("yes", "yes", "2", "202", "")]
    assert f'href="{matrix}"' in desk.get(at.removesuffix("/changed.csv"))


def test_a_draft_with_faults_is_no_file(desk: Desk):
    content = strict(3)
    table = next(n for n in content["nodes"] if n["type"] == "decisionTableNode")["content"]
    next(rule for rule in table["rules"] if rule["velocity"])["velocity"] = ">= rand(10)"
    with desk.db.transaction() as tx:
        draft = policies.draft(tx, desk.ports.office.tables, NAME, content, "staff:maker", NOW)
        assert not isinstance(draft, Refusal)
    desk.sign_in()
    assert desk.client.get(f"/console/policies/{NAME}/{draft.version}/changed.csv").status_code in {409, 422}


def test_a_decision_with_two_things_in_the_way_tells_both_at_once(desk: Desk):
    asked = (uuid4(), FACTS | {"velocity_24h": 25, "available_minor": 9_000})
    with desk.db.transaction() as tx:
        (made,) = decide_batch(tx, desk.ports.office.tables, NAME, [asked], NOW)
    desk.sign_in()
    text = " ".join(unescape(desk.get(f"/console/decisions/{made.id}")).split())
    (told,) = re.findall(r'id="pair">(.*?)</p>', text)
    assert "No single fact would have changed it, but two would" in told
    plain = re.sub(r"<[^>]+>", "", told)
    assert "amount_minor at 9000 instead of 10000 and velocity_24h at 19 instead of 25" in plain
    assert 'id="otherwise"' not in text
