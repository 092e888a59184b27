"""The demo shop and scenes: filled once, the same for the same seed, every state there, and every amount right."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from madoguchi.demo import NAMED, fill_once
from madoguchi.demo.catalogue import listing
from madoguchi.demo.scene import SceneError, build
from madoguchi.demo.times import local_day
from madoguchi.policy.terms_file import load_terms
from madoguchi.policy.vocabulary import AuthorizationState, InspectionResult, OrderState, PaymentMethod
from madoguchi.services import facts
from madoguchi.store import (
    Account,
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
    Timer,
    Variant,
)
from madoguchi.store.migrate import upgrade

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
JUST_AFTER_MIDNIGHT = datetime(2026, 11, 22, 15, 4, tzinfo=UTC)


def empty_store(folder: Path) -> Store:
    """Return a store with the newest schema and nothing in it."""
    store = Store(f"sqlite:///{folder}/shop.db")
    upgrade(store)
    return store


def content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table of ours."""
    with store.reading() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A filled shop, for tests that only look."""
    store = empty_store(tmp_path_factory.mktemp("shop"))
    assert fill_once(store, now=NOW)
    return store


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return empty_store(tmp_path)


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


class TestTheBooksAreRight:
    def test_what_was_captured_is_what_the_order_comes_to(self, shop: Store) -> None:
        with shop.reading() as session:
            for order in session.scalars(select(Order)):
                price = sum(line.unit_price * line.quantity for line in order.lines)
                captured = sum(payment.captured for payment in order.payments)
                assert captured == price - order.discount + order.shipping_fee, order.number

    def test_refunds_make_up_what_each_payment_says_and_never_pass_it(self, shop: Store) -> None:
        refunded: dict[int, int] = defaultdict(int)
        with shop.reading() as session:
            for refund in session.scalars(select(Refund).where(Refund.state != "voided")):
                refunded[refund.payment_id] += refund.amount
            for payment in session.scalars(select(Payment)):
                assert payment.refunded == refunded[payment.id] <= payment.captured

    def test_gift_balances_are_what_the_ledger_says(self, shop: Store) -> None:
        balance: dict[str, int] = defaultdict(int)
        with shop.reading() as session:
            for entry in session.scalars(select(LedgerEntry)):
                balance[entry.credit] += entry.amount
                balance[entry.debit] -= entry.amount
            accounts = session.scalars(select(Account).where(Account.method == "gift_balance")).all()
        assert all(account.balance == balance[account.reference] for account in accounts)
        assert sum(account.balance > 0 for account in accounts) >= 60

    def test_every_yen_captured_and_released_is_in_the_ledger(self, shop: Store) -> None:
        with shop.reading() as session:
            booked = dict(session.execute(select(LedgerEntry.key, LedgerEntry.amount)).all())
            for payment in session.scalars(select(Payment).where(Payment.captured > 0)):
                assert booked[f"{payment.reference}:captured"] == payment.captured
            for refund in session.scalars(select(Refund)):
                assert (f"{refund.key}:released" in booked) == (refund.state not in ("planned", "voided"))
                assert (f"{refund.key}:sent" in booked) == (refund.state in ("sent", "settled"))
            owed = select(func.coalesce(func.sum(Refund.amount), 0)).where(Refund.state.in_(["pending", "failed"]))
            credit = select(func.sum(LedgerEntry.amount)).where(LedgerEntry.credit == "payable:refunds")
            debit = select(func.sum(LedgerEntry.amount)).where(LedgerEntry.debit == "payable:refunds")
            assert session.scalar(credit) - session.scalar(debit) == session.scalar(owed)

    def test_nothing_happens_before_its_cause(self, shop: Store) -> None:
        with shop.reading() as session:
            orders = {order.number: order for order in session.scalars(select(Order))}
            for order in orders.values():
                steps = [at for at in (order.placed_at, order.shipped_at, order.delivered_at) if at]
                assert steps == sorted(steps), order.number
            for row, at in (
                *((notice, notice.at) for notice in session.scalars(select(Notice))),
                *((refund, refund.created_at) for refund in session.scalars(select(Refund))),
                *((inquiry, inquiry.asked_at) for inquiry in session.scalars(select(Inquiry))),
            ):
                if row.order_number is not None:
                    assert at >= orders[row.order_number].placed_at, row
            for authorization in session.scalars(
                select(ReturnAuthorization).where(ReturnAuthorization.route == "send_back")
            ):
                arrived = orders[authorization.order_number].delivered_at
                assert arrived is not None
                assert arrived <= authorization.created_at
                assert authorization.received_at is None or authorization.received_at > authorization.created_at

    def test_the_worker_finds_no_clock_that_ran_out_before_the_shop_opened(self, shop: Store) -> None:
        with shop.reading() as session:
            assert session.scalars(select(Timer.key).where(Timer.due_at <= NOW, Timer.done_at.is_(None))).all() == []
            waiting = set(session.scalars(select(Timer.subject).where(Timer.done_at.is_(None),
                                                                      Timer.kind == "seller_deadline")))  # fmt: skip
            open_ones = session.scalars(select(Inquiry.id).where(Inquiry.state == "open")).all()
            assert waiting == {str(number) for number in open_ones}

    def test_the_policy_reads_every_order_with_a_trouble_and_every_membership(self, shop: Store) -> None:
        troubled = select(Refund.order_number).union(
            select(ReturnAuthorization.order_number), select(Inquiry.order_number)
        )
        with shop.reading() as session:
            for order in session.scalars(select(Order).where(Order.number.in_(troubled))):
                seen = facts.of_order(session, order, NOW).order
                assert seen is not None
                assert all(payment.refunded + payment.reserved <= payment.captured for payment in seen.payments)
            for membership in session.scalars(select(Membership)):
                assert facts.of_membership(session, membership, NOW).memberships[0].charges


class TestTheNamedCustomers:
    def test_each_can_sign_in_under_their_name(self, shop: Store) -> None:
        with shop.reading() as session:
            names = dict(session.execute(select(Customer.reference, Customer.name)).all())
        assert len(NAMED) >= 5
        assert all(names[each.reference] == each.name for each in NAMED)

    def test_the_machine_is_the_only_article_in_its_window(self, shop: Store) -> None:
        with shop.reading() as session:
            order = only_recent(shop, session, "c-0001")
            assert (order.state, order.seller_id, order.lines[0].unit_price) == ("delivered", None, 9800)
            assert "振動マシン" in order.lines[0].title
            assert [payment.method for payment in order.payments] == ["card"]
            assert (local_day(NOW) - local_day(order.delivered_at)).days == 3  # type: ignore[arg-type]

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
            line = only_recent(shop, session, "c-0003").lines[0]
            stock = {variant.size: variant.stock for variant in line.variant.product.variants}
            assert ("ハーフパンツ" in line.title, line.variant.size) == (True, "L")
            assert min(stock["LL"], stock["3L"]) > 0

    def test_the_camera_is_sold_out_in_the_sellers_own_words(self, shop: Store) -> None:
        with shop.reading() as session:
            order = only_recent(shop, session, "c-0004")
            assert (order.state, order.lines[0].unit_price) == ("placed", 148_000)
            assert order.seller_id is not None
            mails = session.scalars(select(Notice).where(Notice.order_number == order.number)).all()
            assert ("seller", "sold_out") in {(mail.sender, mail.kind) for mail in mails}

    def test_the_others_have_their_troubles(self, shop: Store) -> None:
        with shop.reading() as session:
            cancel = recent(session, "c-0005")
            assert sorted(order.state for order in cancel) == ["placed", "placed", "preparing"]
            assert max(len(order.lines) for order in cancel) == 3
            conflict = only_recent(shop, session, "c-0006")
            kinds = session.scalars(
                select(Notice.kind).where(Notice.order_number == conflict.number).order_by(Notice.at)
            )
            assert list(kinds)[-2:] == ["canceled", "shipped"]
            missing = only_recent(shop, session, "c-0007")
            assert (local_day(NOW) - local_day(missing.delivered_at)).days == 1  # type: ignore[arg-type]
            assert only_recent(shop, session, "c-0008").payments[0].method == "convenience_store"


def recent(session, reference: str) -> list[Order]:  # type: ignore[no-untyped-def]
    """Return a customer's orders that can still be canceled or returned."""
    orders = session.scalars(select(Order).join(Customer).where(Customer.reference == reference)).all()
    return [order for order in orders if order.delivered_at is None or NOW - order.delivered_at < timedelta(days=31)]


def only_recent(shop: Store, session, reference: str) -> Order:  # type: ignore[no-untyped-def]
    """Return the one such order."""
    (order,) = recent(session, reference)
    return order


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


def test_foreign_keys_all_point_somewhere(shop: Store) -> None:
    with shop.reading() as session:
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        assert "orders" in inspect(session.connection()).get_table_names()
