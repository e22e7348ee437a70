"""No page of leaving deceives; and the detector that says so catches what deceives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from browser.deceptive import asked_twice, faults
from browser.test_apply import bodies, code, fill
from browser.test_portal import Journey
from playwright.sync_api import Browser, Page
from web.portal.scene import Guest, Scene

from whiteslip.exits.offers import Kind, Offer
from whiteslip.store import Database

if TYPE_CHECKING:
    from browser.conftest import Serve, Visitor

    Visit = Callable[..., Visitor]

OUT = "<a href='/close'>Close my line</a>"
PRIMARY = "<button class='button primary'>Confirm</button>"
PLANTED = {
    "shaming": "<p>Are you sure? You will lose your rewards.</p>",
    "shaming, zh": "<p>您真的要离开吗？</p>",
    "shaming, on the button": "<button>狠心离开</button>",
    "second primary": PRIMARY + "<a class='button primary' href='/line'>Stay</a>",
    "outweighed": PRIMARY + "<button class=button style='padding:2em'>Stay</button>",
    "outweighed, louder": "<button class='button primary' style='background:#ddd'>Confirm</button>"
    "<button class=button style='background:#060;color:#fff'>Stay</button>",
    "pre-ticked": "<form><input type=checkbox name=news checked></form>",
    "pre-ticked, a list": "<form><select name=way><option value=pause selected>Pause</select></form>",
    "tick-box wall": "<form>" + "<input type=checkbox name=read>" * 3 + "</form>",
    "countdown": "<p>还剩 30 秒</p>",
    "countdown, by a script": "<p id=n>9</p><script>setInterval(() => n.textContent--, 1000)</script>",
    "countdown, by the page": "<meta http-equiv=refresh content=60>",
    "hidden way out": "<a class=back href='/line' style='position:absolute;left:-999px'>Back</a>",
    "hidden way out, unseen": "<button value=close style='opacity:0'>Close</button>",
    "hidden way out, folded": "<details><summary>More</summary><a href='/close'>Close</a></details>",
    "faint way out": "<a href='/lines/1/leave' style='color:#ccc'>Close</a>",
    "faint way out, small": "<a href='/lines/1/leave' style='font-size:8px'>Close</a>",
    "faint way out, faded": "<a href='/lines/1/leave' style='color:#000;opacity:.15'>Close</a>",
    "unequal": "<ul class=choices><li><button class=choice>Close</button>"
    "<li><button class=choice style='font-size:2em'>Pause</button></ul>",
    "asks again": "<dialog open>One more thing</dialog>",
    "asks again, by a script": "<form hx-confirm='Go on'><button>Close</button></form>",
    "asks again, twice": "<form>" + "<button name=way value=stop>Pause</button>" * 2,
    "asks again, on going away": "<script>window.onbeforeunload = () => 'wait'</script>",
    "unequal, larger": "<ul class=choices><li><button class=choice style='width:9em'>Close</button>"
    "<li><button class=choice style='width:9em;height:9em'>Pause</button></ul>",
    "forced reason": f"<form><textarea name=reason></textarea>{PRIMARY}</form>",
    "forced reason, marked": "<form><input type=radio name=why required></form>",
}
FAIR = f"""<main><a class=back href='/line'>Back</a><h1>Check</h1>
<ul class=choices>
<li><button class=choice style='width:9em'>Close</button>
<li><button class=choice style='width:9em'>Pause</button>
</ul>
<form><input type=checkbox name=firm>
<p class=field><label>Why <span class=optional>(optional)</span></label><textarea name=reason></textarea></p>
{PRIMARY}</form>
<p>Answered within 7 days. You need give no reason.</p></main>"""


@pytest.fixture(scope="module")
def bare(chromium: Browser) -> Page:
    page = chromium.new_page()
    page.clock.install()
    return page


@pytest.mark.parametrize("pattern", PLANTED)
def test_the_detector_catches_what_is_planted_and_calls_it_by_its_name(bare: Page, pattern: str):
    bare.goto("about:blank")
    bare.set_content(f"<main>{PLANTED[pattern]}</main>{OUT}")
    found = faults(bare, seconds=5)
    bare.evaluate("window.onbeforeunload = null")
    assert found, pattern
    assert {each.partition(":")[0] for each in found} == {pattern.partition(",")[0]}


def test_the_detector_minds_nothing_about_a_fair_page_and_a_page_without_a_way_out(bare: Page):
    bare.goto("about:blank")
    bare.set_content(FAIR + OUT)
    assert faults(bare, seconds=5) == []
    bare.set_content("<main><h1>Nothing</h1></main>")
    assert [each.partition(":")[0] for each in faults(bare)] == ["no way out"]
    assert asked_twice(["Choose", "Who", "Choose"]) == ["asks again: Choose"]


@dataclass
class Walk:
    """Goes through the pages and remembers what they are called and what is wrong with them."""

    visitor: Visitor
    url: str
    scene: Scene
    lang: str
    pages: list[str] = field(default_factory=list[str])
    found: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def page(self) -> Page:
        return self.visitor.page

    def looks(self, name: str, path: str | None = None, chosen: tuple[str, ...] = ()) -> str:
        """Look at a page; returns its heading."""
        if path:
            self.page.goto(self.url + path)
        assert self.page.get_attribute("html", "lang") == self.lang
        self.pages.append(name)
        if minded := faults(self.page, chosen=chosen, seconds=5):
            self.found[name] = minded
        for width, height in ((360, 740), (1440, 900)) if self.visitor.shots else ():
            self.page.set_viewport_size({"width": width, "height": height})
            path_of = self.visitor.shots / f"leaving-{name}-{self.lang}-{width}x{height}.png"
            self.page.screenshot(path=path_of, full_page=True)
        self.page.set_viewport_size({"width": 360, "height": 740})
        return self.page.inner_text("h1")

    def signs_in(self, guest: Guest) -> str:
        """Come in; returns the path of the line."""
        self.page.goto(self.url + self.scene.link(guest))
        self.page.click("main form button")
        return f"/lines/{guest.line}"

    def proves(self, guest: Guest) -> None:
        """On the identity page, up to the check page."""
        before = self.scene.codes(guest)
        self.page.fill("#full_name", guest.person.full_name)
        self.page.fill("#id_number", guest.person.id_number)
        self.page.click("button[value=send]")
        self.page.fill("#code", self.scene.code(guest, before))
        self.page.click("#form .button.primary")
        self.page.wait_for_url("**/check")


def leaves(walk: Walk, guest: Guest, name: str) -> None:
    """Forward from the choice to the end, and no question comes twice."""
    at = walk.signs_in(guest)
    walk.looks(f"line-{name}", "/line")
    questions = [walk.looks(f"choose-{name}", f"{at}/leave")]
    walk.page.click("button[value=close]")
    questions.append(walk.looks(f"identity-{name}"))
    walk.proves(guest)
    questions.append(walk.looks(f"check-{name}"))
    walk.page.click("#confirm button")
    walk.page.wait_for_url("**/exits/*")
    questions.append(walk.looks(f"done-{name}"))
    assert asked_twice(questions) == []
    assert len(questions) == 4
    for each in walk.page.query_selector_all("details > summary"):
        each.click()
    walk.looks(f"done-unfolded-{name}")


def goes_another_way(walk: Walk, guest: Guest) -> None:
    """Lower, lock, other users, no code, not mine."""
    at = walk.signs_in(guest)
    for name in ("reduce", "locks", "users", "leave/without-code", "leave/not-mine"):
        walk.looks(name.replace("/", "-"), f"{at}/{name}")
    walk.page.click("#freeze button")
    walk.looks("held")


def withdraws(walk: Walk, guest: Guest) -> None:
    at = walk.signs_in(guest)
    walk.looks("withdraw", f"{at}/withdraw")
    walk.page.click("#form .button.primary")
    walk.looks("withdrawn")


def closes_from_outside(walk: Walk, guest: Guest) -> None:
    walk.page.context.clear_cookies()
    walk.looks("close", "/close")
    for name in ("phone", "full_name", "id_number"):
        walk.page.fill(f"#{name}", getattr(guest.person, name))
    walk.page.click("#form .button.primary")
    walk.looks("close-code")
    walk.page.click("#without-code button")
    walk.looks("close-waiting")


def is_late(walk: Walk, guest: Guest) -> None:
    """Help among the ways, and the plans."""
    at = walk.signs_in(guest)
    walk.looks("choose-late", f"{at}/leave")
    walk.looks("hardship", f"{at}/hardship")
    walk.page.click("main form button.button >> nth=0")
    walk.looks("hardship-agreed", f"{at}/hardship")


def is_declined(walk: Walk) -> None:
    """An application that cannot be carried: the page that says no."""
    page = walk.page
    page.context.clear_cookies()
    walk.looks("apply", "/apply")
    fill(Journey(page), service="6000")
    page.fill("#id_number", "AB1234567")
    page.click("#consent")
    before = bodies(walk.scene)
    page.click("#form .button.primary")
    page.fill("#code", code(walk.scene, before))
    page.click("#form .button.primary")
    page.wait_for_url("**/applications/*")
    walk.looks("apply-declined")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_no_page_of_leaving_deceives(visit: Visit, serve: Serve, db: Database, lang: str):
    scene = Scene(db, offer=Offer("test", Kind.PAUSE, hold_out_percent=0))
    visitor = visit(locale={"zh-CN": "zh-CN", "en": "en-GB"}[lang])
    visitor.expect(409, 422)
    visitor.page.clock.install()
    walk = Walk(visitor, serve(scene.app()), scene, lang)
    clean, full, other, drawn, outside, late = (scene.guest(language=lang) for _ in range(6))
    for guest in (full, drawn, late):
        scene.buys(guest, 90_000, 3)
    scene.ties(full)
    leaves(walk, clean, "clean")
    leaves(walk, full, "full")
    goes_another_way(walk, other)
    withdraws(walk, drawn)
    closes_from_outside(walk, outside)
    is_declined(walk)
    scene.pass_days(75)
    is_late(walk, late)
    assert walk.found == {}
    assert len(walk.pages) == len(set(walk.pages)) >= 25
