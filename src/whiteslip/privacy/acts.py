"""Tell what is held, erase what may go, keep what an authority orders. None commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from uuid import UUID

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal, add_months, end_of_day, new_id
from whiteslip.base.ids import new_reference
from whiteslip.identity.vault import erase as erase_person
from whiteslip.lines import Customer, Line
from whiteslip.lines.acts import forget_reference
from whiteslip.notices import NewNotice
from whiteslip.packs import Pack
from whiteslip.privacy import requests, rules, store
from whiteslip.privacy.model import Answer, Forget, Order, Outcome, Overview, RequestKind, Why
from whiteslip.store import Entry, Tx


def overview(tx: Tx, customer_id: UUID) -> Overview | Refusal:
    """What is held of a customer, why and until when. Refusal: ``customer.not_found``."""
    customer = lines.get_customer(tx, customer_id)
    return (
        customer
        if isinstance(customer, Refusal)
        else _overview(tx, lines.lines_of(tx, customer.id), customer)
    )


def _overview(tx: Tx, theirs: list[Line], customer: Customer) -> Overview:
    closed = [line.closed_on for line in theirs if line.closed_on]
    ended_on = max(closed) if closed and len(closed) == len(theirs) else None
    under = [packs.load(name) for name in sorted({line.pack for line in theirs})]
    return Overview(
        customer.id, ended_on, rules.kept(under, ended_on), store.standing_orders(tx, customer.id)
    )


def erase(
    tx: Tx,
    customer_id: UUID,
    forget: Mapping[str, Forget],
    issuer_name: str,
    actor: str,
    now: datetime,
) -> Answer | Refusal:
    """A customer asks to be erased: what no law keeps goes at once, and a letter says what stays. It answers
    what they asked of the kind before.

    ``forget`` names, for each kind of record that no law keeps, who erases it. GDPR article 17 with
    17(3)(b); 个人信息保护法 article 47. Refusal: ``customer.not_found``.
    """
    customer = lines.get_customer(tx, customer_id)
    if isinstance(customer, Refusal):
        return customer
    theirs = lines.lines_of(tx, customer.id)
    known = _overview(tx, theirs, customer)
    erased = {kind: gone(tx, customer.id, now) for kind, gone in forget.items()}
    answer = Answer(new_id(now), _reference(tx), customer.id, now, erased, known.kept)
    store.add_answer(tx, answer, actor)
    data = {"answer": answer.id, "erased": dict(erased), "until": known.until}
    tx.record(Entry(now, "privacy.erasure_answered", "customer", customer.id, actor, data))
    stays = (Outcome.PARTLY, Why.LAW_KEEPS) if known.kept else (Outcome.GRANTED, Why.DONE)
    requests.settle(tx, customer.id, RequestKind.ERASURE, *stays, actor, now)
    if theirs:
        notices.queue(tx, [_letter(answer, known, customer, theirs[-1], issuer_name)], now)
    return answer


def unanswered(
    tx: Tx, forget: Mapping[str, Forget], issuer_name: str, request_id: UUID, now: datetime
) -> None:
    """Nobody answered a request in time: see :func:`requests.escalate`. Who asked to be erased is erased by
    it, as far as the law lets anybody.
    """
    late = requests.escalate(tx, issuer_name, request_id, now)
    if late and late.kind is RequestKind.ERASURE:
        erase(tx, late.customer, forget, issuer_name, "system", now)


def _reference(tx: Tx) -> str:
    while store.reference_taken(tx, reference := new_reference("PR")):
        pass
    return reference


def _letter(answer: Answer, known: Overview, customer: Customer, line: Line, issuer_name: str) -> NewNotice:
    return NewNotice(
        kind="privacy.answered",
        subject_kind="customer",
        subject=customer.id,
        recipient=customer.id,
        language=customer.language,
        facts={
            "reference": answer.reference,
            "timezone": line.timezone,
            "currency": line.currency,
            "issuer_name": issuer_name,
            "answered_at": answer.answered_at,
            "kept_until": known.until,
            "pack": line.pack,
            "keep_months": max((kept.months for kept in answer.kept), default=0),
        },
        dedupe=f"privacy.answered:{answer.id}",
    )


def keep_longer(
    tx: Tx, customer_id: UUID, reference: str, until: date, actor: str, now: datetime
) -> Order | Refusal:
    """An authority orders that somebody's records be kept until a day.

    Refusals: ``customer.not_found``, ``privacy.order_too_long`` beyond what the pack allows.
    """
    known = overview(tx, customer_id)
    if isinstance(known, Refusal):
        return known
    pack = _pack_of(tx, customer_id)
    clock = max((kept.until for kept in known.kept if kept.until), default=now.date())
    last = rules.longest_order(pack, clock)
    if until > last:
        return Refusal("privacy.order_too_long", {"last_on": last.isoformat()})
    order = Order(new_id(now), customer_id, reference, until, actor, now)
    store.add_order(tx, order)
    data = {"order": order.id, "until": until}
    tx.record(Entry(now, "privacy.kept_longer", "customer", customer_id, actor, data))
    return order


def _pack_of(tx: Tx, customer: UUID) -> Pack:
    theirs = lines.lines_of(tx, customer)
    return packs.load(theirs[-1].pack if theirs else "base")


def release(tx: Tx, order_id: UUID, actor: str, now: datetime) -> Order | Refusal:
    """An order is over before its day. Refusal: ``privacy.order_not_found``."""
    order = store.order_to_release(tx, order_id)
    if order is None:
        return Refusal("privacy.order_not_found")
    store.release_order(tx, order.id, now)
    tx.record(Entry(now, "privacy.released", "customer", order.customer, actor, {"order": order.id}))
    return order


def erase_expired(tx: Tx, forget: Mapping[str, Forget], today: date, now: datetime, count: int = 200) -> int:
    """Erase up to ``count`` people whose clocks have all run out; call again until it returns zero.

    That is who left, with the users of their lines and the contacts of their estate, and who applied and
    never got a line. The person's record goes from the vault with its key, which also takes the names out
    of every letter; the lender's own reference goes from the customer. The ledger keeps sums of nobody.
    """
    gone = _expired(tx, today, lambda _pack: today, count)
    for customer, ended_on in gone:
        for each in forget.values():
            each(tx, customer, now)
        for other in store.others(tx, customer):
            erase_person(tx, other, now)
        erase_person(tx, customer, now)
        forget_reference(tx, customer)
        store.add_erased(tx, customer, ended_on, now)
    return len(gone)


def overdue(tx: Tx, today: date, count: int = 1_000) -> int:
    """How many people, up to ``count``, should have been erased by now: their clocks ran out more than the
    pack's ``privacy.erasure_business_days`` ago. Any is a night that did not do its work.
    """
    return len(_expired(tx, today, lambda pack: rules.last_in_time(pack, today), count))


def _expired(tx: Tx, today: date, day_of: Callable[[Pack], date], count: int) -> list[tuple[UUID, date]]:
    """Up to ``count`` people whose clocks had run out on the day that ``day_of`` gives for their pack."""
    last_days, last = dict[str, date](), dict[str, datetime]()
    for pack in map(packs.load, packs.names()):
        day, months = day_of(pack), rules.months_of(pack, rules.APPLICANTS)
        last_days[pack.name] = add_months(day, -_longest(pack))
        last[pack.name] = end_of_day(add_months(day, -months), pack.timezone)
    return store.expired(tx, today, last_days, last, count)


def _longest(pack: Pack) -> int:
    return max(rules.months_of(pack, key) for keys in rules.CLOCKS.values() for key in keys)
