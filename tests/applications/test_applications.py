"""Applying: facts with consent, a decision with reasons, a line by acceptance alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from applicants import (
    BURDENED,
    CONSENT,
    LENDER,
    NOON,
    PERSON,
    SOUND,
    TABLES,
    VAULT,
    accepted,
    again,
    applied,
    lender,
    proven,
    started,
)
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, at, line_of

from whiteslip import applications, day, decisions, identity, lines, notices, packs
from whiteslip.applications import Application, Asked, rules, store
from whiteslip.applications.letters import contract, of_outcome
from whiteslip.applications.model import Channel, Outcome, Source, State
from whiteslip.applications.scorecard import shipped
from whiteslip.base import Refusal
from whiteslip.decisions.scoring import points_of, score
from whiteslip.exits import Office
from whiteslip.exits.withdrawal import can_withdraw
from whiteslip.identity import Person
from whiteslip.notices import Addressee, DemoPhone
from whiteslip.notices.acts import draft, preview
from whiteslip.notices.model import Notice
from whiteslip.store import Database
from whiteslip.store.database import journal_of


def letters(db: Database, application: Application) -> dict[str, Notice]:
    with db.transaction() as tx:
        return {notice.kind: notice for notice in notices.of_subject(tx, application.id)}


def time_goes_by(db: Database, until: datetime) -> None:
    day.run_due(db, day.Ports(Office(TABLES, "Test Lender"), VAULT, DemoPhone(db)), until)


def test_each_fact_is_kept_with_its_source_and_the_consent_it_was_given_under(db: Database):
    shown = replace(SOUND, past_due_elsewhere=0, sources={"net_income_minor": Source.IMPORTED})
    made = started(db, shown)
    with db.transaction() as tx:
        kept = {fact.name: (fact.value, fact.source) for fact in store.facts(tx, made.id)}
        assert store.asked(tx, made.id).values == shown.values
    assert kept["net_income_minor"] == (1_000_000, Source.IMPORTED)
    assert kept["lenders_elsewhere"] == (1, Source.STATED)
    assert kept["past_due_elsewhere"] == (0, Source.BUREAU_FILE)
    assert made.consent_version == CONSENT
    with db.transaction() as tx:
        refused = applications.apply(tx, LENDER, PERSON, SOUND, Channel.PORTAL, "en", "old", "form", NOON)
    assert refused == Refusal("application.consent_missing")


def test_nothing_is_assessed_before_the_phone_is_proven_and_a_draft_is_forgotten(db: Database):
    made = started(db)
    with db.transaction() as tx:
        assert decisions.decisions_about(tx, made.id) == []
        assert isinstance(lines.get_customer(tx, made.customer), Refusal)
    time_goes_by(db, NOON + timedelta(days=2))
    assert again(db, made).state is State.LAPSED
    with db.transaction() as tx:
        assert identity.peek(tx, VAULT, made.customer) == Refusal("identity.not_found")


def test_a_sound_application_is_approved_and_acceptance_alone_opens_the_line(db: Database):
    made = applied(db)
    assert (made.state, made.outcome, made.limit_minor, made.reasons) == (
        State.OFFERED,
        Outcome.APPROVE,
        500_000,
        (),
    )
    with db.transaction() as tx:
        assert lines.lines_of(tx, made.customer) == []
    line = line_of(db, accepted(db, made))
    assert (line.limit_minor, line.customer, line.opened_on) == (500_000, made.customer, DAY)
    assert can_withdraw(line, DAY + timedelta(days=14))
    assert accepted(db, made) == line.id, "accepting twice is the same as once"


def test_the_contract_shown_before_acceptance_is_the_letter_sent_after(db: Database):
    made = applied(db)
    to = Addressee(PERSON.full_name, PERSON.email, PERSON.phone)
    offer = contract(LENDER, made, NOON)
    shown, text = draft(offer, to, NOON), preview(offer, NOON)[0]
    accepted(db, made)
    sent = letters(db, made)["application.contract"]
    with db.transaction() as tx:
        assert notices.letter(tx, sent.id, to) == shown
    assert "29 January 2026" in text
    assert "14.4" not in text, "the pack's terms are all that is promised"


def test_in_britain_the_contract_comes_with_what_the_law_has_told_before_and_elsewhere_without(db: Database):
    made = applied(db)
    british = replace(LENDER, pack=packs.load("uk"))
    told, plain = (preview(contract(lender, made, NOON), NOON)[0] for lender in (british, LENDER))
    for part in ("Key product information", "Additional product information", "Financial Ombudsman Service"):
        assert (part in told, part in plain) == (True, False)


def test_more_than_the_income_carries_is_answered_with_a_counter_offer_in_writing(db: Database):
    made = applied(db, replace(SOUND, wanted_minor=5_000_000))
    assert (made.outcome, made.limit_minor, made.reasons) == (
        Outcome.COUNTER_OFFER,
        1_600_000,
        ("free_income_low",),
    )
    assert list(letters(db, made)) == ["application.counter_offered"]
    assert line_of(db, accepted(db, made)).limit_minor == 1_600_000


def test_nobody_is_offered_more_than_the_law_lets_one_person_be_lent(db: Database):
    rich = Asked(100_000_000, 0, 0, 20_000_000, 0)
    made = applied(db, rich)
    assert made.limit_minor == 20_000_000
    over = replace(rich, wanted_minor=20_000_001)
    with db.transaction() as tx:
        refused = applications.apply(tx, LENDER, PERSON, over, Channel.API, "en", CONSENT, "api", NOON)
    assert refused == Refusal("application.facts_invalid", {"fact": "wanted_minor"})


def test_a_decline_writes_at_once_with_its_principal_reasons(db: Database):
    made = applied(db, BURDENED)
    assert made.state is State.DECLINED
    assert made.reasons[0] == "debt_service_high"
    assert 1 <= len(made.reasons) <= 4
    assert "score_low" not in made.reasons, "a low score is no reason"
    letter = letters(db, made)["application.declined"]
    assert letter.facts["reasons"] == list(made.reasons)
    assert letter.facts["free_report_days"] == 0
    with db.transaction() as tx:
        told = journal_of(tx, [made.id])
    assert [row["kind"] for row in told] == [
        "application.started",
        "application.received",
        "application.decided",
    ]
    assert not [row for row in told if PERSON.full_name in str(row) or PERSON.id_number in str(row)]


def test_the_american_letter_names_the_free_report_and_who_did_not_decide(db: Database):
    us = lender("us")
    person = Person("Given Surname", "AB123456", "+12025550123", "a@example.com")
    made = applied(db, replace(BURDENED, past_due_elsewhere=3), person, by=us)
    letter = letters(db, made)["application.declined"]
    assert letter.facts["free_report_days"] == 60
    with db.transaction() as tx:
        new = of_outcome(tx, us, made)
        assert new
        text = preview(new, NOON)[0]
    assert "free copy of your report within 60 days" in text
    assert "The bureau did not decide" in text
    assert "Federal Equal Credit Opportunity Act" in text


# Reasons that are about one answer, and the answer that nobody could hold against somebody.
_ONE_FACT = {
    "lenders_elsewhere": ("lenders_elsewhere", 0),
    "past_due_elsewhere": ("past_due_elsewhere", 0),
    "debt_service_high": ("debt_service_minor", 0),
}


@given(
    st.builds(
        Asked,
        st.integers(0, 5_000_000),
        st.integers(0, 3_000_000),
        st.integers(0, 8),
        st.integers(50_000, 20_000_000),
        st.none() | st.integers(0, 4),
    ),
    st.booleans(),
    st.integers(0, 3),
)
def test_reasons_are_true_mending_what_they_name_changes_the_outcome(
    asked: Asked, of_age: bool, dpd_days: int
):
    def outcome(facts: Asked, old: bool, dpd: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        scored = score(shipped(), rules.score_facts(facts))
        table_facts = rules.limit_facts(
            facts,
            points_of(scored),
            LENDER.pack,
            of_age=old,
            contact_agrees=True,
            own_exposure_minor=0,
            own_dpd_days=dpd,
        )
        made = decisions.evaluate(TABLES, "application-limit", table_facts)
        return made, rules.principal_reasons(made["reasons"], scored.reasons, 9)

    made, reasons = outcome(asked, of_age, dpd_days)
    if made["outcome"] != "decline":
        assert made["outcome"] == "refer" or made["limit_minor"] >= 50_000
        return
    assert reasons
    for reason in set(reasons) & _ONE_FACT.keys():
        name, best = _ONE_FACT[reason]
        assert getattr(asked, name) != best, f"{reason} is told of somebody of whom it is not so"
    sources = asked.sources
    mended = asked
    if {"debt_service_high", "free_income_low"} & set(reasons):
        mended = replace(mended, net_income_minor=100_000_000, debt_service_minor=0)
    if "lenders_elsewhere" in reasons:
        mended = replace(mended, lenders_elsewhere=0)
    if "past_due_elsewhere" in reasons:
        mended = replace(mended, past_due_elsewhere=0)
    if "income_unproven" in reasons:
        sources = {"net_income_minor": Source.IMPORTED}
    better = outcome(
        replace(mended, sources=sources),
        of_age or "not_of_age" in reasons,
        0 if "own_past_due" in reasons else dpd_days,
    )[0]
    assert better["outcome"] != "decline", (reasons, better)


def test_who_has_a_line_needs_no_second_one_and_only_they_are_told(db: Database):
    accepted(db, applied(db))
    draft = started(db)
    assert proven(db, draft) == Refusal("application.has_line")
    with db.transaction() as tx:
        assert len(identity.find(tx, VAULT, id_number=PERSON.id_number)) == 1, "the draft left nothing"


def test_a_known_id_number_with_another_phone_goes_to_a_person_and_tells_nothing(db: Database):
    first = applied(db)
    accepted(db, first)
    other = replace(PERSON, phone="+8613900000099")
    made = applied(db, person=other)
    assert (made.state, made.reasons) == (State.REFERRED, ("contact_differs",))
    assert made.customer != first.customer


def test_an_open_application_is_the_answer_instead_of_a_second_one(db: Database):
    first = applied(db)
    second = proven(db, started(db))
    assert isinstance(second, Application)
    assert second.id == first.id


def test_nobody_under_age_is_bound(db: Database):
    young = replace(PERSON, id_number="110101201501010011")
    made = applied(db, person=young)
    assert made.state is State.DECLINED
    assert made.reasons[0] == "not_of_age"


def test_an_offer_lapses_and_can_be_applied_for_again(db: Database):
    made = applied(db)
    later = at(DAY + timedelta(days=40))
    time_goes_by(db, later)
    assert again(db, made).state is State.LAPSED
    with db.transaction() as tx:
        refused = applications.accept(tx, LENDER, made.id, "customer", later)
    assert isinstance(refused, Refusal)
    assert applied(db, now=later).state is State.OFFERED


def test_an_application_is_taken_back_and_nothing_opens(db: Database):
    made = applied(db)
    with db.transaction() as tx:
        gone = applications.withdraw(tx, LENDER, made.id, "customer", NOON)
        assert isinstance(gone, Application)
        refused = applications.accept(tx, LENDER, made.id, "customer", NOON)
    assert isinstance(refused, Refusal)
    assert refused.code == "application.not_offered"


def test_the_score_comes_out_again_by_the_card_it_was_made_with(db: Database):
    made = applied(db, BURDENED)
    assert made.scorecard_version
    with db.transaction() as tx:
        card = store.scorecard(tx, made.scorecard_version)
        assert score(card, rules.score_facts(store.asked(tx, made.id))).points == made.score
        assert decisions.replay(tx).is_same
