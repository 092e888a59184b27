"""Acts of an agent for a customer, as the tests look at them, do them, and count what came of them."""

from __future__ import annotations

from sqlalchemy import func, select

from madoguchi.policy.facts import LineQuantity
from madoguchi.services import acting
from madoguchi.services.acting import Preview
from madoguchi.services.planning import Act
from madoguchi.store import OrderLine, Payment
from tests.integration.desk.builders import ORDER, World

DEFECT = Act("defect", ORDER, lines=(LineQuantity("1", 1),))


def line_of(world: World, number: str) -> str:
    """Return the id of the order's first line."""
    with world.desk.store.reading() as session:
        return str(session.scalars(select(OrderLine.id).where(OrderLine.order_number == number)).first())


def shown(world: World, talk: str, act: Act, login: str = "sato") -> Preview:
    """Return the preview of an act, which must be possible."""
    found = acting.preview(world.desk, world.person(login), talk, act)
    assert isinstance(found, Preview), found
    return found


def done(world: World, talk: str, act: Act, key: str = "k1", login: str = "sato") -> object:
    """Look at an act and do it."""
    print_ = shown(world, talk, act, login).fingerprint
    return acting.do(world.desk, world.person(login), talk, key, act, print_)


def count(world: World, model: type) -> int:
    """Return how many rows a table has."""
    with world.desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def refunded(world: World, number: str) -> int:
    """Return what was taken from the order's payment."""
    with world.desk.store.reading() as session:
        return session.scalars(select(Payment.refunded).where(Payment.order_number == number)).one()
