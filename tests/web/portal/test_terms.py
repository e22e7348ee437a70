"""New terms as their holder sees them: side by side, and saying no is as easy as doing nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from web.portal.conftest import Reader
from web.portal.scene import Guest, Scene

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.exits import newterms
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Identity
from whiteslip.lines import changes


def told(scene: Scene, guest: Guest) -> None:
    with scene.db.transaction() as tx:
        now, line = scene.now(), lines.get_line(tx, guest.line)
        scope = changes.scope_of_line(tx, guest.line)
        assert not isinstance(line, Refusal)
        assert not isinstance(scope, Refusal)
        terms = replace(line.terms, due_days=11, late_fee_minor=4_200)
        change = changes.propose(tx, scope, terms, line.today(now) + timedelta(days=90), "staff:a", now)
        assert not isinstance(change, Refusal), change
        done = newterms.decide(tx, scene.office, change.id, True, "staff:b", now)
        assert not isinstance(done, Refusal), done


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_the_page_has_old_and_new_side_by_side_and_who_says_no_leaves(
    reader: Reader, scene: Scene, lang: str
):
    guest = scene.guest(lang)
    at = f"/lines/{guest.line}/terms"
    reader.signs_in(guest)
    assert at not in reader.opens("/line").text
    told(scene, guest)
    assert at in reader.opens("/line").text
    text = reader.opens(at).text
    assert "42.00" in text
    assert "11" in text
    reader.sends(f"{at}/reject")
    with scene.db.transaction() as tx:
        line, case = lines.get_line(tx, guest.line), exits_store.of_line(tx, guest.line)[0]
        assert not isinstance(line, Refusal)
        assert (line.drawing_stopped, case.identity) == (True, Identity.VERIFIED)
        assert changes.told_of_line(tx, guest.line) is None
    assert isinstance(case, exits.Exit)
    assert reader.opens(at).url.path == "/line", "nothing is left to answer"
