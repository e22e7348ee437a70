"""A browser without a screen, in front of the portal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from web.portal.scene import Guest, Scene

from whiteslip.store import Database


class Reader:
    """A browser that follows forms the way a person does: what the page holds goes along."""

    def __init__(self, client: TestClient[Litestar], scene: Scene) -> None:
        self.client = client
        self.scene = scene
        self.page: Response | None = None

    def opens(self, path: str, **query: str) -> Response:
        self.page = self.client.get(path, params=query)
        return self.page

    def sends(self, path: str, **fields: str) -> Response:
        """Press a button of the page that is open."""
        assert self.page is not None
        token = re.search(r'name="form_token" value="([^"]+)"', self.page.text)
        assert token, self.page.text
        self.page = self.client.post(path, data={"form_token": token[1], **fields})
        return self.page

    def signs_in(self, guest: Guest) -> Response:
        link = self.scene.link(guest)
        self.opens(link)
        return self.sends(link)

    def proves(self, guest: Guest) -> Response:
        at = f"/lines/{guest.line}/leave/identity"
        self.opens(at)
        before = self.scene.codes(guest)
        self.sends(at, do="send")
        return self.sends(
            at,
            full_name=guest.person.full_name,
            id_number=guest.person.id_number,
            code=self.scene.code(guest, before),
        )

    def leaves(self, guest: Guest) -> Response:
        """All the way, signed in."""
        self.proves(guest)
        return self.sends(f"/lines/{guest.line}/leave/check")


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)


@pytest.fixture
def reader(scene: Scene) -> Iterator[Reader]:
    with TestClient(scene.app()) as client:
        client.headers["accept-language"] = "en"
        yield Reader(client, scene)


@pytest.fixture
def another(scene: Scene) -> Iterator[Callable[[], Reader]]:
    """Further browsers on the same platform."""
    with TestClient(scene.app()) as client:

        def make() -> Reader:
            client.cookies.clear()
            client.headers["accept-language"] = "en"
            return Reader(client, scene)

        yield make
