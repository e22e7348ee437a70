"""The world of the gallery: somebody in every state that a page can show, in both languages.

It is made once for a test run, whoever comes first, and then only looked at. Names of facts are what
``gallery.py`` writes in braces: ``{owing}`` is the line of who owes, ``{leaving_case}`` the reference of
the newest case of who leaves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

import alarms
import applicants
import dealings
import leavers
from browser.partings import disputed, done, part
from deals import deal
from decisions.test_policies import NAME, strict
from msgspec.structs import replace
from PIL import Image
from scored import CARD, REFERENCE, TREES
from scored import serve as serve_models
from treasury.test_allocation import GIVEN, basis, segment
from web.portal.scene import START, TIMEZONE, Guest, Scene

from whiteslip import (
    applications,
    funding,
    identity,
    insight,
    lake,
    notices,
    treasury,
    world,
)
from whiteslip.applications import Asked
from whiteslip.applications.model import Channel as ApplyBy
from whiteslip.base import add_months, end_of_day
from whiteslip.base.ids import public
from whiteslip.billing import sales
from whiteslip.billing import store as billing_store
from whiteslip.billing.model import Relief
from whiteslip.complaints import store as complaints_store
from whiteslip.decisions import policies
from whiteslip.exits import (
    debtsales,
    owed,
    proposals,
    restrictions,
    statements,
)
from whiteslip.exits import hardship as plans
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import BY_LENDER, Cause
from whiteslip.exits.proposals import StayWhy
from whiteslip.exits.statements import Side
from whiteslip.funding.model import Position
from whiteslip.identity import access, codes, contacts
from whiteslip.identity.model import Kind, Role
from whiteslip.lake import Lake
from whiteslip.lines import users
from whiteslip.privacy import store as privacy_store
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Why
from whiteslip.store import Database, Tx
from whiteslip.watch import Act
from whiteslip.web.kit import proof
from whiteslip.web.kit.i18n import LANGUAGES
from whiteslip.world.population import person

NIGHTS: Final = 100
_PEOPLE, _SEED = 40, 7
_STAFF: Final = ("reviewer", "other")
_SIGNED_IN_MINUTES: Final = 30 * 24 * 60
_LIMITS: Final = """delinquency_3m_at_most_bps = 500
pool_at_least_minor = 100_000
[[concentrations]]
by = "obligor"
at_most_bps = 6_000
"""


@dataclass(frozen=True)
class Stage:
    """What there is to see: facts and session tokens, each by language and name."""

    facts: Mapping[str, Mapping[str, str]]
    sessions: Mapping[str, Mapping[str, str]]

    def keep(self, at: Path) -> None:
        """Write it down for the other processes of this run."""
        at.write_text(json.dumps([self.facts, self.sessions]))

    @classmethod
    def read(cls, at: Path) -> Stage:
        """What another process wrote down."""
        return cls(*json.loads(at.read_text()))


def build(db: Database, place: Lake) -> Stage:
    """A hundred nights of forty people, and in each language somebody in every state."""
    scene = Scene(db)
    guests = {lang: _before(scene, lang) for lang in LANGUAGES}
    _load_facilities(scene)
    _live(scene)
    for lang in LANGUAGES:
        guests[lang] |= _after(scene, lang)
        part(scene, guests[lang])
    with db.transaction() as tx:
        one, two = (done(access.create_staff(tx, name, Role.REVIEWER, None, scene.now())) for name in _STAFF)
    desk = _desk(scene, guests, f"staff:{one.id}", f"staff:{two.id}")
    asked = {lang: _applicants(scene, lang) for lang in LANGUAGES}
    scene.send_letters()
    _lose_letters(scene)
    last = START + timedelta(days=NIGHTS - 1)
    until = end_of_day(last, TIMEZONE)
    done(lake.export(db, place, last, until, TIMEZONE, until))
    with db.transaction() as tx:
        staff = {each.name: _session(tx, scene, each.id, Kind.STAFF) for each in (one, two)}
        return Stage(
            {lang: desk | asked[lang][0] | _facts(tx, scene, guests[lang]) for lang in LANGUAGES},
            {
                lang: staff
                | {name: _session(tx, scene, one) for name, one in asked[lang][1].items()}
                | {
                    name: _session(tx, scene, guest.customer, proven=name in ("sure", "bound"))
                    for name, guest in guests[lang].items()
                }
                for lang in LANGUAGES
            },
        )


def _lose_letters(scene: Scene) -> None:
    """What became of a kind of letter is not known."""
    with scene.db.transaction() as tx:
        tx.conn.execute("UPDATE notices.notice SET state = 'unknown' WHERE kind = 'termination.overtaken'")


def _session(tx: Tx, scene: Scene, subject: UUID, kind: Kind = Kind.CUSTOMER, proven: bool = False) -> str:
    session, secret = access.start_session(tx, kind, subject, _SIGNED_IN_MINUTES, scene.now())
    if proven:
        codes.record_verification(tx, subject, proof.METHOD, scene.now(), session.id)
    return secret


def _before(scene: Scene, lang: str) -> dict[str, Guest]:
    """Who bought on the first day and has not paid since."""
    made = {name: scene.guest(lang) for name in ("late", "helped", "lost", "dead")}
    for guest in made.values():
        scene.buys(guest, 90_000, 12)
    made["breach"] = scene.guest(lang, pack="uk")
    scene.buys(made["breach"], 90_000, 3)
    return made


def _load_facilities(scene: Scene) -> None:
    now = scene.now()
    with scene.db.transaction() as tx:
        funding.load(tx, deal(_LIMITS), "treasury", now)
        funding.load(tx, deal(name="second", title="Not yet filled"), "treasury", now)
        assert done(funding.fill(tx, "warehouse", 10**9, START, "treasury", now)) > 0
        funding.state_position(tx, "warehouse", Position(debt_minor=300_000), "treasury", now)


def _live(scene: Scene) -> None:
    """The nights. A facility takes receivables on the fifth day; models score from the sixth week."""

    def told(count: int) -> None:
        day = START + timedelta(days=count - 1)
        now = end_of_day(day, TIMEZONE)
        with scene.db.transaction() as tx:
            if count == 5:
                assert done(funding.fill(tx, "warehouse", 10**9, day, "treasury", now)) > 0
            if count == 45:
                card = replace(CARD, reference=REFERENCE, training={"unseen": {"auc": 0.781}})
                serve_models(tx, card, TREES, now)

    lived = done(world.run(scene.db, scene.nights, world.Setting(_PEOPLE, NIGHTS, _SEED, START), told))
    assert not lived.violations


def _after(scene: Scene, lang: str) -> dict[str, Guest]:
    """Who came lately: some owe, and in the end each of them is somewhere else on the way out."""
    names = (
        "clean", "owing", "full", "paused", "firm", "leaving", "gone", "held", "drawn", "withdrawn",
        "restricted", "noticed", "complaining", "code", "form", "sure", "bound", "sold",
        "asked", "objecting", "won", "denied", "promised", "spared", "waiting", "overtaken",
    )  # fmt: skip
    made = {name: scene.guest(lang) for name in names}
    for name in (
        "owing",
        "full",
        "leaving",
        "held",
        "drawn",
        "withdrawn",
        "restricted",
        "noticed",
        "bound",
        "sold",
        "won",
        "promised",
        "spared",
        "waiting",
        "overtaken",
    ):
        scene.buys(made[name], 128_650, 3)
    scene.buys(made["owing"], 24_900)
    scene.ties(made["full"])
    return made


def _desk(scene: Scene, guests: Mapping[str, Mapping[str, Guest]], one: str, two: str) -> dict[str, str]:
    """What only the desk sees: a buyer, an alert, drafts, proposals, walks, a report."""
    now, office, tables = scene.now(), scene.office, scene.office.tables
    alert = alarms.raised(scene.db, guests["zh-CN"]["owing"].line, now)
    asking = alarms.raised(scene.db, guests["zh-CN"]["full"].line, now, "takeover", Act.STEP_UP)
    leavers.walks(scene.db, now - timedelta(days=40), through=120, stuck=30)
    leavers.alarms(scene.db, now - timedelta(days=40))
    with scene.db.transaction() as tx:
        (open_one,) = purchases_store.disputes_of_line(tx, guests["zh-CN"]["full"].line)
        decided = disputed(tx, scene, guests["zh-CN"]["drawn"].line)
        earlier, words = now - timedelta(minutes=1), "2917-3380-1040"
        done(statements.take_words(
            tx, scene.ports.vault, open_one.id, Side.SHOP, words, one, earlier
        ))  # fmt: skip
        done(statements.take_paper(
            tx, scene.ports.vault, open_one.id, Side.CUSTOMER, photograph(), one, now
        ))  # fmt: skip
        done(owed.resolve_dispute(tx, office, decided.id, False, two, now, Why.SHOWN_DELIVERED))
        _sell(tx, scene, guests, one, two)
        for each in guests.values():
            other = contacts.propose(
                tx, scene.ports.vault, each["owing"].customer, "+8613900000077", one, now
            )
            assert other is None
        done(plans.at_desk(tx, office, guests["zh-CN"]["lost"].line, Relief.REDUCED, True, one, now))
        draft = done(policies.draft(tx, tables, NAME, strict(), one, now))
        table = done(policies.table_of(tx, tables, NAME, draft.version, now))
        done(policies.run_backtest(tx, tables, table, one, now))
        done(policies.submit(tx, tables, NAME, draft.version, one, now))
        groups = basis(segment("1_to_3"), segment("3_to_6", pd_ppm=90_000, yield_bps=2_400))
        plan = done(treasury.propose(tx, groups, GIVEN, one, now))
        other = guests["en"]["objecting"].line
        done(restrictions.restrict(tx, office, other, [Cause.CONTACT_LOST], "staff:a", now))
        said = done(proposals.object_to(tx, scene.ports.vault, other, "I have moved house.", "customer", now))
        done(proposals.answer(tx, office, said.id, StayWhy.NOT_SHOWN, one, now))
        month = add_months(START.replace(day=1), 2)
        insight.make_report(tx, tables, month, TIMEZONE, "system", now)
        decision = tx.conn.execute(
            "SELECT id FROM decisions.v_decision WHERE table_name = 'purchase-authorisation'"
            " ORDER BY at DESC, id DESC LIMIT 1"
        ).fetchone()
        scored = tx.conn.execute(
            "SELECT subject AS line FROM decisions.v_score ORDER BY id DESC LIMIT 1"
        ).fetchone()
        assert decision
        assert scored
    return {
        "dispute": public("dsp", open_one.id),
        "decided": public("dsp", decided.id),
        "objection": public("rob", said.id),
        "alert": alert.reference,
        "asking": asking.reference,
        "draft": draft.version,
        "plan": public("cap", plan.id),
        "decision": str(decision["id"]),
        "scored": str(scored["line"]),
        "month": f"{month:%Y-%m}",
    }


def _sell(tx: Tx, scene: Scene, guests: Mapping[str, Mapping[str, Guest]], one: str, two: str) -> None:
    """Debts that are sold, are to be sold in two weeks, and were to be."""
    now, office = scene.now(), scene.office
    buyer = done(sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", now))
    for each in guests.values():
        for who in (one, two):
            done(debtsales.sell(tx, office, each["sold"].line, buyer.id, 20_000, who, now))
            with dealings.days_before_a_sale(14):
                for name in ("promised", "spared"):
                    done(debtsales.sell(tx, office, each[name].line, buyer.id, 20_000, who, now))
        assert debtsales.call_off(tx, office, each["spared"].line, one, now) is None


def _applicants(scene: Scene, lang: str) -> tuple[dict[str, str], dict[str, UUID]]:
    """An offer, a no, and a no that a person looks at: references, and who they are."""
    facts, who = dict[str, str](), dict[str, UUID]()
    for number, (name, asked) in enumerate(_ASKED.items()):
        dice = Random(f"{lang} {name}")
        with scene.db.transaction() as tx:
            now, lender = scene.now(), scene.ports.lender
            someone = person(dice, 70_000_000 + 10 * LANGUAGES.index(lang) + number)  # type: ignore[arg-type]
            made = applications.apply(
                tx, lender, someone, asked, ApplyBy.PORTAL, lang, applicants.CONSENT,
                "form", now,
            )  # fmt: skip
            found = done(applications.prove(tx, lender, done(made).id, "customer", now))
            if name == "appealing":
                done(applications.request_review(tx, lender, found.id, "", "customer", now))
        facts[name] = found.reference
        facts[f"{name}_decision"] = str(found.decision)
        who[name] = found.customer
    return facts, who


_ASKED: Final[Mapping[str, Asked]] = {
    "offered": applicants.SOUND,
    "declined": applicants.BURDENED,
    "appealing": applicants.BURDENED,
}


def _facts(tx: Tx, scene: Scene, guests: Mapping[str, Guest]) -> dict[str, str]:
    """Lines, newest cases, statements, letters and complaints of everybody who has them."""
    facts = dict[str, str]()
    for name, guest in guests.items():
        facts[name] = str(guest.line)
        facts[f"{name}_name"] = guest.person.full_name
        facts[f"{name}_phone"] = guest.person.phone
        facts[f"{name}_id"] = guest.person.id_number
        every = exits_store.of_line(tx, guest.line)
        cases = [case for case in every if case.kind not in BY_LENDER][:1] or every[:1]
        facts |= {f"{name}_notice": case.reference for case in every if case.kind in BY_LENDER}
        sent = [each for each in purchases_store.of_line(tx, guest.line) if each.captured_minor]
        facts |= {f"{name}_purchase": str(each.id) for each in sent[-1:]}
        facts |= {f"{name}_case": case.reference for case in cases}
        facts |= {f"{name}_bill": str(bill.id) for bill in billing_store.bills(tx, guest.line)[-1:]}
        for number, user in enumerate(users.users_of(tx, guest.line)):
            facts[f"{name}_user_{number}_name"] = done(
                identity.peek(tx, scene.ports.vault, user.id)
            ).full_name
        filed = complaints_store.of_customer(tx, guest.customer)
        facts |= {f"{name}_complaint": one.reference for one in filed[:1]}
        asked = privacy_store.requests_of(tx, guest.customer)
        facts |= {f"{name}_request": one.reference for one in asked[:1]}
        letters = [letter for case in cases for letter in notices.of_subject(tx, case.id)]
        facts |= {f"{name}_letter": str(letter.id) for letter in letters[:1]}
    for name, kind, subject in (
        ("link", Kind.CUSTOMER, guests["clean"].customer),
        ("desk_link", Kind.STAFF, access.all_staff(tx)[0].id),
    ):
        facts[name] = access.make_link(tx, kind, subject, _SIGNED_IN_MINUTES, scene.now())
    return facts


def photograph() -> bytes:
    """A picture as a phone takes it."""
    out = BytesIO()
    Image.new("RGB", (320, 200), (90, 120, 90)).save(out, "JPEG")
    return out.getvalue()
