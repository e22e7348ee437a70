"""A stage for the portal: people who do not exist, their lines, a clock that is set by hand."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from litestar import Litestar
from worlds import at

from whiteslip import billing, day, exits, identity, lines, packs, purchases
from whiteslip.base import Refusal, end_of_day, new_id
from whiteslip.billing import mandates, rewards
from whiteslip.billing.mandates import Scheme
from whiteslip.billing.model import Payment
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office
from whiteslip.exits import store as exits_store
from whiteslip.exits.offers import Offer
from whiteslip.identity import Person, Vault, access
from whiteslip.identity.model import Kind
from whiteslip.lake import Lake
from whiteslip.lines import Customer, Line, increases, users
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.notices import DemoPhone
from whiteslip.notices.mailers import on_phone
from whiteslip.purchases import Capture, Declined, Purchase, Request, disputes
from whiteslip.purchases.model import Ground
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock, present
from whiteslip.web.api import routers as api_routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app
from whiteslip.web.portal import routers
from whiteslip.world.population import person as make_person

SECRET: Final = b"0123456789abcdef0123456789abcdef"
START: Final = date(2026, 1, 15)
TIMEZONE: Final = "Asia/Shanghai"
LIMIT: Final = 1_200_000


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody with a line, and what only they and the vault know."""

    customer: UUID
    line: UUID
    person: Person


