"""What the tests of the window's own features share: agreeing to things on the demo's store, and looks into it."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
from sqlalchemy import select

from madoguchi.services import events, resolve
from madoguchi.services.wishes import Done, Propose, Wish
from madoguchi.store import Conversation, Customer, Order, OrderLine
from tests.web.conftest import Site

PAGES = {"Accept": "text/html"}
MACHINE, MISTAKE, PANTS, CAMERA, THREE, CONFLICT, LOST, CHAIR = (f"c-000{number}" for number in range(1, 9))
_ids = itertools.count()


def talk_of(site: Site, reference: str) -> str:
    """Return the id of the customer's conversation, which is opened first."""
    client = site.signed_in(reference)
    return str(client.post("/chat/session", json={"token": site.token(reference)}).json()["conversation"])


def agree(site: Site, reference: str, **wish: Any) -> Done:
    """Let the customer ask for something and say yes to what is proposed."""
    talk = talk_of(site, reference)
    step = resolve.consider(site.desk, talk, Wish(**wish))
    assert isinstance(step, Propose), step
    done = resolve.confirm(site.desk, talk, step.intent_key)
    assert isinstance(done, Done), done
    return done


def newest_order(site: Site, reference: str) -> str:
    """Return the number of the customer's newest order."""
    with site.desk.store.reading() as session:
        mine = select(Order.number).join(Customer).where(Customer.reference == reference)
        return str(session.scalar(mine.order_by(Order.placed_at.desc()).limit(1)))


def line_called(site: Site, reference: str, words: str) -> str:
    """Return the line of the customer's that bears these words, as a wish names it."""
    with site.desk.store.reading() as session:
        lines = select(OrderLine.id).join(Order).join(Customer).where(Customer.reference == reference)
        found = session.scalar(lines.where(OrderLine.title.contains(words)).order_by(Order.placed_at.desc()).limit(1))
        return f"line:{found}"


def conversation_of(site: Site, reference: str) -> Conversation:
    """Return the customer's conversation as it is in the store."""
    with site.desk.store.reading() as session:
        return session.scalars(select(Conversation).join(Customer).where(Customer.reference == reference)).one()


def told(site: Site, kind: str, **payload: Any) -> None:
    """Let an event come in from outside, as another program takes it in."""
    assert isinstance(events.apply(site.desk, f"window-{next(_ids)}", kind, payload), events.Applied)


def at_the_shop(site: Site, reference: str) -> httpx.Client:
    """Return a browser signed in at the demo shop, which asks for pages."""
    client = site.client(headers=PAGES)
    assert client.post("/shop/sign-in", data={"customer": reference}).status_code == 303
    return client
