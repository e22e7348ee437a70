"""No page is left out of the gallery, in which each is looked at in every way."""

from __future__ import annotations

from browser.gallery import FILES, VIEWS, route_of, routes

from whiteslip.web import console, portal
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app


def test_every_page_is_in_the_gallery():
    app = create_app([*portal.routers, *console.routers], WebSettings(secret=bytes(32), demo=True))
    known = routes(app)
    assert known >= FILES, f"no route answers these files any more: {FILES - known}"
    pages = known - FILES
    seen = {route_of(view.path, known) for view in VIEWS}
    assert pages - seen == set(), "add a line for each to VIEWS (or FILES) of tests/browser/gallery.py"
    assert seen - pages == set(), "these views show no page"


def test_no_two_views_have_one_name():
    names = [(view.label, view.door) for view in VIEWS]
    assert len(names) == len(set(names))
