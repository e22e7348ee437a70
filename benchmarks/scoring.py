"""A night's scores of a book with two years behind it: months read, lines scored, what is news kept."""

from __future__ import annotations

import multiprocessing
import resource
import time
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import whiteslip.app
from benchmarks.bench import Bench, Measure
from benchmarks.book import NOON, open_book
from whiteslip.base import end_of_day
from whiteslip.decisions import champions
from whiteslip.decisions.scoring import decoded
from whiteslip.decisions.signing import sign
from whiteslip.store import Database
from whiteslip.watch import nightly

ZONE: Final = "Asia/Shanghai"
MONTHS: Final = 24
NIGHT: Final = date(2028, 1, 31)
_SAMPLE: Final = 200
_PLAIN: Final = Path(__file__).with_name("months.sql").read_text(encoding="utf-8")
_FIRST: Final = "behaviour-champion.json"

# Each line bought something in three instalments each month for two years. One in eight has not paid for
# its last three bills.
_FILL: Final = """
INSERT INTO billing.bill
SELECT gen_random_uuid(), l.id, b.day, b.day + 20, 30000, 0, 300, 60000
FROM lines.line AS l CROSS JOIN LATERAL (
    SELECT (date '2026-01-01' + make_interval(months => k, days => l.statement_day - 1))::date AS day
    FROM generate_series(1, {months}) AS k
) AS b;
INSERT INTO billing.plan
SELECT gen_random_uuid(), l.id, gen_random_uuid(), 'purchase', 30000, 3, 100, 1200,
    (date '2026-01-01' + make_interval(months => k, days => l.statement_day - 6))::date
FROM lines.line AS l CROSS JOIN generate_series(1, {months}) AS k;
INSERT INTO billing.instalment (
    plan, no, line, bill_on, due_on, principal_minor, interest_minor, fee_minor, outstanding_minor,
    settled_principal, settled_fee, bill, charged)
SELECT p.id, k, p.line, d.day, d.day + 20, 10000, 0, 100, 10000 * (4 - k),
    CASE WHEN d.paid THEN 10000 ELSE 0 END, CASE WHEN d.paid THEN 100 ELSE 0 END, b.id, b.id IS NOT NULL
FROM billing.plan AS p JOIN lines.line AS l ON l.id = p.line
CROSS JOIN generate_series(1, 3) AS k
CROSS JOIN LATERAL (
    SELECT i.day,
        i.day + 10 <= date '{night}' AND (p.line::text !~ '[05]$' OR i.day < date '{night}' - 90) AS paid
    FROM (SELECT (p.opened_on + 5 + make_interval(months => k - 1))::date AS day) AS i
) AS d
LEFT JOIN billing.bill AS b ON b.line = p.line AND b.statement_on = d.day;
INSERT INTO billing.settlement
SELECT gen_random_uuid(), i.line, i.plan, i.no, part.component, part.minor, 'payment',
    i.bill_on + 10, i.bill_on + 10
FROM billing.instalment AS i
CROSS JOIN (VALUES ('principal', 10000), ('fee', 100)) AS part (component, minor) WHERE i.settled_fee > 0;
INSERT INTO billing.payment
SELECT gen_random_uuid(), i.line, i.bill_on::text, 'card', 10100 * count(*), i.bill_on + 10, i.bill_on + 12,
    (i.bill_on + 10)::timestamptz
FROM billing.instalment AS i WHERE i.settled_fee > 0 GROUP BY i.line, i.bill_on;
"""


def _fill(url: str, count: int) -> None:
    database = Database(url, 1)
    open_book(database, count)
    key = Ed25519PrivateKey.generate()
    with database.transaction() as tx:
        for path in (resources.files(whiteslip.app) / "models").iterdir():
            model = decoded(path.read_bytes())
            champions.enter(tx, sign(model, key), key.public_key(), "lab", NOON)
            if path.name == _FIRST:
                champions.propose(tx, model.name, model.version, "one", NOON)
                champions.promote(tx, model.name, model.version, "two", NOON)
    database.close()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(_FILL.format(months=MONTHS, night=NIGHT))  # type: ignore[arg-type]
        conn.execute("VACUUM ANALYZE")


def _score(database: Database, day: date) -> float:
    """Score a night page by page as the night does; the seconds it took."""
    began, after = time.perf_counter(), None
    while True:
        with database.transaction() as tx:
            _, after = nightly.score_page(tx, day, end_of_day(day, ZONE), after)
        if after is None:
            return time.perf_counter() - began


def _plainly(url: str, day: date) -> float:
    """Seconds of reading the months of a sample of lines out of their whole history."""
    with psycopg.connect(url) as conn:
        found = conn.execute("SELECT id FROM lines.line ORDER BY id LIMIT %s", [_SAMPLE]).fetchall()
        lines = [row[0] for row in found]
        began = time.perf_counter()
        for first in range(0, len(lines), nightly.PAGE):
            facts = {"lines": lines[first : first + nightly.PAGE], "day": day, "now": end_of_day(day, ZONE)}
            conn.execute(_PLAIN, facts).fetchall()  # type: ignore[arg-type]
        return time.perf_counter() - began


def _nights(url: str, count: int, rounds: int, answer: Any) -> None:
    """In a process of its own, so that its memory is that of the nights and nothing else."""
    database = Database(url, 1)
    took: list[float] = []
    theirs: list[float] = []
    for step in range(rounds):
        day = NIGHT + timedelta(days=step)
        theirs.append(min(count, _SAMPLE) / _plainly(url, day))
        took.append(_score(database, day))
    database.close()
    answer.put((took, theirs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


def scoring(bench: Bench, count: int) -> Measure:
    """Lines per second, each scored by champion and challenger; on the first night every score is news."""
    url = bench.whiteslip("scoring")
    _fill(url, count)
    context = multiprocessing.get_context("spawn")
    answer: Any = context.Queue()
    process = context.Process(target=_nights, args=(url, count, bench.rounds, answer))
    process.start()
    took, theirs, megabytes = answer.get(timeout=3_600)
    process.join(60)
    notes = {
        "lines": f"{count:,}, each with {MONTHS} months of {MONTHS * 3} instalments",
        "first night, everything is news": f"{took[0]:.1f} s",
        "later nights": f"{min(took[1:], default=took[0]):.1f} to {max(took[1:], default=took[0]):.1f} s",
        "peak memory": f"{megabytes} MB, beside the server's",
    }
    return Measure(
        "score",
        "lines/s, scored by two models",
        "months out of the whole history, not scored",
        "lines/s",
        [count / seconds for seconds in took],
        theirs,
        notes=notes,
    )
