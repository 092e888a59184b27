"""Who may come in where: every route × role × owner, sessions, foreign pages, and the way through the door."""

from __future__ import annotations

import re
from itertools import product

import httpx
import pytest

from madoguchi.services import agents, handling
from madoguchi.services.agents import PERMISSIONS, Role
from madoguchi.store import Approval, Conversation, Message
from madoguchi.web.desk.doors import COOKIE, Door, safe_next
from madoguchi.web.desk.routes import DOORS
from tests.integration.desk.builders import ORDER, PASSWORD, STAFF, conversation, taken
from tests.web.desk.conftest import DeskSite

OWNERS = ("bot", "waiting", "mine", "others", "closed", "visitor")
LOGINS = {role: next(login for login, _, each in STAFF if each is role) for role in Role}
NEEDS_OWNER = {"reply", "give_back", "close", "snooze", "act_do", "act_preview"}


def address(door: Door, talk: str, message: int) -> str:
    """Return an address of a route, about this conversation."""
    known = {
        "id": talk,
        "message": message,
        "reply:int": 1,
        "approval:int": 1,
        "call:int": 1,
        "account:int": 1,
        "photo": "0" * 32,
    }
    return "/desk" + re.sub(r"\{([\w:]+)\}", lambda match: str(known.get(match[1], known.get("message"))), door.path)


def ask(client: httpx.Client, door: Door, where: str) -> httpx.Response:
    """Send the request of a route; streams are opened and left."""
    if where.endswith("/events"):
        with client.stream("GET", where) as response:
            if response.status_code != 200:  # an open stream is never read to its end
                response.read()
            return response
    return client.request(door.method, where, data={"words": "x", "text": "x"} if door.method == "POST" else None)


def talk_of(desk_site: DeskSite, owner: str, login: str) -> tuple[str, int]:
    """Return a conversation in this hand, and its message."""
    world = desk_site.world
    state = {"bot": "bot", "closed": "closed"}.get(owner, "waiting")
    name = conversation(world, "お願いします", owner=state, customer=None if owner == "visitor" else 101)
    if owner in ("mine", "others"):
        holder = login if owner == "mine" else next(each for each in ("sato", "suzuki") if each != login)
        handling.take(world.desk, world.person(holder), name)
    with world.desk.store.reading() as session:
        return name, session.query(Message.id).filter_by(conversation_id=name).scalar()


@pytest.mark.parametrize("role", Role)
def test_every_route_lets_in_whom_it_may_and_nobody_else(desk_site: DeskSite, role: Role) -> None:
    """Each cell of routes × owners for one role: 403 exactly where the role lacks the permission, never a 5xx."""
    login, cells = LOGINS[role], 0
    for door, owner in product(DOORS, OWNERS):
        if door.page.__name__ == "logout":
            continue
        client = desk_site.browser(login, htmx=True)
        name, message = talk_of(desk_site, owner, login)
        response = ask(client, door, address(door, name, message))
        assert response.status_code < 500, (door, owner)
        forbidden = door.may not in PERMISSIONS[role]
        if forbidden:
            assert not re.search("山田|山●|お願いします|250-0000", response.text), (door, owner)
        if "{" not in door.path or "{id}" in door.path or forbidden:
            assert (response.status_code == 403) is forbidden, (door, owner, response.status_code)
        cells += 1
    assert cells == (len(DOORS) - 1) * len(OWNERS)


@pytest.mark.parametrize("owner", ["bot", "waiting", "others", "closed"])
@pytest.mark.parametrize("login", ["sato", "tanaka", "kato"])
def test_what_only_the_holder_may_do_changes_nothing_for_others(desk_site: DeskSite, owner: str, login: str) -> None:
    name, message = talk_of(desk_site, owner, login)
    before = _state(desk_site, name)
    for door in DOORS:
        if door.page.__name__ in NEEDS_OWNER:
            response = desk_site.browser(login, htmx=True).post(
                address(door, name, message),
                data={
                    "text": "横から",
                    "words": "横から",
                    "seen": "99999",
                    "minutes": "30",
                    "order": ORDER,
                    "kind": "refund",
                },
            )
            if door.page.__name__ not in ("act_preview", "act_do", "close"):
                assert response.status_code == 409, door
    assert _state(desk_site, name) == before


