"""Filling an empty store with the demo shop: people, catalogue, and orders in every state the policy knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from sqlalchemy import select

from madoguchi.demo import named, people, seller_troubles, subscriptions, troubles
from madoguchi.demo.buying import Shop, basket, buy, buy_digital, buy_from_seller
from madoguchi.demo.catalogue import stock_up
from madoguchi.demo.purchases import fund_gift
from madoguchi.demo.rows import Rows
from madoguchi.store import Customer, Store

CUSTOMERS, SELLERS = 320, 20

type Recipe = Callable[[Shop], object]

ORDINARY: tuple[tuple[int, Recipe], ...] = (
    (90, lambda shop: buy(shop, "placed", shop.rng.randint(0, 1))),
    (35, lambda shop: buy_from_seller(shop, "placed", shop.rng.randint(0, 2))),
    (80, lambda shop: buy(shop, "preparing", shop.rng.randint(1, 2))),
    (20, lambda shop: buy_from_seller(shop, "preparing", shop.rng.randint(1, 3))),
    (90, lambda shop: buy(shop, "shipped", shop.rng.randint(0, 2))),
    (30, lambda shop: buy_from_seller(shop, "shipped", shop.rng.randint(0, 2))),
    (6, lambda shop: buy(shop, "preparing", shop.rng.randint(6, 9), overdue=shop.rng.randint(1, 3))),
    (30, lambda shop: buy(shop, "delivered", 0)),
    (390, lambda shop: buy(shop, "delivered", shop.rng.randint(1, 30))),
    (80, lambda shop: buy_from_seller(shop, "delivered", shop.rng.randint(1, 30))),
    (60, lambda shop: _final_sale(shop, shop.rng.randint(0, 30))),
    (640, lambda shop: buy(shop, "delivered", shop.rng.randint(31, 540))),
    (150, lambda shop: buy_from_seller(shop, "delivered", shop.rng.randint(31, 540))),
    (90, lambda shop: _final_sale(shop, shop.rng.randint(31, 540))),
    (45, lambda shop: buy_digital(shop, shop.rng.randint(0, 25), used=False)),
    (80, lambda shop: buy_digital(shop, shop.rng.randint(0, 300), used=True)),
)
"""How many of which ordinary orders; the troubles below come on top."""

OWN_STOCK: tuple[tuple[int, Recipe], ...] = (
    (90, lambda shop: troubles.canceled(shop, shop.rng.randint(8, 400))),
    (25, lambda shop: troubles.canceled(shop, shop.rng.randint(0, 3), state="sent")),
    (15, lambda shop: troubles.canceled(shop, shop.rng.randint(3, 60), to="gift_balance")),
    (3, lambda shop: troubles.canceled(shop, shop.rng.randint(1, 5), state="failed", pay="card")),
    (4, troubles.bank_transfer_waits),
    (40, troubles.partly_canceled),
    (25, troubles.cancel_requested),
    (22, troubles.promised_day_passed),
    (40, troubles.return_open),
    (8, troubles.return_reminded),
    (25, lambda shop: troubles.returned(shop, fresh=True)),
    (60, lambda shop: troubles.returned(shop, fresh=False)),
    (6, troubles.inspection_disagrees),
    (10, troubles.return_expired),
    (8, troubles.return_withdrawn),
    (6, troubles.refused_at_door),
    (8, troubles.parcel_not_there),
    (6, troubles.parcel_lost),
    (10, troubles.goodwill_part),
)

OF_SELLERS: tuple[tuple[int, Recipe], ...] = (
    (10, seller_troubles.sold_out),
    (20, seller_troubles.seller_asked),
    (18, seller_troubles.seller_canceled),
    (4, seller_troubles.seller_unclear),
    (8, seller_troubles.conflict),
    (6, seller_troubles.conflict_arrived_fine),
    (5, seller_troubles.shipped_in_error),
    (12, seller_troubles.guarantee_granted),
    (3, lambda shop: seller_troubles.guarantee_reviewed(shop, state="review")),
    (2, lambda shop: seller_troubles.guarantee_reviewed(shop, state="refused")),
)

MEMBERS: tuple[tuple[int, Callable[[Shop, Customer], None]], ...] = (
    (95, subscriptions.main_member),
    (40, subscriptions.reader),
    (15, subscriptions.joined_by_mistake),
    (12, subscriptions.left_long_ago),
)


def fill_once(store: Store, *, now: datetime | None = None, seed: int = 1) -> bool:
    """Fill an empty, migrated store with the demo shop and return True; one with customers stays as it is: False.

    All dates are told from `now` (zone-aware; by default the present); the same seed and now give the same shop.
    """
    with store.writing() as session:
        if session.scalar(select(Customer.id).limit(1)) is not None:
            return False
        rows = Rows(session, now=now or datetime.now(UTC), rng=Random(seed))
        _open_shop(rows, seed)
        rows.write()
    return True


def _open_shop(rows: Rows, seed: int) -> None:
    ours = named.people_first(rows)
    others = people.customers(rows, CUSTOMERS - len(ours), first=len(ours) + 1, seed=seed)
    shop = Shop(rows, stock_up(rows), others, people.sellers(rows, SELLERS))
    named.live(shop, ours)
    for count, recipe in (*ORDINARY, *OWN_STOCK, *OF_SELLERS):
        for _ in range(count):
            recipe(shop)
    _enroll(shop, others)
    for customer in shop.rng.sample(others, 60):
        fund_gift(rows, customer, shop.rng.choice((500, 1000, 3000, 5000, 10000)), shop.ago(shop.rng.randint(1, 200)))


def _enroll(shop: Shop, customers: list[Customer]) -> None:
    """Let customers join; one person joins at most once by each recipe's count, each a different person."""
    joining = iter(shop.rng.sample(customers, sum(count for count, _ in MEMBERS)))
    for count, recipe in MEMBERS:
        for _ in range(count):
            recipe(shop, next(joining))


def _final_sale(shop: Shop, days: int) -> None:
    buy(shop, "delivered", days, items=basket(shop, final_sale=True))
