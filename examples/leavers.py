"""Three hundred customers of a real portfolio leave; the clock runs two years.

The public "default of credit card clients" data set (or the sample that ships) is taken over onto
the ledger, and a server is started on it. Customers from every debt state ask to leave by the API;
some prove who they are, some cannot, a court freezes a few. Most pay what they are billed, some never
do. A test clock goes from morning to morning: the server seals each night, which checks the books, and
shops keep trying to sell to those who left.

    python examples/leavers.py [FILE] [--leavers 300] [--months 24] [--home FOLDER] [--url URL]

What it prints depends on nothing but the file and the seed: see ``leavers.txt``. Whoever asks the server
repeats the request, under the same ``Idempotency-Key``, until there is an answer. With a home of its own
the run goes on where it was cut off; with a URL it leaves the server to whoever looks after it: ``make
bench BENCH=kill`` does kill -9 to run, server and PostgreSQL, fifty times.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from became import tell
from door import Door

from whiteslip import billing, identity, intake, lines
from whiteslip.app.settings import load
from whiteslip.app.wiring import DEMO_MARK, Platform, create_database, opened, prepare_home, write_private
from whiteslip.base import Refusal, add_months
from whiteslip.base.ids import parse_public, public
from whiteslip.billing import rules as billing_rules
from whiteslip.identity import Person, access
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.lines.acts import page_of_customers, page_of_lines
from whiteslip.lines.model import LockKind, Party
from whiteslip.notices.mailers import on_phone
from whiteslip.store import embedded
from whiteslip.store.timers import StoredClock, present
from whiteslip.world.population import person

SAMPLE: Final = Path(intake.__file__).parent / "samples" / "portfolio.csv"
COMMAND: Final = Path(sys.executable).with_name("whiteslip")
ZONE: Final = "Asia/Shanghai"
# The morning after the file's last statement.
FIRST: Final = {"uci-credit-card": date(2005, 10, 1), "whiteslip-sample": date(2025, 7, 1)}
SEED: Final = 20051001
# A home that is removed afterwards need not survive a power cut.
PASSING: Final = {"synchronous_commit": "off", "plan_cache_mode": "force_generic_plan"}


@dataclass
class Run:
    """The run: an installation and its API, the people who leave, and what cannot be asked later."""

    platform: Platform
    door: Door
    dice: Random
    told: list[str] = field(default_factory=list[str])
    bucket: dict[UUID, str] = field(default_factory=dict[UUID, str])
    cases: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    payers: set[UUID] = field(default_factory=set[UUID])

    def keep(self) -> None:
        """Write down what was taken over, then who leaves, then that all of them have asked to."""
        version, state, gauss = self.dice.getstate()
        kept = {
            "told": self.told,
            "bucket": {str(line): bucket for line, bucket in self.bucket.items()},
            "dice": [version, list(state), gauss],
            "cases": {str(line): str(case) for line, case in self.cases.items()},
            "payers": [str(line) for line in self.payers],
        }
        new = self.platform.settings.home / "run.json.new"
        new.write_text(json.dumps(kept))
        new.rename(new.with_name("run.json"))

    def find(self) -> None:
        """Go on with what an earlier process wrote down, if there was one."""
        try:
            kept = json.loads((self.platform.settings.home / "run.json").read_text())
        except FileNotFoundError:
            return
        version, state, gauss = kept["dice"]
        self.dice.setstate((version, tuple(state), gauss))
        self.told = kept["told"]
        self.bucket = {UUID(line): bucket for line, bucket in kept["bucket"].items()}
        self.cases = {UUID(line): UUID(case) for line, case in kept["cases"].items()}
        self.payers = {UUID(line) for line in kept["payers"]}


def main(arguments: list[str]) -> int:
    """Run and print; 1 when anything is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--mapping")
    parser.add_argument("--leavers", type=int, default=300)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--home", type=Path, help="keep everything here, and go on with what is there")
    parser.add_argument("--url", help="where somebody else serves the home; else the run does")
    given = parser.parse_args(arguments)
    if given.home:
        return housed(given, given.home)
    with tempfile.TemporaryDirectory(prefix="whiteslip-example-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        try:
            embedded.start(home, PASSING)
            return housed(given, home)
        finally:
            embedded.remove(home)


def housed(given: argparse.Namespace, home: Path) -> int:
    """Run on an installation in ``home``, which is made if need be."""
    home.mkdir(exist_ok=True)
    # No snapshots for the portfolio's figures, and codes and letters are shown on screen.
    (home / "whiteslip.toml").write_text('issuer_name = "Example Lender"\nlake = false\n')
    (home / DEMO_MARK).touch()
    settings = load({}, home=str(home))
    prepare_home(settings)
    create_database(settings)
    with opened(settings, size=2) as platform:
        if given.url:
            return story(platform, given.url, given)
        with serving(home) as url:
            return story(platform, url, given)


@contextmanager
def serving(home: Path) -> Generator[str]:
    """``whiteslip serve`` on a home, for as long as it is needed; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHITESLIP_")}
    environ = kept | {"WHITESLIP_HOME": str(home), "WHITESLIP_PORT": port}
    with (home / "serve.log").open("ab") as log:
        server = subprocess.Popen([COMMAND, "serve"], env=environ, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def story(platform: Platform, url: str, given: argparse.Namespace) -> int:
    """Take over, leave, wait, count. What was done by an earlier process is not done again."""
    mapping = given.mapping or ("whiteslip-sample" if given.file == SAMPLE else "uci-credit-card")
    first = FIRST[mapping]
    with platform.database.transaction() as tx:
        StoredClock(tx).set(at(first, 8))
    headers = {"Authorization": f"Bearer {a_key(platform)}"}
    # A night takes as long as it takes; a server that is gone is noticed at once.
    client = httpx.Client(base_url=url, headers=headers, timeout=httpx.Timeout(None, connect=5))
    with closing(client):
        run = Run(platform, Door(client), Random(SEED))
        run.find()
        if not run.told:
            take_over(run, given.file, mapping, first)
            run.keep()
        if not run.bucket:
            night(run, first)
            choose(run, given.leavers, first)
            run.keep()
        print("\n".join(run.told))
        if not run.cases:
            ask(run, first + timedelta(days=1))
            run.keep()
        last = add_months(first, given.months)
        wait(run, first + timedelta(days=1), last)
        return tell(platform.database, run.cases, run.bucket, at(first + timedelta(days=1), 10), last)


def at(on: date, hour: int) -> datetime:
    """An hour of a day in the contract's timezone."""
    return datetime(on.year, on.month, on.day, hour, tzinfo=ZoneInfo(ZONE))


def a_key(platform: Platform) -> str:
    """A key for the API, the same after each start."""
    file = platform.settings.home / "example.key"
    if not file.exists():
        with platform.database.transaction() as tx:
            secret = access.create_key(tx, "example", ["read", "write"], present(tx))
        new = file.with_suffix(".new")
        write_private(new, secret)
        new.rename(file)
    return file.read_text()


def take_over(run: Run, file: Path, mapping: str, first: date) -> None:
    """Import, and count what is there before any night adds to it."""

    def progress(done: int) -> None:
        print(f"{done} bytes taken over", file=sys.stderr, flush=True)

    database, vault = run.platform.database, run.platform.ports.vault
    report = intake.run(database, vault, mapping, file, intake.Options(), at(first, 8), progress)
    with database.transaction() as tx:
        row = tx.conn.execute(
            """SELECT (SELECT count(*) FROM lines.customer) AS customers,
                (SELECT count(*) FROM billing.bill WHERE statement_on < %(first)s) AS bills,
                (SELECT count(*) FROM billing.payment) AS payments,
                (SELECT count(*) FROM purchases.purchase) AS purchases""",
            {"first": first},
        ).fetchone()
    assert row
    run.told = [
        f"{row['customers']} customers taken over, {report.customers_rejected} rejected",
        f"{row['bills']} bills, {row['payments']} payments, {row['purchases']} purchases booked",
    ]


def night(run: Run, on: date) -> None:
    """The clock goes to ten the next morning, and the server seals the day."""
    run.door.post("test-clock/advance", {"to": at(on + timedelta(days=1), 10).isoformat()}, f"night {on}")
    print(f"{on} is sealed", file=sys.stderr, flush=True)


def choose(run: Run, leavers: int, on: date) -> None:
    """Lines from every debt state, as evenly as the portfolio allows, by the dice."""
    with run.platform.database.transaction() as tx:
        found: list[lines.Line] = []
        while page := page_of_lines(tx, found[-1].id if found else None, 2_000):
            found += page
        names: dict[UUID, str] = {}
        after: UUID | None = None
        while some := page_of_customers(tx, after, 2_000):
            names |= {customer.id: customer.reference or "" for customer in some}
            after = some[-1].id
        debts = billing.debts(tx, [line.id for line in found], on)
    by_bucket: defaultdict[str, list[lines.Line]] = defaultdict(list)
    for line in sorted(found, key=lambda line: names[line.customer]):
        by_bucket[billing_rules.bucket(debts.get(line.id))].append(line)
    for group in by_bucket.values():
        run.dice.shuffle(group)
    while len(run.bucket) < min(leavers, len(found)):
        for bucket in sorted(by_bucket):
            if by_bucket[bucket] and len(run.bucket) < leavers:
                run.bucket[by_bucket[bucket].pop().id] = bucket


def ask(run: Run, on: date) -> None:
    """Everybody asks on one day: nine in ten prove who they are, some cannot, some are frozen."""
    for number, line in enumerate(run.bucket):
        roll, somebody = run.dice.randrange(100), person(run.dice, number)
        if run.dice.randrange(100) < 80:
            run.payers.add(line)
        customer, who = known(run, line, somebody, roll < 3, at(on, 10))
        run.cases[line] = leave(run, line, customer, who if roll < 95 else None)
        print(f"{number + 1} asked", file=sys.stderr, flush=True)


def known(run: Run, line_id: UUID, somebody: Person, frozen: bool, now: datetime) -> tuple[UUID, Person]:
    """Whose line it is, by a name if the file has none; a court's order, for which there is no door."""
    vault = run.platform.ports.vault
    with run.platform.database.transaction() as tx:
        line = lines.get_line(tx, line_id)
        assert not isinstance(line, Refusal), line
        if isinstance(identity.peek(tx, vault, line.customer), Refusal):
            identity.enrol_many(tx, vault, [(line.customer, somebody)], "example", now)
        who = identity.peek(tx, vault, line.customer)
        assert not isinstance(who, Refusal), who
        if frozen and LockKind.LEGAL not in line.locks:
            lines.set_lock(tx, line_id, LockKind.LEGAL, Party.AUTHORITY, "court order", "court", now)
    return line.customer, who


def leave(run: Run, line: UUID, customer: UUID, who: Person | None) -> UUID:
    """Ask, which stops drawing, then prove who one is with what came to the phone; or say that one cannot."""
    case = run.door.post("exits", {"line": public("line", line)}, f"leave {line}")["id"]
    name = public("cus", customer)
    while who and not is_confirmed(run, case):
        run.door.post("identity-checks", {"customer": name})
        with run.platform.database.transaction() as tx:
            code = re.search(r"[0-9]{6}", on_phone(tx, customer, 1)[0]["body"])
        assert code
        proof = {"full_name": who.full_name, "id_number": who.id_number, "code": code[0]}
        # It takes no key: whether it was right, if the answer is lost, shows in the confirmation.
        run.door.send(f"identity-checks/{name}/verify", proof)
    if who is None:
        run.door.post(f"exits/{case}/doubt", {}, "doubt")
    found = parse_public("exit", case)
    assert found
    return found


def is_confirmed(run: Run, case: str) -> bool:
    """Confirm a case; False while nobody has proven who they are."""
    status, answer = run.door.send(f"exits/{case}/confirm", once="confirm")
    assert status == 200 or answer["code"] == "exit.identity_not_verified", answer
    return status == 200


def wait(run: Run, first: date, last: date) -> None:
    """Nights go by; on the 25th those who pay do, on the 1st shops try to sell to all who left."""
    with run.platform.database.transaction() as tx:
        sealed = last_sealed_day(tx)
    if sealed and sealed >= first:
        night(run, sealed)  # of which something may be left to do
        first = sealed + timedelta(days=1)
    for today in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        if today.day == 25:
            pay(run, today)
        if today.day == 1:
            sell(run, today)
        night(run, today)


def pay(run: Run, on: date) -> None:
    """Pay what is billed and not more: who has paid already has nothing billed."""
    with run.platform.database.transaction() as tx:
        debts = billing.debts(tx, list(run.payers), on)
    for line in run.cases:
        debt = debts.get(line)
        if debt and debt.billed_minor:
            paid = {"line": public("line", line), "reference": f"P{on:%Y%m}", "value_on": on.isoformat()}
            run.door.post("payments", paid | {"amount_minor": debt.billed_minor}, f"pay {line} {on}")


def sell(run: Run, on: date) -> None:
    """A shop tries, once, to sell something small to everybody who asked to leave."""
    for line in run.cases:
        small = {"line": public("line", line), "merchant": "shop", "amount_minor": 100}
        run.door.post("purchases", small, f"sell {line} {on}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
