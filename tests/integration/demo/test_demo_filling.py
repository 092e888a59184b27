"""The demo shop: filled once, the same for the same seed, with every state a customer can be in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from madoguchi.demo import fill_once
from madoguchi.demo.catalogue import listing
from madoguchi.demo.times import local_day
from madoguchi.policy.terms_file import load_terms
from madoguchi.policy.vocabulary import AuthorizationState, InspectionResult, OrderState, PaymentMethod
from madoguchi.store import (
    Base,
    Customer,
    GuaranteeClaim,
    Inquiry,
    Intent,
    LedgerEntry,
    Membership,
    Notice,
    Order,
    OrderLine,
    Payment,
    Product,
    Refund,
    ReturnAuthorization,
    Seller,
    Store,
    Variant,
)
from tests.integration.demo.conftest import NOW

ROOT = Path(__file__).parents[3]
JUST_AFTER_MIDNIGHT = datetime(2026, 11, 22, 15, 4, tzinfo=UTC)


def content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table of ours."""
    with store.reading() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


class TestFillingOnce:
    def test_the_same_seed_and_now_give_the_same_shop(self, shop: Store, empty: Store) -> None:
        fill_once(empty, now=NOW)
        assert content(empty) == content(shop)

    def test_another_seed_gives_another_shop(self, shop: Store, empty: Store) -> None:
        fill_once(empty, now=NOW, seed=2)
        assert content(empty)["orders"] != content(shop)["orders"]

    def test_a_store_with_a_customer_is_left_alone(self, empty: Store) -> None:
        with empty.writing() as session:
            session.add(Customer(reference="own-1", name="本物 太郎", email="taro@example.jp"))
        before = content(empty)
        assert not fill_once(empty, now=NOW)
        assert content(empty) == before

    def test_a_filled_shop_is_left_alone(self, shop: Store) -> None:
        before = content(shop)
        assert not fill_once(shop, now=NOW + timedelta(days=9), seed=7)
        assert content(shop) == before

    def test_it_fills_just_after_midnight_too_and_nothing_lies_in_the_future(self, empty: Store) -> None:
        assert fill_once(empty, now=JUST_AFTER_MIDNIGHT)
        with empty.reading() as session:
            for column in (Order.placed_at, Order.shipped_at, Order.delivered_at, Notice.at, Refund.created_at,
                           LedgerEntry.booked_at, Intent.confirmed_at, Membership.joined_at):  # fmt: skip
                latest = session.scalar(select(func.max(column)))
                assert latest is not None
                assert latest <= JUST_AFTER_MIDNIGHT, column


class TestWhatTheShopHolds:
    def test_it_is_as_large_as_promised(self, shop: Store) -> None:
        with shop.reading() as session:
            assert session.scalar(select(func.count()).select_from(Customer)) >= 300
            assert session.scalar(select(func.count()).select_from(Seller)) == 20
            assert session.scalar(select(func.count()).select_from(Order)) >= 2200
            assert session.scalar(select(func.count()).select_from(Product)) >= 115

    def test_every_state_of_an_order_is_there(self, shop: Store) -> None:
        with shop.reading() as session:
            for state in OrderState:
                of_state = select(func.count()).where(Order.state == state.value)
                assert session.scalar(of_state.where(Order.seller_id.is_(None))) >= 20, state
                assert session.scalar(of_state.where(Order.seller_id.is_not(None))) >= 10, state

    @pytest.mark.parametrize("state", ["planned", "pending", "sent", "settled", "failed", "voided"])
    def test_every_state_of_a_refund_is_there(self, shop: Store, state: str) -> None:
        with shop.reading() as session:
            assert session.scalar(select(func.count()).where(Refund.state == state)) >= 3

    def test_every_state_of_a_return_is_there(self, shop: Store) -> None:
        with shop.reading() as session:
            states = set(session.scalars(select(ReturnAuthorization.state)))
            found = set(session.scalars(select(ReturnAuthorization.inspection))) - {None}
            assert states == {state.value for state in AuthorizationState}
            assert found == {result.value for result in InspectionResult}
            assert set(session.scalars(select(ReturnAuthorization.route))) == {"send_back", "refuse_at_door"}
            assert set(session.scalars(select(ReturnAuthorization.payer))) == {"shop", "customer", "nobody"}

    def test_every_way_to_pay_is_there_and_so_are_split_payments(self, shop: Store) -> None:
        with shop.reading() as session:
            assert set(session.scalars(select(Payment.method))) == {method.value for method in PaymentMethod}
            parts = select(Payment.order_number).where(Payment.order_number.is_not(None)).group_by(Payment.order_number)
            assert len(session.scalars(parts.having(func.count() > 1)).all()) >= 100

    def test_marketplace_troubles_are_there(self, shop: Store) -> None:
        with shop.reading() as session:
            open_ones = session.scalars(select(Inquiry).where(Inquiry.state == "open")).all()
            assert {inquiry.subject for inquiry in open_ones} == {"seller_stockout", "conflicting_notice"}
            assert all(inquiry.deadline > NOW for inquiry in open_ones)
            assert set(session.scalars(select(Inquiry.state))) == {"open", "answered", "replaced", "closed"}
            assert set(session.scalars(select(GuaranteeClaim.state))) == {"granted", "review", "refused"}
            assert session.scalar(select(func.count()).where(Order.frozen_at.is_not(None))) >= 5

    def test_deliveries_lie_today_within_and_beyond_the_window(self, shop: Store) -> None:
        with shop.reading() as session:
            days = [
                (local_day(NOW) - local_day(at)).days
                for at in session.scalars(select(Order.delivered_at).where(Order.delivered_at.is_not(None)))
            ]
        assert min(sum(day == 0 for day in days), sum(0 < day <= 30 for day in days)) >= 20
        assert sum(day > 30 for day in days) >= 500

    def test_late_parcels_final_sale_and_digital_content_are_there(self, shop: Store) -> None:
        with shop.reading() as session:
            late = select(func.count()).where(
                Order.state == "shipped", Order.promised_on < local_day(NOW) - timedelta(days=3)
            )
            assert session.scalar(late) >= 5
            lines = select(func.count()).select_from(OrderLine).join(Variant).join(Product)
            assert session.scalar(lines.where(Product.final_sale)) >= 50
            digital = lines.where(Product.kind == "digital")
            assert session.scalar(digital.where(OrderLine.used_at.is_(None))) >= 20
            assert session.scalar(digital.where(OrderLine.used_at.is_not(None))) >= 20

    def test_memberships_are_active_ending_ended_used_and_unused(self, shop: Store) -> None:
        with shop.reading() as session:
            assert set(session.scalars(select(Membership.state))) == {"active", "ending", "ended"}
            running = select(func.count()).where(Membership.state == "active")
            assert session.scalar(running.where(Membership.used_at.is_(None))) >= 5
            assert session.scalar(running.where(Membership.used_at.is_not(None))) >= 5

    def test_final_sale_is_what_the_terms_call_so(self) -> None:
        terms = load_terms(ROOT / "data/policies/shop.yml").at(NOW)
        final = {code for code, category in listing().categories.items() if category.final_sale}
        assert final == set(terms.returns.final_sale_categories)
        assert set(terms.returns.tried_on_counts_as_unopened) <= set(listing().categories)

    def test_every_product_has_its_picture(self, shop: Store) -> None:
        folder = ROOT / "madoguchi/web/static/products"
        with shop.reading() as session:
            images = {str(image) for image in session.scalars(select(Product.image))}
        assert images == {path.name for path in folder.glob("*.svg")}
