"""Authorise, capture, release, expire and refund. None commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from whiteslip import billing, decisions, ledger, lines
from whiteslip.base import Refusal, local_day, new_id
from whiteslip.base.ids import new_ids
from whiteslip.billing import rewards
from whiteslip.billing.bills import Captured
from whiteslip.billing.rewards import Kept
from whiteslip.decisions import Decision, Tables
from whiteslip.ledger import Transfer, recipes
from whiteslip.lines import Line
from whiteslip.lines.acts import lock_lines, terms_of
from whiteslip.lines.model import Terms
from whiteslip.lines.users import may_draw
from whiteslip.purchases import rules, store
from whiteslip.purchases.model import Capture, Declined, Merchant, Purchase, Request, Standing, State
from whiteslip.store import Entry, Tx

HOLD_DAYS: Final = 7
# A request with the place of its answer in the batch.
_Placed: TypeAlias = tuple[int, Request]


def authorise(
    tx: Tx, tables: Tables, batch: Sequence[Request], actor: str, now: datetime
) -> list[Purchase | Declined | Refusal]:
    """Decide a batch of purchases and hold what is granted; answers are in the batch's order.

    Lines are locked in id order before anything is decided. Purchases on one line are decided
    one after the other, so two of them never share the same available amount. A decline is a
    value with reasons. A shop that keeps the line on file is noted.

    Refusals: ``line.not_found``, ``purchase.amount_invalid``, ``purchase.product_unknown``,
    ``purchase.beyond_deferral``, ``user.not_found``.
    """
    answers: dict[int, Purchase | Declined | Refusal] = {}
    lock_lines(tx, list({request.line for request in batch}))
    buyers = {request.buyer for request in batch if request.buyer}
    users = may_draw(tx, buyers) if buyers else {}
    waiting = list(enumerate(batch))
    while waiting:
        first, waiting = _one_per_line(waiting)
        answers.update(_decide(tx, tables, first, users, actor, now))
    return [answers[place] for place in range(len(batch))]


def _one_per_line(waiting: Sequence[_Placed]) -> tuple[list[_Placed], list[_Placed]]:
    """The next request of each line, and those that come after."""
    met: set[UUID] = set()
    first: list[_Placed] = []
    later: list[_Placed] = []
    for placed in waiting:
        (later if placed[1].line in met else first).append(placed)
        met.add(placed[1].line)
    return first, later


def _merchants(
    tx: Tx, asked: Iterable[tuple[int, Request, Standing]], now: datetime
) -> dict[tuple[str, str], Merchant]:
    keys: dict[str, set[str]] = {}
    for _, request, line in asked:
        keys.setdefault(line.currency, set()).add(request.merchant)
    return {
        (merchant.key, currency): merchant
        for currency, names in keys.items()
        for merchant in store.merchants(tx, names, currency, now).values()
    }


def _decide(
    tx: Tx,
    tables: Tables,
    asked: Sequence[_Placed],
    users: Mapping[UUID, UUID],
    actor: str,
    now: datetime,
) -> dict[int, Purchase | Declined | Refusal]:
    """Decide about requests on different, locked lines."""
    answers: dict[int, Purchase | Declined | Refusal] = {}
    sound: list[tuple[int, Request, Standing]] = []
    standings = store.standings(tx, [request.line for _, request in asked], now - timedelta(hours=24))
    for (place, request), line in zip(asked, standings, strict=True):
        fault = rules.fault(request, line, users)
        if fault or line is None:
            answers[place] = fault or Refusal("line.not_found")
        else:
            sound.append((place, request, line))
    merchants = _merchants(tx, sound, now)
    days = {timezone: local_day(now, timezone) for timezone in {line.timezone for _, _, line in sound}}
    ids = new_ids(now, len(sound))
    facts = [
        (key, rules.facts(request, line, days[line.timezone], now))
        for key, (_, request, line) in zip(ids, sound, strict=True)
    ]
    decided = decisions.decide_batch(tx, tables, "purchase-authorisation", facts, now)
    granted: list[Purchase] = []
    holds: dict[date, list[Transfer]] = {}
    expires_at = now + timedelta(days=HOLD_DAYS)
    for (place, request, line), decision, key in zip(sound, decided, new_ids(now, len(sound)), strict=True):
        merchant = merchants[request.merchant, line.currency]
        if not decision.outcome["allow"]:
            answers[place] = _declined(tx, request, merchant, decision, actor, now)
            continue
        hold = recipes.hold(key, decision.subject, line.principal, merchant.payable, request.amount_minor)
        purchase = _held(decision.subject, request, merchant, hold, now, expires_at)
        holds.setdefault(days[line.timezone], []).append(hold)
        granted.append(purchase)
        answers[place] = purchase
        data: dict[str, object] = {
            "purchase": purchase.id,
            "amount_minor": request.amount_minor,
            "decision": decision.id,
        }
        told = {"buyer": request.buyer, "category": request.category}
        data |= {name: value for name, value in told.items() if value}
        tx.record(Entry(now, "purchase.authorised", "line", line.line, actor, data))
    store.add(tx, granted, now, expires_at)
    on_file = [
        (line.line, merchants[request.merchant, line.currency].id)
        for place, request, line in sound
        if request.stored_credential and isinstance(answers[place], Purchase)
    ]
    store.store_credentials(tx, on_file, now)
    # Last, because shops' accounts stay locked from here to the commit and others sell there too.
    for day, of_day in holds.items():
        ledger.post(tx, of_day, day, now)
    return answers


def _held(
    key: UUID, request: Request, merchant: Merchant, hold: Transfer, now: datetime, expires_at: datetime
) -> Purchase:
    return Purchase(
        id=key,
        line=request.line,
        merchant=merchant.id,
        instalments=request.instalments,
        authorised_minor=request.amount_minor,
        captured_minor=0,
        refunded_minor=0,
        hold=hold.id,
        held_minor=request.amount_minor,
        state=State.AUTHORISED,
        authorised_at=now,
        expires_at=expires_at,
        buyer=request.buyer,
        category=request.category,
        cash=request.cash,
        strong=request.strong,
        shop=merchant.key,
    )


def _declined(
    tx: Tx, request: Request, merchant: Merchant, decision: Decision, actor: str, now: datetime
) -> Declined:
    code = str(decision.outcome["code"])
    if request.stored_credential:
        store.count_declined(tx, request.line, merchant.id, code, now)
    data = {"code": code, "amount_minor": request.amount_minor, "decision": decision.id}
    tx.record(Entry(now, "purchase.declined", "line", request.line, actor, data))
    return Declined(request.line, code, decision.reasons, decision.id)


def capture(tx: Tx, batch: Sequence[Capture], actor: str, now: datetime) -> list[Purchase | Refusal]:
    """Turn holds, or parts of them, into debt; answers are in the batch's order.

    It works on a line that is leaving: the authorisation was given before. ``final`` releases
    what is left. Refusals: ``purchase.not_found``, ``purchase.nothing_held``,
    ``purchase.over_held``, ``purchase.amount_invalid``, ``purchase.twice_in_batch``.
    """
    found = locked(tx, [each.purchase for each in batch])
    answers: list[Purchase | Refusal] = []
    posted: list[tuple[date, Transfer]] = []
    plans: list[Captured] = []
    kept: list[Kept] = []
    done: dict[UUID, Purchase] = {}
    for each in batch:
        both = found.get(each.purchase)
        fault = rules.capture_fault(each, both[1] if both else None, each.purchase in done, now)
        if fault or both is None:
            answers.append(fault or Refusal("purchase.not_found"))
            continue
        line, purchase = both
        after, transfers = _captured(line, purchase, each, found.payable(purchase), now)
        posted += [(line.today(now), transfer) for transfer in transfers]
        earlier = _earlier(tx, purchase)
        plans.append(_plan(line, purchase, each.amount_minor, earlier, now))
        done[purchase.id] = after
        answers.append(after)
        kept.append(Kept(line, _kept(purchase), _kept(after), earlier))
        data = {"purchase": purchase.id, "amount_minor": each.amount_minor, "held_minor": after.held_minor}
        tx.record(Entry(now, "purchase.captured", "line", line.id, actor, data))
    _post(tx, posted, now)
    billing.add_plans(tx, plans, now)
    store.save(tx, list(done.values()))
    rewards.follow(tx, kept, "system", now)
    return answers


def _kept(purchase: Purchase) -> int:
    """What the shop keeps of a purchase: cash back is counted on it."""
    return purchase.captured_minor - purchase.refunded_minor


def _captured(
    line: Line, purchase: Purchase, each: Capture, payable: UUID, now: datetime
) -> tuple[Purchase, list[Transfer]]:
    """The purchase after the capture, and the transfers that make it so."""
    if purchase.hold is None:
        raise LookupError(f"purchase {purchase.id} holds {purchase.held_minor} by no transfer")
    transfers = [recipes.capture(purchase.id, purchase.hold, each.amount_minor, now)]
    rest = 0 if each.final else purchase.held_minor - each.amount_minor
    if rest:
        transfers.append(recipes.hold(new_id(now), purchase.id, line.principal, payable, rest))
    after = replace(
        purchase,
        captured_minor=purchase.captured_minor + each.amount_minor,
        hold=transfers[-1].id if rest else None,
        held_minor=rest,
        state=State.AUTHORISED if rest else State.CAPTURED,
    )
    return after, transfers


def _plan(
    line: Line, purchase: Purchase, amount_minor: int, earlier: Terms | None, now: datetime
) -> Captured:
    product = (earlier or line.terms).product(purchase.instalments)
    if product is None:
        raise LookupError(f"the terms of line {line.id} lost a product that was sold")
    return Captured(line, purchase.id, amount_minor, product, line.today(now), earlier)


def _earlier(tx: Tx, purchase: Purchase) -> Terms | None:
    """The terms a purchase was made on, where its line has others by now."""
    version = purchase.terms_version
    return terms_of(tx, {version})[version] if version else None


def keep_terms(tx: Tx, line: Line) -> None:
    """The terms of a locked line are about to change: what was bought so far keeps those it was made on."""
    store.keep_terms(tx, line.id, line.terms_version)


def release(tx: Tx, purchase_id: UUID, actor: str, now: datetime) -> Purchase | Refusal:
    """Give up what is held. Refusal: ``purchase.not_found``; nothing held changes nothing."""
    both = locked(tx, [purchase_id]).get(purchase_id)
    if both is None:
        return Refusal("purchase.not_found")
    line, purchase = both
    if purchase.hold is None:
        return purchase
    data = {"purchase": purchase.id, "amount_minor": purchase.held_minor}
    tx.record(Entry(now, "purchase.released", "line", line.id, actor, data))
    return _let_go(tx, [both], State.RELEASED, now)[0]


def expire(tx: Tx, now: datetime, batch: int = 500) -> int:
    """End holds that have run out, booked as expired; call again until it returns zero."""
    due = store.expired(tx, now, batch)
    if not due:
        return 0
    held = [both for both in locked(tx, due).values() if both[1].hold]
    for line, purchase in held:
        data = {"purchase": purchase.id, "amount_minor": purchase.held_minor}
        tx.record(Entry(now, "purchase.expired", "line", line.id, "system", data))
    _let_go(tx, held, State.EXPIRED, now)
    return len(held)


def _let_go(tx: Tx, held: Sequence[tuple[Line, Purchase]], state: State, now: datetime) -> list[Purchase]:
    """End the holds, as given up or as run out; of which a part was captured stays a captured purchase."""
    end = recipes.expire if state is State.EXPIRED else recipes.release
    voided = [
        (line.today(now), end(purchase.id, purchase.hold, now)) for line, purchase in held if purchase.hold
    ]
    _post(tx, voided, now)
    done = [
        replace(
            purchase,
            hold=None,
            held_minor=0,
            state=State.CAPTURED if purchase.captured_minor else state,
        )
        for _, purchase in held
    ]
    store.save(tx, done)
    return done


def _post(tx: Tx, transfers: Sequence[tuple[date, Transfer]], now: datetime) -> None:
    """Post each transfer on the business day of its line."""
    days: dict[date, list[Transfer]] = {}
    for day, transfer in transfers:
        days.setdefault(day, []).append(transfer)
    for day, of_day in days.items():
        ledger.post(tx, of_day, day, now)


def locked(tx: Tx, purchases: Sequence[UUID]) -> store.Held:
    """Purchases with their lines, locked: the lines first, the order in which every act locks."""
    lines_of = store.lines_of(tx, purchases)
    found = lines.get_lines(tx, set(lines_of.values()), lock=True)
    return store.held(tx, list(lines_of), found)


def refund(
    tx: Tx,
    purchase_id: UUID,
    amount_minor: int,
    actor: str,
    now: datetime,
    value_on: date | None = None,
) -> Purchase | Refusal:
    """A shop gives money back: the purchase's own debt from its last instalment, then what else
    is billed, then the customer's credit. It works on every line, closed ones too.

    It counts from ``value_on``, if the shop gave it back before it is told, or today. Refusals:
    ``purchase.not_found``, ``purchase.amount_invalid``, ``purchase.over_captured``,
    ``refund.value_date_invalid``.
    """
    found = locked(tx, [purchase_id])
    both = found.get(purchase_id)
    if both is None:
        return Refusal("purchase.not_found")
    line, purchase = both
    left = purchase.captured_minor - purchase.refunded_minor
    if amount_minor <= 0:
        return Refusal("purchase.amount_invalid")
    if amount_minor > left:
        return Refusal("purchase.over_captured", {"refundable_minor": left})
    first, today = line.today(purchase.authorised_at), line.today(now)
    if value_on and not first <= value_on <= today:
        return Refusal("refund.value_date_invalid", {"from": first.isoformat()})
    parts = billing.refund(tx, line, purchase.id, found.payable(purchase), amount_minor, now, value_on)
    done = replace(purchase, refunded_minor=purchase.refunded_minor + amount_minor)
    store.save(tx, [done])
    credited = sum(part.amount_minor for part in parts if part.component == "credit")
    data = {"purchase": purchase.id, "amount_minor": amount_minor, "credited_minor": credited}
    tx.record(Entry(now, "purchase.refunded", "line", line.id, actor, data))
    rewards.follow(tx, [Kept(line, left, left - amount_minor, _earlier(tx, purchase))], "system", now)
    return done