def _state(desk_site: DeskSite, name: str) -> tuple[object, ...]:
    with desk_site.world.desk.store.reading() as session:
        talk = session.get_one(Conversation, name)
        messages = session.query(Message).filter_by(conversation_id=name).count()
        return talk.owner, talk.agent, messages, session.query(Approval).count()


@pytest.mark.parametrize("cookie", [None, "", "x" * 43, "../../etc", "' OR 1=1 --"])
def test_without_a_session_every_route_leads_to_the_door(desk_site: DeskSite, cookie: str | None) -> None:
    name, message = talk_of(desk_site, "waiting", "sato")
    client = desk_site.site.client()
    if cookie is not None:
        client.headers["Cookie"] = f"{COOKIE}={cookie}"
    for door in DOORS:
        response = ask(client, door, address(door, name, message))
        assert (response.status_code, response.headers["location"][:17]) == (303, "/desk/login?next=")
    assert client.get("/desk/nothing/here").headers["location"] == "/desk/login"


def test_a_customers_session_opens_nothing_here(desk_site: DeskSite) -> None:
    client = desk_site.site.signed_in("C-1")
    assert client.get("/desk/").status_code == 303


def test_coming_in_and_going_out(desk_site: DeskSite) -> None:
    client = desk_site.site.client()
    assert "ログイン" in client.get("/desk/login").text
    refused = client.post("/desk/login", data={"login": "sato", "password": "wrong"})
    assert (refused.status_code, COOKIE in client.cookies) == (403, False)
    opened = client.post("/desk/login", data={"login": "sato", "password": PASSWORD, "next": "/desk/calls"})
    assert (opened.status_code, opened.headers["location"]) == (303, "/desk/calls")
    flags = opened.headers["set-cookie"].lower()
    assert all(flag in flags for flag in ("httponly", "samesite=strict", "path=/desk"))
    assert client.get("/desk/calls").status_code == 200
    client.post("/desk/logout")
    assert client.get("/desk/calls").status_code == 303


def test_a_given_password_leads_to_its_change_before_anything_else(desk_site: DeskSite) -> None:
    agents.add(desk_site.world.desk, "staff:6", "shinjin", "新人", Role.AGENT, PASSWORD)
    client = desk_site.site.client()
    client.post("/desk/login", data={"login": "shinjin", "password": PASSWORD})
    for where in ("/desk/", "/desk/calls", "/desk/figures"):
        assert client.get(where).headers["location"] == "/desk/password"
    new = {"old": PASSWORD, "new": "my very own words", "again": "my very own words"}
    assert client.post("/desk/password", data=new).status_code == 200
    assert client.get("/desk/").status_code == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_page_cannot_make_an_agent_act(desk_site: DeskSite, headers: dict[str, str]) -> None:
    name, _ = talk_of(desk_site, "waiting", "sato")
    before = _state(desk_site, name)
    response = desk_site.browser("sato").post(f"/desk/c/{name}/take", headers=headers)
    assert response.status_code == 403
    assert _state(desk_site, name) == before


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/desk\\..\\x", "javascript:alert(1)", "", None],
)
def test_the_way_on_stays_in_the_desk(wanted: str | None) -> None:
    assert safe_next(wanted) == "/desk"


SCRIPTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'-alert(1)-'",
    "{{7*7}}{% raw %}",
    '<a href="javascript:alert(1)">x</a>',
    "</textarea><script>alert(1)</script>",
    '<div hx-get="/desk/logout" hx-trigger=load>',
    "&lt;script&gt;",
    "＜script＞alert(1)＜/script＞",
]


@pytest.mark.parametrize("payload", SCRIPTS)
def test_what_customers_write_is_never_markup(desk_site: DeskSite, payload: str) -> None:
    world = desk_site.world
    name = taken(world, ORDER, payload)
    handling.note(world.desk, world.person("sato"), name, "n", payload)
    client = desk_site.browser("sato")
    for where in (f"/desk/c/{name}", "/desk/?view=mine", "/desk/?q=script"):
        html = client.get(where).text
        assert "<script>alert" not in html
        assert not re.search(r"<[^>]*\s(onerror|onload)=", html)
        assert "49{%" not in html
        assert 'hx-get="/desk/logout"' not in html
        assert 'href="javascript:' not in html
    assert "script-src 'self'" in client.get("/desk/").headers["content-security-policy"]
