"""200 texts that want to be run × every view: they are words everywhere, to the parser and in a real Chromium."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from playwright.sync_api import Browser, expect

from madoguchi.services import conversations, handling
from madoguchi.services.conversations import Reply, Understood
from madoguchi.store import CannedReply, Conversation, Customer, Order, Product, Seller, Staff
from tests.integration.desk.builders import ORDER, conversation, taken
from tests.web.attacks.routes import addresses
from tests.web.attacks.tables import FORBIDDEN_ATTRIBUTES, scripts
from tests.web.browsing import at_desk, needs_chromium, visiting, write
from tests.web.conftest import Site, replies, say, talk
from tests.web.desk.conftest import DeskSite

pytestmark = pytest.mark.usefixtures("no_limits")


class Reader(HTMLParser):
    """Collects what a browser would act on: tags, event handlers, addresses; text is not looked at."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name.startswith("on") or name in FORBIDDEN_ATTRIBUTES:
                self.found.append(f"<{tag} {name}={value}>")
            if name in ("href", "src", "action", "hx-get", "hx-post", "data", "style") and "ran=1" in (value or ""):
                self.found.append(f"<{tag} {name}={value}>")
            if "evil.example" in (value or "") and name not in ("value", "title", "aria-label", "content"):
                self.found.append(f"<{tag} {name}={value}>")
        if tag in ("iframe", "object", "base", "embed", "math", "mglyph", "details-x"):
            self.found.append(f"<{tag}>")
        if tag == "script" and not dict(attributes).get("src"):
            self.found.append("<script> without src")


def acts(html: str) -> list[str]:
    """Return everything of the attacks that a browser would take for more than words."""
    reader = Reader()
    reader.feed(html)
    return [found for found in reader.found if "<svg" not in found or "on" in found]


@pytest.fixture
def poisoned(desk_site: DeskSite) -> tuple[DeskSite, str]:
    """Put every script where people write: messages, notes, answers, names, titles, reasons."""
    world, table = desk_site.world, scripts()
    name = taken(world, ORDER, *table)
    for number, text in enumerate(table[:40]):
        handling.note(world.desk, world.person("sato"), name, f"note{number}", text)
    with world.desk.store.writing() as session:
        session.get_one(Customer, 101).name = table[0]
        session.get_one(Customer, 101).kana = table[1]
        session.get_one(Order, ORDER).customer_id = 101
        for number, product in enumerate(session.query(Product)):
            product.title = table[2 + number]
        session.get_one(Seller, 1).name = table[20]
        session.query(Staff).filter_by(login="suzuki").one().name = table[21]
        session.add(CannedReply(title=table[22], body=table[23]))
    return desk_site, name


def test_the_table_is_whole() -> None:
    assert len(set(scripts())) == 200


def test_the_reader_finds_what_it_is_for() -> None:
    for text in scripts():
        if "onerror" in text and "{" not in text and "</" not in text[:14] and "-->" not in text:
            assert acts(f"<p>{text}</p>"), text


def test_no_page_of_the_desk_takes_a_script_for_more_than_words(poisoned: tuple[DeskSite, str]) -> None:
    desk_site, name = poisoned
    pages = [a for a in addresses(desk_site.site) if a.method == "GET" and not a.streams and a.path.startswith("/desk")]
    seen = 0
    for login in ("sato", "tanaka", "mori", "kato"):
        client = desk_site.browser(login)
        for address in pages:
            for query in ("", "?view=mine", "?q=mark"):
                answer = client.get(address.filled({"id": name}) + query)
                assert acts(answer.text) == [], (login, address)
                seen += answer.text.count("mark0")
    assert seen > 500, "the scripts were on hardly any page, so nothing was proved"


def test_a_problem_page_shows_nothing_of_the_address(shop: Site) -> None:
    client = shop.client(headers={"Accept": "text/html"})
    for text in scripts():
        answer = client.get("/nowhere", params={"q": text})
        assert "mark" not in answer.text
        assert acts(answer.text) == []


def test_the_customers_talk_gives_them_back_as_data(site: Site) -> None:
    client = site.signed_in()
    sent = [text.strip() for text in scripts() if say(client, text).status_code == 202]
    replies(client, min(len(sent), 90))
    answer = client.get("/chat/messages")
    assert len(sent) >= 190
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert {message["text"] for message in talk(client) if message["author"] == "customer"} <= set(sent)


class TestInChromium:
    pytestmark = needs_chromium

    def test_nothing_runs_at_the_agents_desk(self, browser: Browser, poisoned: tuple[DeskSite, str]) -> None:
        desk_site, name = poisoned
        with at_desk(browser, desk_site, "sato") as page:
            strange = list[str]()
            page.on("request", lambda request: strange.append(request.url) if "evil" in request.url else None)
            for where in (f"/desk/c/{name}", "/desk/?view=mine", "/desk/?q=mark", "/desk/accounts", "/desk/canned"):
                page.goto(where)
                page.wait_for_timeout(300)
                assert page.evaluate("window.ran") is None, where
            assert strange == []

    def test_nothing_runs_in_the_customers_window(self, browser: Browser, shop: Site) -> None:
        table = scripts()
        client = shop.signed_in("C-1")
        for text in table[:60]:
            say(client, text)
        replies(client, 55)
        with visiting(browser, shop) as page:
            write(page, table[100])
            expect(page.locator("madoguchi-chat .bubble").last).to_contain_text("mark100")
            page.wait_for_timeout(500)
            assert page.evaluate("window.ran") is None
            assert page.locator("madoguchi-chat iframe, madoguchi-chat script").count() == 0


def test_a_reply_of_the_bot_is_words_too(desk_site: DeskSite) -> None:
    world = desk_site.world
    name = conversation(world, "こんにちは", owner="bot")
    with world.desk.store.writing() as session:
        session.get_one(Conversation, name).owner = "bot"
    turn = conversations.next_turn(world.desk, name)
    if turn is not None:
        conversations.store_replies(world.desk, turn, [Reply(text) for text in scripts()], Understood())
    assert acts(desk_site.browser("sato").get(f"/desk/c/{name}").text) == []
