"""Every set of locks that can stand on a line, and whoever may end one: who lets drawing begin again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

from whiteslip.base import Refusal
from whiteslip.lines.lifting import lifted_by
from whiteslip.lines.model import ROADS, Feature, Lifecycle, Lock, LockGround, LockKind, Part, Party

NOW = datetime(2026, 1, 15, 4, tzinfo=UTC)
END = NOW + timedelta(days=30)
NOBODY = UUID(int=0)


def lock(
    kind: LockKind, party: Party, ground: LockGround, until: datetime | None = None, firm: bool = False
) -> Lock:
    part = Part(Feature.UNCONFIRMED) if ground is LockGround.STEP_UP else None
    return Lock(NOBODY, NOBODY, kind, party, ground, part, "reason", until, firm, NOW, NOW)


OWN = (LockKind.CUSTOMER, Party.CUSTOMER, LockGround.GENERAL)
# What may stand beside each other; of each party on a ground there is one lock, in one of these ways.
CHOICES: list[list[Lock | None]] = [
    [None, lock(*OWN), lock(*OWN, END)],
    [None, lock(*OWN[:2], LockGround.FIRM, END, firm=True)],
    *(
        [None, lock(LockKind.ISSUER, Party.ISSUER, ground, until)]
        for ground, until in (
            (LockGround.RESTRICTION, END),
            (LockGround.CHARGE_OFF, None),
            (LockGround.SALE, None),
            (LockGround.STEP_UP, END),
        )
    ),
    [None, *(lock(LockKind.EXIT, party, LockGround.GENERAL) for party in (Party.CUSTOMER, Party.ISSUER))],
    [None, lock(LockKind.LEGAL, Party.AUTHORITY, LockGround.ORDER)],
    [None, lock(LockKind.LEGAL, Party.AUTHORITY, LockGround.GENERAL)],
]
STANDING = [frozenset(each for each in some if each) for some in product(*CHOICES)]


def ends(standing: frozenset[Lock], now: datetime) -> Iterator[tuple[Party | None, Lock]]:
    """Every lock that somebody's word ends, and by whom; None by its time."""
    for party, kind, ground in product(Party, LockKind, LockGround):
        for part in {each.part for each in standing}:
            same = [each for each in standing if (each.kind, each.part) == (kind, part)]
            found = lifted_by(party, ground, same, now)
            if isinstance(found, Lock):
                yield party, found
    yield from ((None, each) for each in standing if each.is_over(now))


def test_a_lock_ends_by_the_word_of_who_set_it_or_its_own_time_and_by_nothing_else():
    for now in (NOW, END - timedelta(microseconds=1), END):
        for standing in STANDING:
            found = list(ends(standing, now))
            for party, ended in found:
                assert party is ended.party or (party is None and ended.until == END <= now), ended
                assert party is None or not (ended.firm and now < END), ended
            stays = standing - {ended for _, ended in found}
            assert all(each.firm and now < END for each in stays), "and everything has somebody who ends it"


def test_what_the_customer_stopped_begins_again_by_them_or_by_the_end_of_their_own_lock():
    """Whatever the lender, the law and time do, in any order: the customer's locks stand as they stood."""
    for now in (NOW, END):
        for standing in STANDING:
            own = {each for each in standing if each.party is Party.CUSTOMER}
            others = {ended for party, ended in ends(standing, now) if party is not Party.CUSTOMER}
            ended = own & others
            assert all(each.kind is LockKind.CUSTOMER and each.is_over(now) for each in ended), standing


def test_an_exit_ends_by_no_clock_and_a_closed_line_has_no_way_back():
    exits = {each for standing in STANDING for each in standing if each.kind is LockKind.EXIT}
    assert not any(each.is_over(END + timedelta(days=9_999)) for each in exits)
    assert ROADS[Lifecycle.CLOSED] == frozenset()
    assert Lifecycle.CLOSING not in ROADS[Lifecycle.RUN_OFF]


def test_nobody_lifts_what_only_others_have_set():
    for standing in STANDING:
        for party in Party:
            for kind in {each.kind for each in standing}:
                same = [each for each in standing if each.kind is kind and each.part is None]
                if same and all(each.party is not party for each in same):
                    told = lifted_by(party, same[0].ground, same, END)
                    assert isinstance(told, Refusal)
                    assert told.code == "lock.not_yours"
