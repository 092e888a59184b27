"""The desk's pages on a running web program, with people of the staff who are signed in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import httpx
import pytest

from madoguchi.store import StaffSession
from madoguchi.web.desk.doors import COOKIE
from tests.integration.desk.builders import Clock, World, world_on
from tests.web.conftest import Site


@dataclass
class DeskSite:
    """A running program whose store is filled; `world` reaches behind it."""

    site: Site
    world: World

    def secret(self, login: str) -> str:
        """Open a session for somebody and return its secret."""
        secret, now = secrets.token_urlsafe(32), self.world.clock()
        with self.world.desk.store.writing() as session:
            session.add(
                StaffSession(
                    secret_hash=hashlib.sha256(secret.encode()).hexdigest(),
                    staff_id=self.world.person(login).id,
                    opened_at=now,
                    seen_at=now,
                    expires_at=now.replace(year=now.year + 1),
                )
            )
        return secret

    def browser(self, login: str | None, *, htmx: bool = False) -> httpx.Client:
        """Return a browser in which this person is signed in, or nobody."""
        client = self.site.client(headers={"HX-Request": "true"} if htmx else {})
        if login is not None:
            client.cookies.set(COOKIE, self.secret(login), domain="127.0.0.1", path="/desk")
        return client


@pytest.fixture
def desk_site(site: Site) -> DeskSite:
    """Run one web program over a filled store."""
    clock = Clock(site.clock())
    object.__setattr__(site.desk, "clock", clock)  # one clock for the program and the test
    return DeskSite(site, world_on(site.desk, clock))
