"""Scenes: a shop told in a few lines, with what follows from them, and mistakes told with their place."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from madoguchi.demo.scene import SceneError, build
from madoguchi.services import facts
from madoguchi.store import (
    Account,
    Customer,
    Inquiry,
    Membership,
    Notice,
    Order,
    Product,
    Refund,
    ReturnAuthorization,
    Store,
    Variant,
)
from tests.integration.demo.conftest import NOW


class TestScenes:
    def test_one_line_is_a_whole_scene(self, empty: Store) -> None:
        names = build(empty, {"orders": {"machine": {"title": "振動マシン", "price": 9800}}}, NOW)
        with empty.reading() as session:
            order = session.get_one(Order, names["orders"]["machine"])
            assert (order.state, order.lines[0].title, order.payments[0].captured) == ("delivered", "振動マシン", 9800)
            assert order.delivered_at == NOW - timedelta(days=3)
            assert order.customer_id == names["customers"]["customer"]

    @pytest.mark.parametrize(
        ("words", "state"),
        [
            ({"placed": "-1d"}, "placed"),
            ({"shipped": "-1d"}, "shipped"),
            ({"delivered": "-3d"}, "delivered"),
            ({"state": "preparing"}, "preparing"),
            ({"state": "canceled"}, "canceled"),
            ({"state": "cancel_requested"}, "cancel_requested"),
            ({"seller": True, "inquiry": {"asked": "-20h"}}, "cancel_requested"),
        ],
    )
    def test_the_state_follows_from_what_is_told(self, empty: Store, words: dict[str, object], state: str) -> None:
        names = build(empty, {"orders": {"it": words}}, NOW)
        with empty.reading() as session:
            assert session.get_one(Order, names["orders"]["it"]).state == state

    def test_a_stock_out_that_the_seller_was_asked_about(self, empty: Store) -> None:
        scene = {
            "sellers": {"camera-shop": {"name": "みなとカメラ"}},
            "orders": {
                "camera": {
                    "catalogue": "mirrorless-camera",
                    "seller": "camera-shop",
                    "placed": "-3d",
                    "inquiry": {"asked": "-20h"},
                    "notices": [{"template": "sold_out", "at": "-1d"}],
                }
            },
        }
        names = build(empty, scene, NOW)
        with empty.reading() as session:
            order = session.get_one(Order, names["orders"]["camera"])
            inquiry = session.get_one(Inquiry, names["inquiries"]["camera"])
            (planned,) = session.scalars(select(Refund)).all()
            mail = session.scalars(select(Notice)).one()
            assert order.cancel_request is not None
            assert order.cancel_request["state_before"] == "placed"
            assert inquiry.deadline == NOW + timedelta(hours=28)
            assert (planned.state, planned.amount) == ("planned", 148_000)
            assert (mail.sender, mail.kind) == ("seller", "sold_out")
            assert "みなとカメラ" in mail.body

    def test_split_payments_discount_postage_and_a_gift_balance(self, empty: Store) -> None:
        scene = {
            "customers": {"hanako": {"name": "花田 花子", "phone": "090-1111-2222", "gift_balance": 700}},
            "products": {"pants": {"title": "ハーフパンツ", "price": 2000, "sizes": {"L": 3, "LL": 0}}},
            "orders": {
                "pants": {
                    "lines": [
                        {"product": "pants", "size": "L"},
                        {"title": "帽子", "price": 1000, "quantity": 2, "returned": 1},
                    ],
                    "shipping_fee": 500,
                    "discount": 300,
                    "payments": [{"method": "card"}, {"method": "gift_balance", "amount": 1200}],
                }
            },
        }
        names = build(empty, scene, NOW)
        with empty.reading() as session:
            order = session.get_one(Order, names["orders"]["pants"])
            customer = session.get_one(Customer, names["customers"]["hanako"])
            account = session.scalars(select(Account).where(Account.method == "gift_balance")).one()
            captured = {payment.method: payment.captured for payment in order.payments}
            assert captured == {"card": 3000, "gift_balance": 1200}
            assert (customer.phone, account.balance) == ("+819011112222", 700)
            assert [line.returned_quantity for line in order.lines] == [0, 1]
            stock = session.scalar(select(Variant.stock).where(Variant.reference == names["variants"]["pants LL"]))
            assert stock == 0

    def test_a_return_on_its_way_and_one_that_was_scanned(self, empty: Store) -> None:
        scene = {
            "orders": {
                "open": {"title": "鍋", "returns": [{"created": "-2d"}]},
                "back": {"title": "皿", "returns": [{"created": "-9d", "received": "-2d", "to": "gift_balance"}]},
            }
        }
        names = build(empty, scene, NOW)
        with empty.reading() as session:
            rows = {row.number: row for row in session.scalars(select(ReturnAuthorization))}
            waiting, scanned = rows[names["returns"]["open"][0]], rows[names["returns"]["back"][0]]
            assert (waiting.state, waiting.expires_at, scanned.state) == ("open", NOW + timedelta(days=28), "received")
            refund = session.scalars(select(Refund)).one()
            assert (refund.authorization_id, refund.state, refund.amount) == (scanned.id, "settled", 3000)
            assert session.scalar(select(Account.balance).where(Account.method == "gift_balance")) == 3000

    def test_memberships_and_earlier_claims(self, empty: Store) -> None:
        scene = {
            "customers": {"ken": None},
            "memberships": {
                "main": {"catalogue": "main-membership", "main": True, "joined": "-200d", "used": "-5d"},
                "content": {"price": 980},
            },
            "claims": [{"kind": "defect", "at": "-20d"}, {"kind": "wrong_size", "at": "-50d"}],
            "orders": {"it": {"catalogue": "half-pants", "size": "L"}},
        }
        names = build(empty, scene, NOW)
        with empty.reading() as session:
            membership = session.get_one(Membership, names["memberships"]["content"])
            seen = facts.of_membership(session, membership, NOW).memberships[0]
            assert (seen.used, len(seen.charges), seen.charges[0].payment.captured) == (False, 1, 980)
            order = session.get_one(Order, names["orders"]["it"])
            assert len(facts.of_order(session, order, NOW).claims.approved_at) == 2

    def test_two_scenes_share_a_store(self, empty: Store) -> None:
        scene = {"orders": {"it": {"catalogue": "vibration-machine", "stock": 0, "returns": [{}]}}}
        first, second = build(empty, scene, NOW), build(empty, scene, NOW)
        assert first["orders"]["it"] != second["orders"]["it"]
        assert first["customers"]["customer"] != second["customers"]["customer"]
        with empty.reading() as session:
            machines = session.scalars(select(Product).where(Product.reference == "vibration-machine")).one()
            assert machines.variants[0].stock == 0

    @pytest.mark.parametrize(
        ("scene", "said"),
        [
            ({"order": {}}, "order: there is no such key, did you mean orders"),
            ({"orders": {"a": {"stat": "placed"}}}, "orders.a.stat: there is no such key, did you mean state"),
            ({"orders": {"a": {"placed": "gestern"}}}, "orders.a.placed: must be a time such as -3d"),
            ({"orders": {"a": {"customer": "taro"}}}, "orders.a.customer: there is nothing named taro"),
            ({"orders": {"a": {"catalogue": "moon"}}}, "orders.a.catalogue: the catalogue has no moon"),
            ({"orders": {"a": {"catalogue": "half-pants", "size": "XS"}}}, "has no size XS; sizes are S, M, L, LL, 3L"),
            ({"orders": {"a": {"payments": [{"amount": 1}]}}}, "orders.a.payments: the payments make 1 yen"),
            ({"orders": {"a": {"inquiry": {}}}}, "orders.a: an inquiry or a guarantee needs a seller"),
            ({"orders": {"a": {"refunds": [{"amount": 9999}]}}}, "orders.a.refunds.0: 9999 yen is more than is left"),
        ],
    )
    def test_a_mistake_is_told_with_its_place_and_nothing_is_written(
        self, empty: Store, scene: dict[str, object], said: str
    ) -> None:
        with pytest.raises(SceneError) as told:
            build(empty, scene, NOW)
        assert said in str(told.value)
        with empty.reading() as session:
            assert session.scalar(select(func.count()).select_from(Customer)) == 0
