"""The demo shop's books: every amount is right, nothing before its cause, and the policy can read it all."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, inspect, select, text

from madoguchi.services import facts
from madoguchi.store import (
    Account,
    Inquiry,
    LedgerEntry,
    Membership,
    Notice,
    Order,
    Payment,
    Refund,
    ReturnAuthorization,
    Store,
    Timer,
)
from tests.integration.demo.conftest import NOW


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


def test_foreign_keys_all_point_somewhere(shop: Store) -> None:
    with shop.reading() as session:
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        assert "orders" in inspect(session.connection()).get_table_names()
