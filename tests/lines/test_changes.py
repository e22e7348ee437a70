"""When terms may change, and what a pack says of the notice that a contract asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import TERMS, open_line

from whiteslip import packs
from whiteslip.base import Refusal, local_day
from whiteslip.base.calendar import start_of_day
from whiteslip.lines.changes import earliest
from whiteslip.lines.model import Terms, terms_from
from whiteslip.store import Database

ZONES = ("Asia/Shanghai", "Europe/Brussels", "America/New_York", "Pacific/Auckland")


@given(
    st.integers(0, 4 * 365 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)),
    st.sampled_from(packs.names()),
    st.sampled_from(ZONES),
)
def test_no_change_is_a_day_too_soon_whatever_the_hour_the_pack_or_the_timezone(
    told_at: datetime, name: str, zone: str
):
    pack = packs.load(name)
    on = earliest(pack, local_day(told_at, zone))
    starts = start_of_day(on, zone)
    assert local_day(starts, zone) == on
    assert local_day(starts - timedelta(microseconds=1), zone) == on - timedelta(days=1)
    wall = starts.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - told_at.astimezone(
        ZoneInfo(zone)
    ).replace(tzinfo=None)
    days = pack.days("issuer.change_notice_days")
    assert timedelta(days=days) <= wall <= timedelta(days=days + 1)


@pytest.mark.parametrize("name", packs.names())
def test_terms_that_ask_a_leaver_for_longer_notice_than_the_law_lets_them_are_refused(name: str):
    most = packs.load(name).months("exit.longest_notice_months")
    raw = {"due_days": 20, "products": [{"instalments": 1}]}
    assert terms_from(raw | {"notice_months": most}, name) == Terms(20)
    refused = terms_from(raw | {"notice_months": most + 1}, name)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.facts) == ("terms.notice_too_long", {"most": most})


def test_terms_that_are_none_are_refused_and_not_guessed():
    twice = {"due_days": 20, "products": [{"instalments": 3}, {"instalments": 3, "apr_bps": 900}]}
    refused = terms_from(twice, "cn")
    assert isinstance(refused, Refusal)
    assert refused.code == "terms.invalid"


def test_the_database_takes_no_terms_of_which_the_holder_was_not_told(db: Database):
    line, other = open_line(db), open_line(db, terms=Terms(9), day=date(2026, 1, 16))
    assert line != other
    with pytest.raises(psycopg.Error, match="what was agreed"), db.transaction() as tx:
        tx.conn.execute("UPDATE lines.line SET terms_version = %s WHERE id = %s", (Terms(9).version, line))
    with db.transaction() as tx:
        row = tx.conn.execute("SELECT terms_version FROM lines.line WHERE id = %s", (line,)).fetchone()
    assert row
    assert row["terms_version"] == TERMS.version
