"""kill -9 of the server, of commands and of PostgreSQL, at random moments, as often as WHITESLIP_KILLS says.

A portfolio is taken over, customers come, buy, pay and leave, nights go by. The same is done twice:
undisturbed, and with something killed in each slice of the work. Nothing may be lost, nothing may
have happened twice, the invariants hold, and both end alike.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from sim.site import Site, Victim

from whiteslip import intake
from whiteslip.base.ids import parse_public
from whiteslip.world.population import person

SEED: Final = 20260301
SAMPLE: Final = Path(intake.__file__).parent / "samples" / "portfolio.csv"
FIRST: Final = date(2025, 7, 1)
SLICES: Final = int(os.environ.get("WHITESLIP_KILLS", "12"))
# Every fifth slice is a week of nights; the first ones take the portfolio over.
IMPORTS, NIGHTS_EVERY, STEP_DAYS = 3, 5, 7


@pytest.fixture
def sites() -> Iterator[Callable[[], Site]]:
    made: list[Site] = []

    def make() -> Site:
        # Not below pytest's own folder, which an embedded server could not enter when we are root.
        home = Path(tempfile.mkdtemp(prefix="whiteslip-kill-"))
        home.chmod(0o755)
        made.append(Site(home))
        return made[-1]

    yield make
    for site in made:
        site.close()
        shutil.rmtree(site.home, ignore_errors=True)


class Journey:
    """The work, in slices that are the same whenever they are done."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.today = FIRST
        site.command("clock", "set", f"{FIRST}T09:00")
        site.key = site.command("keys", "create", "journey")
        site.mend()

    def slice(self, number: int) -> None:
        """One part of it."""
        if number < IMPORTS:
            self.site.command("import", str(SAMPLE), "--mapping", "whiteslip-sample")
        elif number % NIGHTS_EVERY == 0:
            self.today += timedelta(days=STEP_DAYS)
            self.site.command("clock", "set", f"{self.today}T09:00")
        else:
            with ThreadPoolExecutor(2) as both:
                for done in [both.submit(self.visit, 2 * number + n) for n in range(2)]:
                    done.result()

    def visit(self, number: int) -> None:
        """Somebody comes, buys, pays or not, and leaves or not."""
        post = self._post
        who = person(Random(SEED + number), number)
        body = {"reference": f"K-{number}", "full_name": who.full_name, "id_number": who.id_number}
        customer = post(number, "customers", body | {"phone": who.phone, "email": who.email})["id"]
        line = post(number, "lines", {"customer": customer, "limit_minor": 500_000, "statement_day": 5})["id"]
        asked = {"line": line, "merchant": "shop", "amount_minor": 9_000 + number, "instalments": 3}
        bought = post(number, "purchases", asked)["id"]
        post(number, f"purchases/{bought}/capture", {"amount_minor": 9_000 + number})
        held = post(number, "purchases", asked | {"amount_minor": 700}, "held")["id"]
        if number % 3:
            paid = {"line": line, "reference": f"bank-{number}", "value_on": str(self.today)}
            post(number, "payments", paid | {"amount_minor": 9_000 + number if number % 3 == 1 else 4_000})
        if number % 4:
            self._leave(number, customer, line, body)
        else:
            post(number, f"purchases/{held}/release", None)

    def _post(self, number: int, path: str, body: object, more: str = "") -> Any:
        status, answer = self.site.ask("POST", path, body, f"{number}/{path}/{more}")
        assert status < 300, (status, answer)
        return answer

    def _leave(self, number: int, customer: str, line: str, who: dict[str, str]) -> None:
        case = self._post(number, "exits", {"line": line})["id"]
        named = {"full_name": who["full_name"], "id_number": who["id_number"]}
        while True:
            # A check takes no key: an answer that was lost shows in whether the exit can be confirmed.
            self.site.ask("POST", "identity-checks", {"customer": customer})
            code = self._code(customer)
            self.site.ask("POST", f"identity-checks/{customer}/verify", named | {"code": code})
            status, answer = self.site.ask("POST", f"exits/{case}/confirm", None, f"{number}/confirm")
            if status == 200:
                return
            assert answer["code"] == "exit.identity_not_verified", answer

    def _code(self, customer: str) -> str:
        shown = "SELECT body FROM notices.phone WHERE notice IS NULL AND recipient = '{}'"
        found = self.site.rows(shown.format(parse_public("cus", customer)))
        code = re.search(r"[0-9]{6}", found[-1]["body"])
        assert code
        return code[0]


