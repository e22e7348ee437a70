"""Every page, in both languages, on a desk in light and on a phone in dark, with and without a script.

What is demanded: the status, one title and one heading in the right language, no fault of axe at WCAG 2.2
AA, nothing wider than 320 px, 44 px for a finger, a focus that is seen, no word of another language or for
machines, a table for each chart, no fault in the console, no breach of the content policy, no other host;
and on every page of a customer nothing that deceives, with the way out in sight.

A scheme changes colours alone and a size changes places alone, so each is judged once.
``WHITESLIP_SHOTS=folder`` keeps four pictures of each page in each language.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import twins
from browser.conftest import DESK, PHONE, RULES, running
from browser.deceptive import faults
from browser.gallery import VIEWS, View
from browser.stage import Stage, build
from litestar import Litestar
from web.portal.scene import SECRET, Scene

from whiteslip.lake import Lake
from whiteslip.store import Database, embedded
from whiteslip.web import console, portal
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

if TYPE_CHECKING:
    from browser.conftest import Visitor

# Of the links of a chart so many are followed, and as many of its table: the others are made alike.
_FOLLOWED = 2
LOCALES = {"zh-CN": "zh-CN", "en": "en-GB"}
NARROW = 320
# What another size or scheme can break; all else is asked once.
SEEN = ["color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable"]
JUDGE = Path(__file__).with_name("gallery.js").read_text().partition("\n")[2]
AXE = Axe().axe_script
SETTLED = """() => Promise.race([new Promise((over) => setTimeout(over, 1000)),
  Promise.allSettled(document.getAnimations().map((each) => each.finished))]).then(() => true)"""
# What has to be pushed aside on a narrow screen (WCAG 1.4.10). A table may be, in a region of its own, and
# the drawing board of a policy, which has a sister without.
PUSHED = """[...document.querySelectorAll('html, body, body *')].filter((node) =>
    node.scrollWidth > node.clientWidth && node.clientWidth > 1
    && !node.matches('.scroll:has(table), .policy-editor *, .unseen, input')
    && (node.matches('html') || /auto|scroll|hidden|clip/.test(getComputedStyle(node).overflowX)))
    .map((node) => `${node.scrollWidth - node.clientWidth} px of ${node.tagName} ${node.className} beyond`)"""
CONTROLS = """[...document.querySelectorAll('main :is(a[href], button, input, select, textarea)')]
    .filter((node) => !node.closest('[data-needs-script]') && node.type !== 'hidden')
    .map((node) => node.tagName + ' ' + (node.name || node.getAttribute('href') || node.innerText)).sort()"""


@pytest.fixture(scope="session")
def stage(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    """The stage and its address. Whoever is first makes it; the others of this run wait for it."""
    home = Path(server.data).parent / "gallery"
    home.mkdir(exist_ok=True)
    place, kept = Lake(home / "lake", bytes(32)), home / "stage.json"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with psycopg.connect(server.url(), autocommit=True) as conn:
                conn.execute("CREATE DATABASE gallery TEMPLATE template STRATEGY FILE_COPY")
            with closing(Database(server.url("gallery"), size=4)) as db:
                build(db, place).keep(kept)
    with closing(Database(server.url("gallery"), size=4)) as db, running(_app(db, place)) as url:
        yield Stage.read(kept), url


def _app(db: Database, place: Lake) -> Litestar:
    settings = WebSettings(secret=SECRET, demo=True, pay_page="https://pay.example/")
    return create_app([*portal.routers, *console.routers], settings, Scene.ports_of(db, place))


def _go(visitor: Visitor, view: View, stage: Stage, url: str, lang: str) -> str:
    """Come to a page as its reader, and do there what the view says. Returns what the server sent."""
    facts, sessions = dict(stage.facts[lang]), stage.sessions[lang]
    context, page = visitor.context, visitor.page
    context.clear_cookies()
    if view.who:
        name = f"session_{view.door}"
        context.add_cookies([{"name": name, "value": sessions[view.who], "url": url}])
    path = view.path.format_map(facts)
    visitor.expected.clear()
    visitor.expect(view.status)
    answer = page.goto(url + path, timeout=90_000)
    assert answer
    if view.do:
        view.do(page, facts)
        page.wait_for_load_state()
    elif answer.status != view.status or urlsplit(page.url).path != path.partition("?")[0]:
        visitor.faults.append(f"{answer.status} at {page.url} for {path}")
    return "" if view.do else answer.text()


def _look(visitor: Visitor, view: View, stage: Stage, lang: str) -> list[str]:
    """All that is wrong with the page as it stands, in both sizes and schemes."""
    page, found = visitor.page, list[str]()
    names = [fact for of in stage.facts.values() for name, fact in of.items() if name.endswith("_name")]
    if page.get_attribute("html", "lang") != lang:
        found.append("another language")
    if page.locator("[data-chart]").count():
        page.wait_for_selector(".plot svg")
    if view.status == 422:
        began = page.title().startswith({"zh-CN": "错误：", "en": "Error: "}[lang])
        if not began or not page.evaluate("document.activeElement.matches('[data-error-summary]')"):
            found.append("an error without a title or without the focus")
    page.evaluate(AXE)
    page.keyboard.press("Tab")
    for (width, height), scheme, rules in (
        (DESK, "light", {"type": "tag", "values": RULES}),
        (PHONE, "dark", {"type": "rule", "values": SEEN}),
    ):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        # Colours that are on their way to the other scheme are nobody's.
        page.evaluate(SETTLED)
        minded = [*_axe(page, rules), *page.evaluate(JUDGE, [lang == "zh-CN", names])]
        if view.is_fair:
            minded += faults(page, chosen=view.chosen)
        found += [f"{width} {scheme} {each}" for each in minded]
        _pictures(visitor, f"{view.door}-{view.label}-{lang}-{width}")
    page.set_viewport_size({"width": NARROW, "height": PHONE[1]})
    # Charts are drawn anew a moment after the page has become narrow.
    pushed = page.evaluate(PUSHED)
    for _ in range(10):
        if not pushed:
            break
        page.wait_for_timeout(100)
        pushed = page.evaluate(PUSHED)
    return [*found, *(f"{NARROW}: {each}" for each in pushed)]


def _pictures(visitor: Visitor, name: str) -> None:
    """In both schemes, where somebody wants them."""
    for scheme in ("dark", "light") if os.environ.get("WHITESLIP_SHOTS") else ():
        visitor.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        visitor.picture(f"{name}-{scheme}")


def _axe(page: Any, rules: dict[str, Any]) -> list[str]:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    minded = page.evaluate(
        """async (options) => (await axe.run(document, options)).violations
        .flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`))""",
        options,
    )
    return list(minded)


def test_every_chart_of_the_desk_has_a_table_a_csv_and_a_pdf_of_equal_totals_and_its_marks_lead_on(
    stage: tuple[Stage, str],
):
    made, url = stage
    cookies = {"session_console": made.sessions["en"]["reviewer"]}
    found, missing, followed, compared = list[str](), list[str](), set[str](), 0
    with httpx.Client(base_url=url, cookies=cookies, timeout=60, headers={"Accept-Language": "en"}) as desk:
        for view in VIEWS:
            if view.door != "console" or view.status != 200:
                continue
            page = desk.get(view.path.format_map(made.facts["en"])).text
            for key, figure in re.findall(r'<figure class="chart" id="([\w-]+)">(.*?)</figure>', page, re.S):
                found.append(key)
                unequal, columns = twins.minded(desk, figure)
                compared += columns
                minded = [*unequal, *_leads(desk, figure, followed)]
                missing += [f"{key} of {view.label}: {each}" for each in minded]
            assert page.count("data-chart=") == len(re.findall(r'<figure class="chart"', page)), view.label
    assert missing == [], "\n".join(missing)
    assert len(found) >= 30, found
    assert compared >= 100, "columns of counts and sums"


def _leads(desk: httpx.Client, figure: str, followed: set[str]) -> list[str]:
    """Links of rows and of marks that lead to no page. What has no cases leads to the CSV."""
    option = json.loads(unescape(re.findall(r'data-chart="([^"]*)"', figure)[0]))
    marks = {href for href in _texts(option) if href.startswith("/console/")}
    rows = {unescape(href) for href in re.findall(r'<th scope="row"[^>]*><a href="([^"]+)"', figure)}
    answered = {
        href: desk.get(href).status_code
        for href in [*sorted(marks - followed)[:_FOLLOWED], *sorted(rows - followed)[:_FOLLOWED]]
    }
    followed |= answered.keys()
    return [f"{href} answers {status}" for href, status in answered.items() if status != 200]


def _texts(option: Any) -> Iterator[str]:
    if isinstance(option, str):
        yield option
    elif isinstance(option, dict | list):
        for part in option.values() if isinstance(option, dict) else option:
            yield from _texts(part)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("door", ["portal", "console"])
def test_every_page_can_be_read_and_used_by_everybody(
    stage: tuple[Stage, str], visit: Callable[..., Visitor], door: str, lang: str
):
    made, url = stage
    with_scripts = visit(locale=LOCALES[lang])
    without = visit(javascript=False, locale=LOCALES[lang])
    found = dict[str, list[str]]()
    for view in VIEWS:
        if view.door != door:
            continue
        with_scripts.page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        with_scripts.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        sent = _go(with_scripts, view, made, url, lang)
        controls = with_scripts.page.evaluate(CONTROLS)
        minded = _look(with_scripts, view, made, lang)
        if not view.do and not view.scripted:
            without.page.set_content(sent)
            missing = set(controls) - set(without.page.evaluate(CONTROLS))
            minded += [f"only with a script: {each}" for each in sorted(missing)]
            if without.page.locator("[data-needs-script]:visible").count():
                minded.append("what needs a script is shown without one")
        minded += with_scripts.faults
        with_scripts.faults.clear()
        if minded:
            found[view.label] = minded
    assert found == {}, "\n".join(f"{view}: {each}" for view, all_ in found.items() for each in all_)