class Scene:
    """A lender of one's own, on 15 January 2026 at noon."""

    def __init__(self, db: Database, demo: bool = True, offer: Offer | None = None) -> None:
        self.db = db
        self.pack = packs.load("cn")
        self.office = Office(Tables.load(), "Test Lender", offer)
        vault = Vault(bytes(32), region=self.pack.country)
        self.ports = Ports(db, vault, self.office, DemoPhone(db), self.pack)
        self.nights = day.Ports(self.office, self.ports.vault, self.ports.mailer)
        self.demo = demo
        self._dice, self._count = Random(7), 0
        self.set_clock(at(START))
        with db.transaction() as tx:
            open_house(tx, "CNY")

    @staticmethod
    def ports_of(db: Database, place: Lake | None = None) -> Ports:
        """What doors of such a lender reach the rooms through."""
        office = Office(Tables.load(), "Test Lender")
        return Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"), lake=place)

    def app(self) -> Litestar:
        """The application with this door, and the one that shops come in by."""
        return create_app([*routers, *api_routers], WebSettings(secret=SECRET, demo=self.demo), self.ports)

    def key(self) -> str:
        """A key for the API."""
        with self.db.transaction() as tx:
            return access.create_key(tx, "shop", ("write",), present(tx))

    def reading_key(self) -> str:
        """A key for the API that reads."""
        with self.db.transaction() as tx:
            return access.create_key(tx, "books", ("read",), present(tx))

    def dispute(self, purchase: Purchase) -> None:
        """The customer disputes a whole purchase: a person looks at their exit."""
        with self.db.transaction() as tx:
            amount = purchase.authorised_minor
            opened = disputes.dispute(tx, purchase.id, amount, Ground.NOT_RECEIVED, "customer", present(tx))
        assert not isinstance(opened, Refusal), opened

    def set_clock(self, to: datetime) -> None:
        """Move the platform's clock forward."""
        with self.db.transaction() as tx:
            assert StoredClock(tx).set(to)

    def now(self) -> datetime:
        """The platform's present."""
        with self.db.transaction() as tx:
            return present(tx)

    def guest(self, language: str = "zh-CN", limit_minor: int = LIMIT, pack: str = "cn") -> Guest:
        """A new customer with an open line."""
        self._count += 1
        person, now = make_person(self._dice, 10_000_000 + self._count), self.now()
        customer = Customer(new_id(now), None, language, now)
        today = now.astimezone(at(START).tzinfo).date()
        new = NewLine(new_id(now), customer.id, limit_minor, 5, today)
        with self.db.transaction() as tx:
            lines.open_customers(tx, [customer], now)
            kept = identity.enrol(tx, self.ports.vault, customer.id, person, "test", now)
            assert not isinstance(kept, Refusal)
            agreement = Agreement.of(packs.load(pack))
            open_house(tx, agreement.currency)
            lines.open_lines(tx, agreement, [new], "test", now)
        return Guest(customer.id, new.id, kept)

    def ties(self, guest: Guest) -> UUID:
        """Everything that may hang on a line: a mandate, cash back, a coupon, a shop, a user, a higher
        limit that is proposed. Returns the increase.
        """
        now, line = self.now(), guest.line
        user, who = new_id(now), make_person(self._dice, 90_000_000 + self._count)
        with self.db.transaction() as tx:
            mandates.sign(tx, line, Scheme.SEPA_CORE, f"M-{self._count}", START, "customer", now)
            rewards.grant(tx, line, 3_500, "lender", now)
            rewards.give_coupon(tx, line, "Cinema ticket", START + timedelta(days=3), "lender", now)
            users.add_user(tx, line, user, "zh-CN", "customer", now)
            identity.enrol(tx, self.ports.vault, user, who, "customer", now)
            asked = Request(line, "bookshop", 1_000, stored_credential=True)
            held = purchases.authorise(tx, self.office.tables, [asked], "shop", now)[0]
            assert isinstance(held, Purchase), held
            purchases.release(tx, held.id, "shop", now)
            made = increases.propose(tx, line, 2 * LIMIT, now + timedelta(days=30), "lender", now)
            assert not isinstance(made, Refusal), made
        return made.id

    def buys(self, guest: Guest, amount_minor: int, instalments: int = 1) -> Purchase | Declined:
        """A shop asks for an authorisation and, once granted, sends the goods."""
        with self.db.transaction() as tx:
            now = present(tx)
            asked = Request(guest.line, "bookshop", amount_minor, instalments)
            answer = purchases.authorise(tx, self.office.tables, [asked], "test", now)[0]
            assert not isinstance(answer, Refusal), answer
            if isinstance(answer, Purchase):
                purchases.capture(tx, [Capture(answer.id, amount_minor)], "test", now)
        return answer

    def pays(self, guest: Guest, amount_minor: int) -> Payment:
        """A transfer arrives, and the case looks at it."""
        with self.db.transaction() as tx:
            now = present(tx)
            paid = billing.receive(
                tx,
                guest.line,
                f"transfer {now:%Y%m%d%H%M%S}",
                amount_minor,
                now.astimezone(at(START).tzinfo).date(),
                "transfer",
                self.pack.days("exit.clearing_days"),
                "test",
                now,
            )
            assert not isinstance(paid, Refusal), paid
            exits.advance_line(tx, self.office, guest.line, now)
        return paid

    def pass_days(self, count: int) -> None:
        """Let nights pass, each with its seal, and stand at noon again."""
        today = self.now().astimezone(at(START).tzinfo).date()
        for step in range(count):
            night = today + timedelta(days=step)
            end = end_of_day(night, TIMEZONE)
            done = day.seal(self.db, self.nights, night, TIMEZONE, end, with_letters=True)
            assert not isinstance(done, Refusal), done
        self.set_clock(at(today + timedelta(days=count)))
        self.send_letters()

    def send_letters(self) -> None:
        """What the worker does between nights."""
        day.run_due(self.db, self.nights, self.now())
        day.run_letters(self.db, self.nights, present)

    def link(self, guest: Guest) -> str:
        """The path of a one-time link."""
        with self.db.transaction() as tx:
            return f"/link/{access.make_link(tx, Kind.CUSTOMER, guest.customer, 60, present(tx))}"

    def codes(self, guest: Guest) -> list[str]:
        """One-time codes on the guest's phone."""
        with self.db.transaction() as tx:
            shown = on_phone(tx, guest.customer)
        return [found[0] for row in shown if (found := re.findall(r"\b\d{6}\b", row["body"]))]

    def code(self, guest: Guest, seen: Collection[str] = ()) -> str:
        """A code that was not there before; it is sent after the answer, so it may take a moment."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            fresh = [code for code in self.codes(guest) if code not in seen]
            if fresh:
                return fresh[0]
            time.sleep(0.01)
        raise AssertionError("no code arrived")

    def line(self, guest: Guest) -> Line:
        """The line as it is."""
        with self.db.transaction() as tx:
            line = lines.get_line(tx, guest.line)
        assert not isinstance(line, Refusal)
        return line

    def cases(self, guest: Guest) -> list[Exit]:
        """The line's cases, newest first."""
        with self.db.transaction() as tx:
            return exits_store.of_line(tx, guest.line)

    def journal(self) -> str:
        """Everything the journal says."""
        with self.db.transaction() as tx:
            return str(tx.conn.execute("SELECT * FROM store.journal").fetchall())
