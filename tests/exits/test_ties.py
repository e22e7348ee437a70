"""What hangs on a line that is left: mandates, shops on file, users, rewards, an agreed increase."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from worlds import DAY, TERMS, at, line_of, name_account, open_line

from whiteslip import day, exits, identity, lines, notices, purchases
from whiteslip.base import Refusal, new_id
from whiteslip.billing import mandates, rewards
from whiteslip.billing.mandates import Mandate, Scheme
from whiteslip.billing.mandates import State as MandateState
from whiteslip.billing.model import Payment
from whiteslip.day.timers import run_one
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, softer
from whiteslip.exits.model import Channel, Identity, State, Voucher
from whiteslip.identity import Person, Vault
from whiteslip.lines import users
from whiteslip.lines.increases import Increase, consent, increases_of, propose
from whiteslip.lines.increases import State as Step
from whiteslip.lines.model import Lifecycle
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Capture, Declined, Purchase, Request
from whiteslip.purchases import store as purchases_store
from whiteslip.store import Database
from whiteslip.store.database import journal_of

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
REWARDED = replace(TERMS, reward_bps=150)
NOW = at(DAY)


def ask(db: Database, line: UUID, now: datetime = NOW, who: Identity = Identity.VERIFIED) -> Exit:
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", now, who)
    assert not isinstance(case, Refusal), case
    return case


def advance(db: Database, line: UUID, now: datetime) -> Exit | None:
    with db.transaction() as tx:
        return exits.advance_line(tx, OFFICE, line, now)


def shop(
    db: Database, line: UUID, now: datetime = NOW, minor: int = 10_000, **how: object
) -> Purchase | Declined:
    asked = Request(line, "cinema", minor, **how)  # type: ignore[arg-type]
    with db.transaction() as tx:
        answer = purchases.authorise(tx, OFFICE.tables, [asked], "shop", now)[0]
    assert not isinstance(answer, Refusal), answer
    return answer


def bought(db: Database, line: UUID, minor: int, now: datetime = NOW) -> UUID:
    held = shop(db, line, now, minor)
    assert isinstance(held, Purchase)
    with db.transaction() as tx:
        purchases.capture(tx, [Capture(held.id, minor)], "shop", now)
    return held.id


def signed(db: Database, line: UUID, scheme: Scheme = Scheme.SEPA_CORE, reference: str = "M-1") -> Mandate:
    with db.transaction() as tx:
        made = mandates.sign(tx, line, scheme, reference, DAY, "customer", NOW)
    assert not isinstance(made, Refusal)
    return made


def collects(
    db: Database, mandate: Mandate, minor: int, on: date, reference: str = "D-1"
) -> Payment | Refusal:
    with db.transaction() as tx:
        return mandates.collect(tx, mandate.id, mandate.line, reference, minor, on, 5, "bank", at(on))


def mandate_of(db: Database, line: UUID) -> Mandate:
    with db.transaction() as tx:
        return mandates.mandates_of(tx, line)[0]


def timers(db: Database, now: datetime) -> None:
    while run_one(db, day.Ports(OFFICE, VAULT, DemoPhone(db)), now, {"limit.rises", "mandate.lapses"}):
        pass


def sound(db: Database) -> bool:
    with db.transaction() as tx:
        return day.every_violation(tx) == []


def kinds(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [line])]


def code(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def test_a_mandate_is_kept_while_debt_remains_and_ended_by_the_lender_with_the_line(db: Database):
    line = open_line(db)
    bought(db, line, 30_000)
    mandate = signed(db, line)
    case = ask(db, line)
    assert (case.state, case.plan.ties.mandates) == (State.RUN_OFF, ("M-1",))
    assert mandate_of(db, line).state is MandateState.ACTIVE
    assert code(collects(db, mandate, 30_001, DAY)) == "mandate.over_owed"
    assert isinstance(collects(db, mandate, 30_000, DAY), Payment)
    later = at(DAY + timedelta(days=9))
    done = advance(db, line, later)
    assert done
    assert done.state is State.CLOSED
    ended = mandate_of(db, line)
    assert (ended.state, ended.ended_why, ended.ended_at) == (MandateState.CANCELLED, "line_closed", later)
    assert code(collects(db, mandate, 100, DAY + timedelta(days=9), "D-2")) == "mandate.not_active"
    with db.transaction() as tx:
        closing = notices.of_subject(tx, case.id)[-1]
    assert (closing.kind, closing.facts["mandates"]) == ("exit.closed", ["M-1"])
    assert sound(db)


def test_a_sepa_mandate_lapses_after_36_months_without_use_and_another_does_not(db: Database):
    used, unused, other = open_line(db), open_line(db), open_line(db)
    bought(db, used, 500)
    mandate = signed(db, used, reference="M-used")
    signed(db, unused, reference="M-unused")
    signed(db, other, Scheme.BACS, "M-bacs")
    collects(db, mandate, 500, date(2027, 3, 1))
    timers(db, at(date(2029, 1, 15)))
    assert mandate_of(db, unused).state is MandateState.ACTIVE, "the last day is not over"
    timers(db, at(date(2029, 1, 17)))
    assert mandate_of(db, unused).state is MandateState.LAPSED
    assert mandate_of(db, used).state is MandateState.ACTIVE
    timers(db, at(date(2030, 3, 2)))
    assert mandate_of(db, used).state is MandateState.LAPSED
    assert mandate_of(db, other).state is MandateState.ACTIVE


def test_a_reference_is_one_mandate_and_a_line_that_is_left_takes_no_new_one(db: Database):
    line = open_line(db)
    signed(db, line)
    with db.transaction() as tx:
        again = mandates.sign(tx, line, Scheme.SEPA_CORE, "M-1", DAY, "customer", NOW)
    assert code(again) == "mandate.reference_taken"
    ask(db, line)
    with db.transaction() as tx:
        late = mandates.sign(tx, line, Scheme.SEPA_CORE, "M-2", DAY, "customer", NOW)
    assert code(late) == "line.not_active"


def test_a_shop_that_keeps_the_line_is_listed_and_its_later_attempts_have_their_own_code(db: Database):
    line = open_line(db, 50_000)
    assert isinstance(shop(db, line, stored_credential=True), Purchase)
    insufficient = shop(db, line, minor=45_000, stored_credential=True)
    assert isinstance(insufficient, Declined)
    case = ask(db, line)
    assert case.plan.ties.shops == ("cinema",)
    stopped = shop(db, line, stored_credential=True)
    assert isinstance(stopped, Declined)
    assert (stopped.code, insufficient.code) == ("line.stopped", "purchase.over_available")
    with db.transaction() as tx:
        (known,) = purchases_store.credentials(tx, line)
    assert (known.shop, known.declined, known.last_code) == ("cinema", 2, "line.stopped")


def test_a_shop_that_keeps_nothing_is_not_listed(db: Database):
    line = open_line(db)
    shop(db, line)
    assert ask(db, line).plan.ties.shops == ()


def added(db: Database, line: UUID) -> UUID:
    user = new_id(NOW)
    with db.transaction() as tx:
        who = Person("王小明", "110101199003070003", "+8613900000077", "b@example.com")
        assert not isinstance(identity.enrol(tx, VAULT, user, who, "test", NOW), Refusal)
        assert not isinstance(users.add_user(tx, line, user, "zh-CN", "customer", NOW), Refusal)
    return user


def told(db: Database, user: UUID) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, user)]


def test_a_purchase_says_who_bought_and_the_stop_reaches_everybody_at_once_with_a_notice_each(db: Database):
    line = open_line(db)
    first, second, gone = added(db, line), added(db, line), added(db, line)
    with db.transaction() as tx:
        users.remove_user(tx, gone, "customer", NOW)
    held = shop(db, line, buyer=first)
    assert isinstance(held, Purchase)
    with db.transaction() as tx:
        assert [each.buyer for each in purchases_store.of_line(tx, line)] == [first]
    case = ask(db, line, who=Identity.PENDING)
    assert set(case.plan.ties.users) == {first, second}
    for user in (first, second):
        refused = shop(db, line, buyer=user)
        assert isinstance(refused, Declined)
        assert refused.code == "line.stopped"
        assert told(db, user) == ["user.stopped"]
    assert told(db, gone) == []
    with db.transaction() as tx:
        exits.cancel(tx, OFFICE, case.id, "customer", NOW + timedelta(hours=1))
    assert told(db, first) == ["user.stopped", "user.resumed"]
    assert isinstance(shop(db, line, buyer=first), Purchase)


def test_who_was_removed_or_belongs_to_another_line_cannot_buy(db: Database):
    line, other = open_line(db), open_line(db)
    user = added(db, line)
    for wrong in (Request(other, "cinema", 100, buyer=user), Request(line, "cinema", 100, buyer=new_id(NOW))):
        with db.transaction() as tx:
            assert code(purchases.authorise(tx, OFFICE.tables, [wrong], "shop", NOW)[0]) == "user.not_found"
    with db.transaction() as tx:
        users.remove_user(tx, user, "customer", NOW)
        late = Request(line, "cinema", 100, buyer=user)
        assert code(purchases.authorise(tx, OFFICE.tables, [late], "shop", NOW)[0]) == "user.not_found"
    assert kinds(db, line).count("line.user_removed") == 1


def balance(db: Database, line: UUID) -> int:
    with db.transaction() as tx:
        found = lines.get_line(tx, line)
        assert not isinstance(found, Refusal)
        return rewards.balance_of(tx, found)


def test_cash_back_is_earned_by_the_rule_and_goes_back_with_a_refund_to_the_minor_unit(db: Database):
    line = open_line(db, terms=REWARDED)
    purchase = bought(db, line, 9_999)
    assert balance(db, line) == 149, "1.5 % of 99.99, rounded down"
    with db.transaction() as tx:
        purchases.refund(tx, purchase, 3_333, "shop", NOW)
    assert balance(db, line) == 99, "1.5 % of 66.66, rounded down"
    with db.transaction() as tx:
        purchases.refund(tx, purchase, 6_666, "shop", NOW)
    assert balance(db, line) == 0
    assert sound(db)


def test_what_was_redeemed_is_not_asked_back(db: Database):
    line = open_line(db, terms=REWARDED)
    purchase = bought(db, line, 10_000)
    with db.transaction() as tx:
        found = lines.get_line(tx, line, lock=True)
        assert not isinstance(found, Refusal)
        assert rewards.redeem(tx, found, "customer", NOW) == 150
        purchases.refund(tx, purchase, 10_000, "shop", NOW)
    assert balance(db, line) == 0
    assert sound(db)


def test_cash_back_goes_out_with_the_closing_and_coupons_stay_good_for_thirty_days_at_least(db: Database):
    line = open_line(db)
    name_account(db, line, at(DAY, 1))
    soon, far = DAY + timedelta(days=3), DAY + timedelta(days=200)
    with db.transaction() as tx:
        assert rewards.grant(tx, line, 3_500, "lender", NOW) is None
        for title, until in (("Cinema", soon), ("Bakery", far)):
            assert not isinstance(rewards.give_coupon(tx, line, title, until, "lender", NOW), Refusal)
        told = exits.preview(tx, line, NOW)
    assert not isinstance(told, Refusal)
    kept = (Voucher("Cinema", DAY + timedelta(days=30)), Voucher("Bakery", far))
    assert (told.ties.reward_minor, told.ties.vouchers) == (3_500, kept)
    case = ask(db, line)
    assert case.state is State.CLOSED
    found = line_of(db, line)
    assert (found.lifecycle, found.credit_minor, balance(db, line)) == (Lifecycle.CLOSED, 0, 0)
    with db.transaction() as tx:
        (paid,) = tx.conn.execute("SELECT amount_minor, state FROM billing.payout").fetchall()
        coupons = rewards.coupons_of(tx, line)
        letter = notices.of_subject(tx, case.id)[-1]
        used = rewards.use_coupon(tx, coupons[0].id, "shop", at(DAY + timedelta(days=29)))
        late = rewards.use_coupon(tx, coupons[1].id, "shop", at(far + timedelta(days=1)))
    assert paid == {"amount_minor": 3_500, "state": "sent"}
    assert [(each.title, each.usable_until) for each in coupons] == [(v.title, v.usable_until) for v in kept]
    assert (letter.facts["credit_minor"], letter.facts["reward_minor"]) == (3_500, 3_500)
    assert not isinstance(used, Refusal)
    assert code(late) == "coupon.out_of_date"
    assert sound(db)


MIDNIGHT = datetime.combine(DAY + timedelta(days=1), datetime.min.time(), NOW.tzinfo)


def proposed(db: Database, line: UUID) -> Increase:
    with db.transaction() as tx:
        made = propose(tx, line, 2_000_000, MIDNIGHT, "lender", NOW)
    assert not isinstance(made, Refusal)
    return made


def agreed(db: Database, line: UUID) -> Increase:
    made = proposed(db, line)
    with db.transaction() as tx:
        assert not isinstance(consent(tx, made.id, "customer", NOW), Refusal)
    return made


def step_of(db: Database, line: UUID) -> Step:
    with db.transaction() as tx:
        return increases_of(tx, line)[-1].state


def test_a_limit_rises_at_its_instant_by_consent_and_never_without(db: Database):
    asked, silent = open_line(db), open_line(db)
    agreed(db, asked)
    proposed(db, silent)
    timers(db, MIDNIGHT - timedelta(seconds=1))
    assert line_of(db, asked).limit_minor == 1_000_000
    timers(db, MIDNIGHT)
    assert (line_of(db, asked).limit_minor, step_of(db, asked)) == (2_000_000, Step.EFFECTIVE)
    timers(db, MIDNIGHT + timedelta(days=400))
    assert (line_of(db, silent).limit_minor, step_of(db, silent)) == (1_000_000, Step.PROPOSED)


def test_who_leaves_pauses_or_lowers_the_limit_gets_no_increase(db: Database):
    for answer in ("leave", "pause", "lower"):
        line = open_line(db)
        agreed(db, line)
        with db.transaction() as tx:
            if answer == "leave":
                exits.request(tx, OFFICE, line, Channel.FORM, "form", NOW)
            elif answer == "pause":
                softer.pause(tx, line, "customer", NOW)
                softer.resume(tx, line, "customer", NOW)
            else:
                softer.reduce(tx, line, 500_000, "customer", NOW)
        before = line_of(db, line).limit_minor
        timers(db, MIDNIGHT + timedelta(hours=1))
        assert (line_of(db, line).limit_minor, step_of(db, line)) == (before, Step.DROPPED), answer
        assert before <= 1_000_000


def test_an_increase_that_makes_no_sense_is_refused(db: Database):
    line = open_line(db)
    wrong = {
        "limit.not_higher": (1_000_000, MIDNIGHT),
        "limit.over_most": (10**10, MIDNIGHT),
        "limit.increase_late": (2_000_000, NOW),
    }
    for refusal, (to_minor, when) in wrong.items():
        with db.transaction() as tx:
            assert code(propose(tx, line, to_minor, when, "lender", NOW)) == refusal
    made = agreed(db, line)
    with db.transaction() as tx:
        assert code(propose(tx, line, 3_000_000, MIDNIGHT, "lender", NOW)) == "limit.increase_open"
    ask(db, line)
    with db.transaction() as tx:
        assert code(consent(tx, made.id, "customer", NOW)) == "limit.increase_ended"
