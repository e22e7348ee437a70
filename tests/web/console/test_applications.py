"""Applications at the desk."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

from applicants import BURDENED, LENDER, NOON, applied
from pypdf import PdfReader
from web.console.conftest import Desk

from whiteslip import applications
from whiteslip.applications import Application, Asked, store
from whiteslip.applications.model import State
from whiteslip.store.database import journal_of

VIEW = "My income has risen since."


def reviewed(desk: Desk) -> Application:
    made = applied(desk.db, BURDENED)
    with desk.db.transaction() as tx:
        asked = applications.request_review(tx, LENDER, made.id, VIEW, "customer", NOON)
    assert isinstance(asked, Application)
    return asked


def state(desk: Desk, application: Application) -> State:
    with desk.db.transaction() as tx:
        found = store.get(tx, application.id)
    assert found
    return found.state


def test_the_list_shows_what_waits_and_the_page_shows_facts_points_rules_and_reasons(desk: Desk):
    asked = reviewed(desk)
    desk.sign_in()
    assert asked.reference in desk.get("/console/applications")
    text = desk.get(f"/console/applications/{asked.reference}")
    for said in ("stated", "10,000", "debt_service_ratio_bps", "application-limit", "debt_service"):
        assert said in text, said
    assert str(asked.score) in text
    assert "what you repay every month is high" in text
    assert VIEW not in text


def test_the_view_is_read_by_asking_for_it_and_the_journal_knows(desk: Desk):
    asked = reviewed(desk)
    desk.sign_in()
    at = f"/console/applications/{asked.reference}"
    shown = desk.post(f"{at}/view", page=at)
    assert VIEW in shown.text
    with desk.db.transaction() as tx:
        kinds = [row["kind"] for row in journal_of(tx, [asked.customer])]
    assert "document.opened" in kinds


def test_a_person_offers_a_limit_or_declines_with_reasons(desk: Desk):
    asked = reviewed(desk)
    desk.sign_in()
    at = f"/console/applications/{asked.reference}"
    assert desk.post(at, page=at, do="decline", why="papers_seen").status_code == 422
    assert state(desk, asked) is State.IN_REVIEW
    assert desk.post(at, page=at, do="offer", limit="3,000", why="papers_seen").status_code == 303
    assert state(desk, asked) is State.OFFERED


def test_the_points_of_a_decision_stand_as_a_waterfall_with_what_would_have_been_better(desk: Desk):
    made = applied(desk.db, BURDENED)
    assert made.score is not None
    desk.sign_in()
    at = f"/console/applications/{made.reference}"
    pages = [desk.get(at), desk.get(f"/console/decisions/{made.decision}")]
    steps = list[float]()
    for text in pages:
        (found,) = re.findall(r'data-chart="([^"]*)" data-csv="([^"]*)"', text)
        floors, bars = (each["data"] for each in json.loads(unescape(found[0]))["series"])
        steps = [bar["value"] for bar in bars[1:-1]]
        assert bars[0]["value"] - sum(steps) == bars[-1]["value"] == made.score, "from the best to this one"
        assert steps == sorted(steps, reverse=True)
        assert floors[-2] == made.score, "the last step ends where the score is"
        assert at in text
    # The twins: the same steps as a table, as CSV and on paper, there with the counterfactual.
    rows = list(csv.DictReader(io.StringIO(desk.get(f"{at}/waterfall.csv"))))
    assert [float(row["Against"]) for row in rows if row["Against"] != "0"] == steps
    assert rows[0]["Fact"] in unescape(pages[0])
    paper = desk.client.get(f"{at}/waterfall.pdf", headers={"Accept-Language": "en"}).content
    said = " ".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages).split())
    (told, *_) = re.findall(r'<ul id="better"><li>(.*?)</li>', pages[0])
    assert " ".join(unescape(told).split()) in said
    for word in (made.reference, str(made.score), rows[0]["Fact"]):
        assert word in said
    desk.get(f"{at}/secrets.csv", 404)


def test_where_no_single_fact_was_enough_the_page_tells_the_smallest_two(desk: Desk):
    """A small income goes mostly into debts, and a bureau's file tells of accounts past due."""
    made = applied(desk.db, Asked(100_000, 60_000, 6, 500_000, 3))
    assert made.state is State.DECLINED
    desk.sign_in()
    text = " ".join(
        unescape(desk.get(f"/console/applications/{made.reference}")).replace("\xa0", " ").split()
    )
    assert "No single fact would have been enough." in text
    (told,) = re.findall(r'id="pair">(.*?)</p>', text)
    assert "CN¥200.00 and " in told, "the repayments a month"
    assert "past due" in told.lower()
