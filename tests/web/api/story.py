"""One customer's story, told by requests on a test clock, and what is true at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import metro2
from bureaus import REPORTER

from whiteslip import bureau, identity
from whiteslip.base import local_day
from whiteslip.base.ids import parse_public
from whiteslip.bureau.cn import ObjectionEvent
from whiteslip.identity import Vault
from whiteslip.notices import of_recipient, of_subject
from whiteslip.store.timers import present

from .conftest import Api
from .test_api import code_on_phone

if TYPE_CHECKING:
    from whiteslip.bureau.cn import AgreementEvent, Correction

VAULT: Final = Vault(bytes(32))
# What the journal says of a line that leaves: from the request on, with what runs off, to the end.
ASKED: Final = ["exit.requested", "line.spending_stopped", "exit.assessed", "exit.confirmed"]
RUNS_OFF: Final = ["exit.run_off_started", "line.moved"]
CLEARS: Final = ["exit.clearing_started", "exit.closed", "line.closed"]
CLOSES: Final = ["exit.closed", "line.closed"]
LETTERS: Final = ["exit.acknowledged", "exit.runoff", "exit.closed"]
OUT_AT_ONCE: Final = ["exit.acknowledged", "exit.closed"]
WISH: Final = "consumer_request"


@dataclass
class Story:
    """One customer with one line, told by requests."""

    api: Api
    customer: str
    line: str
    _paid: int = 0
    exit: str = ""
    name: str = "欧阳明远"
    id_number: str = "11010119900307803X"
    bought: list[str] = field(default_factory=list[str])

    def passes(self, by: str) -> None:
        """Time goes by, with every night and timer."""
        self.api.post("/v1/test-clock/advance", {"by": by}, 200)

    @property
    def today(self) -> date:
        """Today in Shanghai."""
        now = datetime.fromisoformat(self.api.get("/v1/test-clock")["now"])
        return local_day(now, "Asia/Shanghai")

    def authorises(self, minor: int, instalments: int = 1, **more: Any) -> dict[str, Any]:
        body = {"line": self.line, "merchant": "shop", "amount_minor": minor, "instalments": instalments}
        return self.api.post("/v1/purchases", body | more)

    def captures(self, purchase: str, minor: int, final: bool = True) -> dict[str, Any]:
        path = f"/v1/purchases/{purchase}/capture"
        return self.api.post(path, {"amount_minor": minor, "final": final}, 200)

    def buys(self, minor: int, instalments: int = 1) -> str:
        held = self.authorises(minor, instalments)
        assert held["state"] == "authorised", held
        self.bought.append(self.captures(held["id"], minor)["id"])
        return self.bought[-1]

    def refunds(self, purchase: str, minor: int) -> None:
        self.api.post(f"/v1/purchases/{purchase}/refund", {"amount_minor": minor}, 200)

    def pays(self, minor: int, method: str = "transfer", value_on: date | None = None) -> str:
        self._paid += 1
        body = {
            "line": self.line,
            "reference": f"P{self._paid}",
            "amount_minor": minor,
            "value_on": (value_on or self.today).isoformat(),
            "method": method,
        }
        return self.api.post("/v1/payments", body)["id"]

    def proves(self) -> None:
        """Name, ID number and the code from the phone."""
        self.api.post("/v1/identity-checks", {"customer": self.customer})
        typed = {"full_name": self.name, "id_number": self.id_number}
        code = {"code": code_on_phone(self.api, self.customer)}
        self.api.post(f"/v1/identity-checks/{self.customer}/verify", typed | code, 200)

    def names_account(self, number: str = "6222020200112233446", verified: bool = True) -> dict[str, Any]:
        """An account for what is paid out, which its bank says is theirs; it takes two minutes."""
        self.passes("+1m")
        self.proves()
        self.passes("+1m")
        at = f"/v1/lines/{self.line}/payout-account"
        made = self.api.post(at, {"number": number})
        if verified:
            made = self.api.post(f"{at}/verify", {"account": made["id"], "how": "name_match"}, 200)
        return made

    def leaves(self, proven: bool = True, **how: Any) -> dict[str, Any]:
        if proven:
            self.proves()
        case = self.api.post("/v1/exits", {"line": self.line} | how)
        self.exit = case["id"]
        return case

    def plan(self) -> dict[str, Any]:
        """What leaving would lead to."""
        return self.api.post("/v1/exits", {"line": self.line, "validate_only": True}, 200)["plan"]

    @property
    def case(self) -> dict[str, Any]:
        return self.api.get(f"/v1/exits/{self.exit}")

    @property
    def now(self) -> dict[str, Any]:
        """The line as it is."""
        return self.api.get(f"/v1/lines/{self.line}")

    def letters(self) -> list[str]:
        found = self.api.get(f"/v1/letters?exit={self.exit}")["data"]
        return [letter["kind"] for letter in found]

    def written(self, kind: str) -> list[dict[str, Any]]:
        """Facts of each letter of a kind that was written about the line."""
        line = parse_public("line", self.line)
        assert line
        with self.api.db.transaction() as tx:
            return [dict(letter.facts) for letter in of_subject(tx, line) if letter.kind == kind]

    def facts_of(self, kind: str) -> dict[str, Any]:
        """Facts of the one letter of a kind about the case."""
        case = parse_public("exit", self.exit)
        assert case
        with self.api.db.transaction() as tx:
            (found,) = [letter for letter in of_subject(tx, case) if letter.kind == kind]
        return dict(found.facts)

    def owed_anew(self) -> list[tuple[int, str, str]]:
        """Of each letter of a debt that arose again: the sum, its day, and why."""
        told = self.written("debt.owed_anew")
        return [(facts["owed_anew_minor"], facts["due_on"], facts["why"]) for facts in told]

    def every_letter(self) -> list[str]:
        """Kinds of every letter to the customer, about whatever, in order; ``(former)`` where it went to
        where they were reached before.
        """
        customer = parse_public("cus", self.customer)
        assert customer
        with self.api.db.transaction() as tx:
            found = reversed(of_recipient(tx, customer))
            return [f"{letter.kind} (former)" if letter.to_former else letter.kind for letter in found]

    def told_to_bureau(self) -> list[AgreementEvent | Correction]:
        """What a bureau in China is told of agreements by now."""
        with self.api.db.transaction() as tx:
            found = bureau.events_due(tx, date(2026, 1, 1), "test", present(tx))
        return [each for each in found if not isinstance(each, ObjectionEvent)]

    def metro2(self) -> tuple[str, str, str]:
        """Account status, compliance condition and ECOA code of the line in this month's Metro 2 file."""
        made: list[str] = []
        with self.api.db.transaction() as tx:
            now = present(tx)
            bureau.report_month(
                tx, self.today, REPORTER, lambda who: identity.peek(tx, VAULT, who), made.append, "test", now
            )
        (record,) = metro2.read("".join(made)).values()
        texts = record.texts
        return texts["account_status"], texts["compliance_code"], texts["ecoa"]

    def events(self) -> list[str]:
        """Kinds of everything that happened, in order."""
        return [event["type"] for event in self._journal()]

    def ends(
        self,
        letters: list[str],
        events: list[tuple[date, str, int]],
        journal: list[str],
        since: str = "exit.",
    ) -> None:
        """All that was told and kept, each exactly and in order.

        ``letters``: every letter to the customer. ``events``: day, reason and balance (minor units) of
        what a bureau is told of the agreement. ``journal``: what happened to the line and its case from
        the first kind that begins with ``since``, but for statements and what bureaus were told.
        """
        assert self.every_letter() == letters
        told = [each for each in self.told_to_bureau() if each.agreement == self.line]
        assert [(each.closed_on, each.reason, each.balance_to_run_off_minor) for each in told] == events
        subjects = self._subjects()
        own = [event["type"] for event in self._journal() if event["subject"] in subjects]
        own = [kind for kind in own if not kind.startswith(("bill.", "bureau."))]
        first = next(at for at, kind in enumerate(own) if kind.startswith(since))
        assert own[first:] == journal

    def happened(self, kind: str) -> list[dict[str, Any]]:
        """What the journal keeps of each event of a kind on the line."""
        subjects = self._subjects()
        return [each for each in self._journal() if each["type"] == kind and each["subject"] in subjects]

    def _subjects(self) -> set[str]:
        """The line and its cases, as the journal names them."""
        line = parse_public("line", self.line)
        with self.api.db.transaction() as tx:
            cases = tx.conn.execute("SELECT id FROM exits.exit WHERE line = %s", [line]).fetchall()
        return {str(line), *(str(case["id"]) for case in cases)}

    def _journal(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        more = True
        while more:
            page = self.api.get(f"/v1/events?after={found[-1]['id'] if found else 0}&limit=200")
            found += page["data"]
            more = page["has_more"]
        return found
