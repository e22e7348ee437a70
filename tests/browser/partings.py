"""What the people of the gallery do in the end: each of them goes another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as replace_terms
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from web.portal.scene import START, Guest, Scene
from worlds import ACCOUNT

from whiteslip import (
    bureau,
    complaints,
    exits,
    lines,
)
from whiteslip.base import Refusal
from whiteslip.billing.model import Relief
from whiteslip.bureau import Subject as Part
from whiteslip.complaints import Topic
from whiteslip.exits import (
    defaultnotices,
    estates,
    evidence,
    newterms,
    owed,
    restrictions,
    softer,
    stepups,
    terminations,
)
from whiteslip.exits import hardship as plans
from whiteslip.exits.model import Cause, Channel, Identity
from whiteslip.exits.model import Kind as ExitKind
from whiteslip.exits.papers import Why as PaperWhy
from whiteslip.identity import accounts, contacts
from whiteslip.identity.accounts import How
from whiteslip.lines import changes
from whiteslip.privacy import requests
from whiteslip.privacy.model import RequestKind
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Dispute, Why
from whiteslip.purchases.model import Ground as DisputeGround
from whiteslip.store import Tx

T = TypeVar("T")


def done(answer: T | Refusal | None) -> T:
    """What an act made. A refusal is a fault of the stage."""
    assert answer is not None
    assert not isinstance(answer, Refusal), answer
    return answer


def new_terms(tx: Tx, office: exits.Office, told: UUID, waiting: UUID, now: datetime) -> None:
    """One holder is told of new terms, and those of another line wait for a second person."""
    for line in (told, waiting):
        scope = done(changes.scope_of_line(tx, line))
        agreed = done(lines.get_line(tx, line)).terms
        terms = replace_terms(agreed, due_days=12, late_fee_minor=4_000, products=agreed.products[:2])
        change = done(changes.propose(tx, scope, terms, START + timedelta(days=900), "staff:a", now))
        if line == told:
            done(newterms.decide(tx, office, change.id, True, "staff:b", now))


def part(scene: Scene, guests: Mapping[str, Guest]) -> None:
    """Each goes their way."""
    now, office = scene.now(), scene.office

    def line(name: str) -> UUID:
        return guests[name].line

    with scene.db.transaction() as tx:
        done(softer.pause(tx, line("paused"), "customer", now))
        done(softer.pause(tx, line("firm"), "customer", now, days=7, firm=True))
        for name in ("leaving", "gone", "sold", "promised", "spared"):
            done(exits.request(tx, office, line(name), Channel.PORTAL, "customer", now, Identity.VERIFIED))
        done(
            exits.request(tx, office, line("denied"), Channel.PORTAL, "customer", now, Identity.DOUBTED, True)
        )
        case = done(exits.request(tx, office, line("held"), Channel.FORM, "form", now, Identity.DOUBTED))
        done(evidence.ask(tx, office.issuer_name, case.id, PaperWhy.NOT_PROVEN, "staff:a", now))
        who, kind = Identity.VERIFIED, ExitKind.WITHDRAW
        done(exits.request(tx, office, line("withdrawn"), Channel.PORTAL, "customer", now, who, kind=kind))
        disputed(tx, scene, line("full"))
        claim = disputed(tx, scene, line("won"))
        done(owed.resolve_dispute(tx, office, claim.id, True, "staff:a", now, Why.NOT_DELIVERED))
        done(stepups.ask(tx, office, line("asked"), "staff:a", now))
        new_terms(tx, office, line("asked"), line("clean"), now)
        done(restrictions.restrict(tx, office, line("restricted"), [Cause.CONTACT_LOST], "staff:a", now))
        for name in ("noticed", "waiting", "overtaken"):
            ending = terminations.propose(
                tx, line(name), ExitKind.TERMINATION, [Cause.PRODUCT_ENDED], "staff:a", now
            )
            done(terminations.decide(tx, office, done(ending).id, True, "staff:b", now))
        for name, who in (("waiting", Identity.PENDING), ("overtaken", Identity.VERIFIED)):
            done(exits.request(tx, office, line(name), Channel.FORM, "form", now, who))
        done(plans.agree(tx, office, line("helped"), Relief.LONGER, "customer", now))
        done(defaultnotices.give(tx, office, line("breach"), "staff:a", now))
        wish = contacts.ask(
            tx, scene.ports.vault, guests["sure"].customer, "+8613900000088", 60, 5, "customer", now
        )
        done(wish)
        done(bureau.object_to(tx, "Test", line("sure"), Part.DATE_CLOSED, "customer", now))
        for name in ("sure", "bound"):
            owner = guests[name].customer
            made = done(accounts.give(tx, scene.ports.vault, owner, ACCOUNT, ["card"], "customer", now))
            if name == "bound":
                done(accounts.verify(tx, scene.ports.vault, owner, made.id, How.NAME_MATCH, "staff:a", now))
        done(estates.report(tx, office, line("dead"), Channel.DESK, "staff:a", now))
        done(
            complaints.file(
                tx, scene.ports.vault, scene.pack, office.issuer_name, guests["complaining"].customer,
                Topic.FEE, "portal", "customer", now, "The late fee of March was taken twice.",
            )
        )  # fmt: skip
        done(
            requests.ask(
                tx, scene.ports.vault, scene.pack, office.issuer_name, guests["complaining"].customer,
                RequestKind.CORRECTION, "portal", "customer", now, "My family name is spelled wrongly.",
            )
        )  # fmt: skip


def disputed(tx: Tx, scene: Scene, line: UUID) -> Dispute:
    """The last purchase of a line that was sent, as its customer says not to them."""
    newest = [each for each in purchases_store.of_line(tx, line) if each.captured_minor][-1]
    amount, said = newest.captured_minor, DisputeGround.NOT_RECEIVED
    return done(owed.dispute(tx, scene.office, newest.id, amount, said, "customer", scene.now()))