_OF_LINE: Final = "JOIN lines.line AS l ON l.id = x.line JOIN lines.customer AS c ON c.id = l.customer"
# By the lender's own numbers, without ids. Checks of identity are as many as it took.
ENDINGS: Final = {
    "lines": """SELECT c.reference, x.lifecycle, x.locks, x.limit_minor, x.held_minor, x.principal_minor,
        x.interest_minor, x.fee_minor, x.credit_minor
        FROM lines.v_line AS x JOIN lines.customer AS c ON c.id = x.customer ORDER BY 1""",
    "purchases": f"""SELECT c.reference, x.state, x.authorised_minor, x.captured_minor
        FROM purchases.purchase AS x {_OF_LINE} ORDER BY 1, 2, 3, 4""",
    "payments": f"""SELECT c.reference, x.reference AS bank, x.amount_minor, x.value_on
        FROM billing.payment AS x {_OF_LINE} ORDER BY 1, 2, 3, 4""",
    "exits": f"SELECT c.reference, x.state, x.why FROM exits.exit AS x {_OF_LINE} ORDER BY 1",
    "letters": f"""SELECT c.reference, n.kind, n.facts - 'reference' AS facts
        FROM notices.notice AS n JOIN exits.exit AS x ON x.id = n.subject {_OF_LINE} ORDER BY 1, 2""",
    "decisions": """SELECT table_name, facts, outcome, count(*) AS times FROM decisions.decision
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    "transfers": """SELECT recipe, phase, amount, booked_on, value_on, count(*) AS times
        FROM ledger.transfer GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5""",
    # An import that is killed after its last row is run again, and that run is its own: it knows
    # everybody. What must not happen twice is that somebody is taken over.
    "journal": """SELECT kind, count(*) AS times FROM store.journal
        WHERE kind !~ '^(identity|notice.sent|notice.unknown|import)' GROUP BY 1 ORDER BY 1""",
    "days": "SELECT day, totals FROM ledger.sealed_day ORDER BY 1",
}


def ending(site: Site) -> dict[str, list[dict[str, Any]]]:
    """What there is in the end."""
    return {name: site.rows(query) for name, query in ENDINGS.items()}


def a_moment(dice: Random, number: int) -> tuple[Victim, float]:
    """Whom to kill in a slice, and how many seconds after its beginning."""
    if number < IMPORTS or number % NIGHTS_EVERY == 0:
        return dice.choice(("command", "database")), dice.uniform(0.5, 2.5)
    return dice.choice(("server", "database")), dice.uniform(0, 0.7)


def test_whatever_is_killed_nothing_is_lost_and_nothing_happens_twice(sites: Callable[[], Site]):
    calm = Journey(sites())
    for number in range(SLICES):
        calm.slice(number)
    expected = ending(calm.site)
    assert {row["state"] for row in expected["exits"]} >= {"closed", "run_off"}, "the journey shows something"

    dice, stormy, killed = Random(SEED), Journey(sites()), list[Victim]()

    def kill(victim: Victim) -> None:
        killed.append(stormy.site.kill(victim))

    for number in range(SLICES):
        victim, seconds = a_moment(dice, number)
        killer = threading.Timer(seconds, kill, [victim])
        killer.start()
        stormy.slice(number)
        killer.join()
        print(f"seed {SEED}, slice {number}: killed the {killed[-1]} after {seconds:.3f} s")
        stormy.site.mend()
    assert len(killed) == SLICES
    assert set(killed) == {"server", "database", "command"}
    found = ending(stormy.site)
    for name, rows in expected.items():
        assert found[name] == rows, f"{name} differ after {SLICES} kills, seed {SEED}"
    twice = "SELECT notice FROM notices.phone WHERE notice IS NOT NULL GROUP BY notice HAVING count(*) > 1"
    assert stormy.site.rows(twice) == []
    states = {row["state"] for row in stormy.site.rows("SELECT DISTINCT state FROM notices.notice")}
    # A letter whose sender died is never sent on a guess: a person looks.
    assert states <= {"sent", "queued", "sending", "unknown"}
    assert json.loads(stormy.site.command("ledger", "trial-balance", "--json"))["balanced"]
    assert stormy.site.rows("SELECT * FROM ledger.v_violation") == []
    stormy.site.command("audit", "verify")
    assert json.loads(stormy.site.command("decisions", "replay", "--json"))["differences"] == 0
