"""A draft's changed decisions as a file, for who is at the desk and nobody else."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

from decisions.test_policies import FACTS, NAME, strict
from insight.test_following import of_one_month
from pypdf import PdfReader
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
    page = desk.get(at.removesuffix("/changed.csv"))
    assert f'href="{matrix}"' in page
    # Sums are money on the page: 104 and 109 fen are 2.13 yuan.
    assert "Amount, CNY" in page
    assert ">2.13<" in page
    # A cell that changes leads to its decisions, and only to them.
    (cell,) = re.findall(r'<th scope="row"[^>]*><a href="([^"#]*)#cases"', page)
    shown = desk.get(unescape(cell))
    for decided in made:
        is_changed = decided in (made[2], made[3])
        assert (f"/console/decisions/{decided.id}" in shown) is is_changed
    assert "/console/decisions/" not in desk.get(unescape(cell).replace("was=yes", "was=no"))
    paper = desk.client.get(matrix.replace(".csv", ".pdf")).content
    said = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(paper)).pages)
    assert draft.version in said
    old = {"decisions": 4, "reworded": 0, "undecidable": 0, "money": None, "cases": [], "cells": []}
    cell = {"old": "yes", "new": "no", "count": 2, "minor": 213, "followed": 2, "late_30": 1, "late_90": 0}
    with desk.db.transaction() as tx:
        policies.note_backtest(tx, tables, NAME, draft.version, old | {"cells": [cell]}, "lab:maker", NOW)
    assert desk.client.get(matrix).text.splitlines()[1:] == ["yes,no,2,213,2,1,0,"]
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
    assert "amount_minor at 9,000 instead of 10,000 and velocity_24h at 19 instead of 25" in plain
    assert 'id="otherwise"' not in text
    assert made.trace is None, "a batch keeps no trace"
    (fired,) = re.findall(r'id="fired">(.*?)</ul>', text)
    rules = re.findall(r"Rule (\d+) <span[^>]*>(.*?)</span>", fired)
    assert rules == [("10", "More than 20 purchases in 24 hours.")]
    assert "Recomputed now from the kept facts" in text


def test_a_smaller_limit_of_the_same_outcome_is_on_the_page_with_its_cases(desk: Desk):
    tables, name = desk.ports.office.tables, "application-limit"
    facts = {
        "of_age": True,
        "contact_agrees": True,
        "net_income_minor": 1_000_000,
        "debt_service_minor": 100_000,
        "debt_service_ratio_bps": 1_000,
        "lenders_elsewhere": 1,
        "wanted_minor": 5_000_000,
        "own_exposure_minor": 0,
        "own_dpd_days": 0,
        "most_minor": 20_000_000,
        "least_minor": 50_000,
        "unit_minor": 10_000,
        "score": 600,
    }
    with desk.db.transaction() as tx:
        (made,) = decide_batch(tx, tables, name, [(uuid4(), facts)], NOW - timedelta(hours=1))
        draft = policies.draft(tx, tables, name, of_one_month(), "staff:maker", NOW)
        assert not isinstance(draft, Refusal)
    desk.sign_in()
    at = f"/console/policies/{name}/{draft.version}"
    desk.post(at, do="backtest")
    for language, row in (("en", "changed otherwise"), ("zh-CN", "其他内容改变")):
        text = unescape(desk.get(f"{at}?lang={language}"))
        assert row in text
        (case,) = re.findall(rf'href="/console/decisions/{made.id}">(.*?)</a>', text)
        assert "limit_minor 1600000 → limit_minor 400000" in case
    (*_, last) = csv.DictReader(io.StringIO(desk.client.get(f"{at}/matrix.csv").text))
    assert (last["was"], last["would_be"], last["count"], last["minor"]) == (
        "adjusted", "adjusted", "1", "5000000",
    )  # fmt: skip


def test_a_step_by_an_actor_of_no_known_form_is_shown_by_its_kind(desk: Desk):
    with desk.db.transaction() as tx:
        draft = policies.draft(tx, desk.ports.office.tables, NAME, strict(3), "staff:not-an-id", NOW)
        assert not isinstance(draft, Refusal)
    desk.sign_in()
    text = unescape(desk.get(f"/console/policies/{NAME}/{draft.version}"))
    assert re.search(r'timeline-when">[^<]* · staff<', text)
    assert "not-an-id" not in text
