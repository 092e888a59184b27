"""A web program on a port of its own, with a fresh store, a fake engine and a clock that tests can turn."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from madoguchi import demo
from madoguchi.bootstrap import Settings, build_desk
from madoguchi.rasa import Engine
from madoguchi.services.desk import Desk
from madoguchi.store import Conversation, Customer, Message
from madoguchi.web.app import assemble
from madoguchi.web.tokens import make_token
from tests.stores import empty_store
from tests.web.fakes import SECRET, FakeEngine

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOP = "https://shop.example.jp"


@dataclass
class Clock:
    """The desk's clock: real time, and what a test adds to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Site:
    """A running web program and everything around it."""

    url: str
    settings: Settings
    desk: Desk
    engine: FakeEngine
    clock: Clock
    app: Any = None
    people: list[httpx.Client] = field(default_factory=list)

    def client(self, **options: Any) -> httpx.Client:
        """Return a fresh browser, so to speak: its own cookies."""
        client = httpx.Client(base_url=self.url, timeout=10, trust_env=False, verify=False, **options)
        self.people.append(client)
        return client

    def token(self, reference: str = "C-1", **changes: Any) -> str:
        """Return a token as the shop signs it."""
        options = {"secret": self.settings.secret_for("shop_token"), "now": self.clock()} | changes
        return make_token(reference, **options)

    def signed_in(self, reference: str = "C-1") -> httpx.Client:
        """Return a browser in which this customer has opened the chat."""
        client = self.client()
        assert client.post("/chat/session", json={"token": self.token(reference)}).status_code == 200
        return client

    def visitor(self) -> httpx.Client:
        """Return a browser in which somebody unknown has opened the chat."""
        client = self.client()
        assert client.post("/chat/session", json={}).status_code == 200
        return client

    def conversation(self, customer: int) -> Conversation:
        """Return the customer's conversation as it is in the store."""
        with self.desk.store.reading() as session:
            return session.query(Conversation).filter_by(customer_id=customer).one()

    def rows(self, **wanted: Any) -> list[Message]:
        """Return messages as they are in the store, in order."""
        with self.desk.store.reading() as session:
            return session.query(Message).filter_by(**wanted).order_by(Message.id).all()


@pytest.fixture(scope="session")
def blank_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty store once; each test gets a copy of the file."""
    path = tmp_path_factory.mktemp("blank") / "blank.db"
    store = empty_store(path)
    with store.writing() as session:
        for number in range(1, 4):
            session.add(
                Customer(id=number, reference=f"C-{number}", name=f"試験 {number}子", email=f"c{number}@example.jp")
            )
    store.close()
    return path


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill the demo's store once; each test gets a copy of the file."""
    path = tmp_path_factory.mktemp("filled") / "demo.db"
    store = empty_store(path)
    demo.fill_once(store)
    store.close()
    return path


@pytest.fixture
def site(tmp_path: Path, blank_store: Path) -> Iterator[Site]:
    """Run one web program for one test."""
    with running(tmp_path, blank_store, demo=False) as site:
        yield site


@pytest.fixture
def shop(tmp_path: Path, blank_store: Path) -> Iterator[Site]:
    """Run one web program with the demo shop's pages for one test."""
    with running(tmp_path, blank_store, demo=True) as site:
        yield site


@contextmanager
def running(tmp_path: Path, blank_store: Path, *, demo: bool) -> Iterator[Site]:
    """Run one web program for the length of a block."""
    shutil.copy(blank_store, tmp_path / "desk.db")
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/desk.db",
        var=tmp_path,
        secret="nothing-but-a-test",
        demo=demo,
        shop_origins=[SHOP],
    )
    clock, engine = Clock(), FakeEngine()
    desk = replace(build_desk(settings), clock=clock)
    caller = Engine("http://engine", SECRET, deadline_s=1.0, transport=engine.transport())
    app = assemble(settings, desk, caller)
    with serving(app) as url:
        site = Site(url, settings, desk, engine, clock, app)
        yield site
        for client in site.people:
            client.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run one Chromium for the tests of a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


class serving:
    """Serve an application on a free port for the length of a block; gives its address."""

    def __init__(self, app: Any) -> None:
        options = {"log_level": "warning", "timeout_graceful_shutdown": 2, "proxy_headers": False}  # as `run` has them
        config = uvicorn.Config(app, host="127.0.0.1", port=0, **options)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        eventually(lambda: self.server.started)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_error: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)


def eventually[T](look: Callable[[], T], *, within_s: float = 8) -> T:
    """Look again and again until what is looked for is true; fail when it does not become so."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"this did not come true within {within_s} s")
        time.sleep(0.02)


def say(client: httpx.Client, text: str, client_id: str | None = None) -> httpx.Response:
    """Send one message."""
    return client.post("/chat/messages", json={"id": client_id or str(uuid.uuid4()), "text": text})


def talk(client: httpx.Client, after: int = 0) -> list[dict[str, Any]]:
    """Return the talk as the window sees it."""
    response = client.get("/chat/messages", params={"after": after})
    assert response.status_code == 200, response.text
    return list(response.json()["messages"])


def replies(client: httpx.Client, count: int) -> list[dict[str, Any]]:
    """Wait for so many of the bot's replies and return them."""
    return eventually(
        lambda: (
            found if len(found := [message for message in talk(client) if message["author"] == "bot"]) >= count else []
        )
    )
