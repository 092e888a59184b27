"""Every route × who asks × whose talk it is, and a fuzzer over the same table: no leak, no 5xx, no trace."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from madoguchi.services import handling
from madoguchi.services.agents import Role
from madoguchi.store import Message
from madoguchi.web.security import MAX_BODY
from tests.integration.desk.builders import ORDER, STAFF, conversation
from tests.web.attacks.routes import Address, addresses
from tests.web.conftest import say
from tests.web.desk.conftest import DeskSite

CASES = 100_000 if os.environ.get("MADOGUCHI_PROVE") else 2_000
SECRET = "ひみつの合言葉は海亀"
OWNERS = ("bot", "waiting", "mine", "closed")
LOGINS = {role.value: next(login for login, _, each in STAFF if each is role) for role in Role}
ASKING = ("nobody", "visitor", "another customer", "invented", *LOGINS)
MAY_READ = frozenset(LOGINS)
"""The staff may read talks; whoever is not among them must never see the secret."""

pytestmark = pytest.mark.usefixtures("no_limits")


def person(desk_site: DeskSite, who: str) -> httpx.Client:
    """Return the browser of whoever asks."""
    site = desk_site.site
    if who in LOGINS:
        return desk_site.browser(LOGINS[who])
    if who == "visitor":
        return site.visitor()
    if who == "another customer":
        return site.signed_in("C-2")
    return site.client(
        headers={"Cookie": "madoguchi_session=x; madoguchi_staff=y; demo_shop=z"} if who != "nobody" else {}
    )


def victim(desk_site: DeskSite, owner: str) -> dict[str, object]:
    """Make a customer's talk with a secret in it, and return what fills the holes of the routes about it."""
    world = desk_site.world
    name = conversation(world, SECRET, owner={"bot": "bot", "closed": "closed"}.get(owner, "waiting"))
    if owner == "mine":
        handling.take(world.desk, world.person("sato"), name)
    with world.desk.store.reading() as session:
        message = session.query(Message.id).filter_by(conversation_id=name).scalar()
    return {"id": name, "message": message, "source": "warehouse", "path": "x", "rest": "x"}


@contextmanager
def asked(client: httpx.Client, method: str, where: str, **options: object) -> Iterator[tuple[int, str]]:
    """Send a request and give its status and its answer, or the beginning of it where it is a stream."""
    with client.stream(method, where, **options) as response:  # type: ignore[arg-type]
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            yield response.status_code, _beginning(response)
        else:
            yield response.status_code, response.read().decode("utf-8", "replace")


def _beginning(response: httpx.Response) -> str:
    read = ""
    with suppress(httpx.ReadTimeout):  # a stream that has nothing to say
        for piece in response.iter_text():
            read += piece
            if "event:" in read:
                break
    return read


def test_no_route_shows_a_talk_to_whom_it_is_none_of_their_business(desk_site: DeskSite) -> None:
    table = [address for address in addresses(desk_site.site) if "logout" not in address.path]
    there = desk_site.browser("sato").get(f"/desk/c/{victim(desk_site, 'waiting')['id']}")
    assert SECRET in there.text, "whoever may read it does, so that its absence elsewhere means something"
    cells = 0
    for who, owner in product(ASKING, OWNERS):
        values, client = victim(desk_site, owner), person(desk_site, who)
        for address in table:
            with asked(client, address.method, address.filled(values)) as (status, text):
                assert status < 500, (who, owner, address)
                assert "Traceback" not in text
                if who not in MAY_READ:
                    assert SECRET not in text, (who, owner, address)
            cells += 1
    assert cells >= 1_000


def test_a_customer_sees_their_own_talk_and_no_address_shows_another(desk_site: DeskSite) -> None:
    site = desk_site.site
    mine, other = site.signed_in("C-2"), site.signed_in("C-3")
    say(mine, SECRET)
    for address in addresses(site):
        with asked(other, address.method, address.filled({})) as (status, text):
            assert status < 500
            assert SECRET not in text, address
    assert SECRET in mine.get("/chat/messages").text


WORDS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            ORDER,
            "1",
            "-1",
            "0",
            "9" * 30,
            "null",
            "' OR 1=1 --",
            "../../etc/passwd",
            "%00",
            "\x00",
            "１２",
            "a" * 5000,
            "🎉",
        ]
    ),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)
NAMES = (
    "id text choice token login password code next words seen minutes order kind amount role name old new again "
    "after view q page title body reason until to customer slot state active number account client_id"
)
FIELDS = st.dictionaries(st.sampled_from(NAMES.split(" ")), WORDS, max_size=5)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Last-Event-ID", "Accept", "HX-Request", "X-Request-ID", "Cookie", "Authorization"]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=40),
    max_size=2,
)
BODIES = st.one_of(
    st.none(),
    st.binary(max_size=300).map(lambda raw: {"content": raw}),
    st.sampled_from([b"[" * 60_000, b"{" * 500, b"\xff" * 100, b" " * 200_000, b'{"id":' * 10_000]).map(
        lambda raw: {"content": raw}
    ),
    VALUES.map(lambda value: {"json": value}),
    FIELDS.map(lambda fields: {"json": fields}),
    FIELDS.map(lambda fields: {"data": fields}),
    FIELDS.map(
        lambda fields: {"files": {name: ("x.png", value.encode("utf-8", "ignore")) for name, value in fields.items()}}
    ),
)


def test_the_fuzzer_finds_no_5xx_and_no_trace(desk_site: DeskSite) -> None:
    table = [address for address in addresses(desk_site.site) if "logout" not in address.path]
    values = victim(desk_site, "mine")
    people = {who: person(desk_site, who) for who in ASKING}

    @seed(23)
    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        who=st.sampled_from(ASKING),
        address=st.sampled_from(table),
        method=st.sampled_from([None] * 8 + ["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH"]),
        hole=st.one_of(st.none(), WORDS),
        query=st.one_of(st.none(), FIELDS),
        headers=HEADERS,
        body=BODIES,
    )
    def attack(
        who: str,
        address: Address,
        method: str | None,
        hole: str | None,
        query: dict[str, str] | None,
        headers: dict[str, str],
        body: dict[str, object] | None,
    ) -> None:
        if address.streams:
            hole = None  # a stream of what is not there has nothing to say, and would be waited for in vain
        where = address.filled(values if hole is None else dict.fromkeys(address.holes, quote(hole, safe="")))
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        if not _can_be_said(body):
            return
        options = {"params": query, "headers": encoded, **(body or {})}
        try:
            with asked(people[who], method or address.method, where, **options) as (status, text):
                assert status < 500, (who, address, status, text[:300])
                assert "Traceback" not in text
        except (httpx.ReadError, httpx.WriteError):
            # A body that is too large is refused before it has all come, and the connection with it.
            assert len((body or {}).get("content", b"")) > MAX_BODY  # type: ignore[arg-type]

    attack()


def _can_be_said(body: dict[str, object] | None) -> bool:
    """Say whether JSON can carry the value at all: infinity and what is no number it cannot."""
    try:
        json.dumps((body or {}).get("json"), allow_nan=False)
    except ValueError:
        return False
    return True
