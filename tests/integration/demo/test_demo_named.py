"""The demo shop's named customers: each has the trouble that the README tells of."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.demo import NAMED
from madoguchi.demo.times import local_day
from madoguchi.store import Customer, Membership, Notice, Order, Store
from tests.integration.demo.conftest import NOW


class TestTheNamedCustomers:
    def test_each_can_sign_in_under_their_name(self, shop: Store) -> None:
        with shop.reading() as session:
            names = dict(session.execute(select(Customer.reference, Customer.name)).all())
        assert len(NAMED) >= 5
        assert all(names[each.reference] == each.name for each in NAMED)

    def test_the_machine_is_the_only_article_in_its_window(self, shop: Store) -> None:
        with shop.reading() as session:
            order = only_recent(session, "c-0001")
            assert (order.state, order.seller_id, order.lines[0].unit_price) == ("delivered", None, 9800)
            assert "振動マシン" in order.lines[0].title
            assert [payment.method for payment in order.payments] == ["card"]
            assert days_since_delivery(order) == 3

    def test_the_plan_joined_by_mistake_is_unused_and_stands_beside_the_main_membership(self, shop: Store) -> None:
        with shop.reading() as session:
            joined = session.scalars(
                select(Membership).join(Customer).where(Customer.reference == "c-0002").order_by(Membership.joined_at)
            ).all()
            main, content_plan = joined
            assert (main.main, main.charges[-1].payment.captured) == (True, 490)
            assert main.used_at is not None
            assert (content_plan.main, content_plan.used_at, len(content_plan.charges)) == (False, None, 1)

    def test_the_half_pants_in_l_have_other_sizes_in_stock(self, shop: Store) -> None:
        with shop.reading() as session:
            line = only_recent(session, "c-0003").lines[0]
            stock = {variant.size: variant.stock for variant in line.variant.product.variants}
            assert ("ハーフパンツ" in line.title, line.variant.size) == (True, "L")
            assert min(stock["LL"], stock["3L"]) > 0

    def test_the_camera_is_sold_out_in_the_sellers_own_words(self, shop: Store) -> None:
        with shop.reading() as session:
            order = only_recent(session, "c-0004")
            assert (order.state, order.lines[0].unit_price) == ("placed", 148_000)
            assert order.seller_id is not None
            mails = session.scalars(select(Notice).where(Notice.order_number == order.number)).all()
            assert ("seller", "sold_out") in {(mail.sender, mail.kind) for mail in mails}

    def test_the_others_have_their_troubles(self, shop: Store) -> None:
        with shop.reading() as session:
            cancel = recent(session, "c-0005")
            assert sorted(order.state for order in cancel) == ["placed", "placed", "preparing"]
            assert max(len(order.lines) for order in cancel) == 3
            conflict = only_recent(session, "c-0006")
            kinds = session.scalars(
                select(Notice.kind).where(Notice.order_number == conflict.number).order_by(Notice.at)
            )
            assert list(kinds)[-2:] == ["canceled", "shipped"]
            assert days_since_delivery(only_recent(session, "c-0007")) == 1
            assert only_recent(session, "c-0008").payments[0].method == "convenience_store"


def recent(session: Session, reference: str) -> list[Order]:
    """Return a customer's orders that can still be canceled or returned."""
    orders = session.scalars(select(Order).join(Customer).where(Customer.reference == reference)).all()
    return [order for order in orders if order.delivered_at is None or NOW - order.delivered_at < timedelta(days=31)]


def only_recent(session: Session, reference: str) -> Order:
    """Return the one such order."""
    (order,) = recent(session, reference)
    return order


def days_since_delivery(order: Order) -> int:
    """Return the calendar days in Japan since an order was delivered."""
    assert order.delivered_at is not None
    return (local_day(NOW) - local_day(order.delivered_at)).days
