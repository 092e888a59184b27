"""From a yes to money on its way: the outbox, its retries, and what the ledger says meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from money_shop import Shop, violations

from madoguchi.payments import Accepted, Ambiguous
from madoguchi.services import events, outbox, resolve
from madoguchi.services.wishes import Done, Tell


def refunds(shop: Shop) -> list[tuple[str, int]]:
    return [(state, amount) for state, amount in shop.rows("SELECT state, amount FROM refunds ORDER BY id")]


def test_a_canceled_order_is_refunded_to_its_card_at_once(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer, 9_800, fee=500)

    shop.agree(talk, kind="cancel", order_number=order)

    assert shop.value("SELECT state FROM orders") == "canceled"
    assert refunds(shop) == [("sent", 10_300)]
    assert shop.processor.sent_back(f"pay:{order}:card") == 10_300
    assert violations(shop) == []


def test_a_lost_reply_is_asked_about_and_never_called_again_blind(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer)
    shop.processor.misbehave("*", "lost_reply", times=1)

    shop.agree(talk, kind="cancel", order_number=order)
    assert refunds(shop) == [("pending", 9_800)]  # nobody knows yet

    shop.processor.misbehave("*", "refuse")  # a blind second call would be told no
    shop.clock.move(minutes=1)
    assert outbox.send_due(shop.desk) == 1
    assert refunds(shop) == [("sent", 9_800)]
    assert shop.processor.sent_back(f"pay:{order}:card") == 9_800
    assert violations(shop) == []


@dataclass
class Forgetful:
    """A processor that has forgotten our keys, as Stripe does after a day, and whose first reply is lost."""

    sent: list[str] = field(default_factory=list)

    def refund(self, key: str, charge: str, amount: int, currency: str) -> Accepted:
        self.sent.append(key)
        if len(self.sent) == 1:
            raise Ambiguous("lost")
        return Accepted(f"re_{len(self.sent)}")

    def find_refund(self, key: str, charge: str) -> Accepted | None:
        return Accepted("re_1") if key in self.sent else None

    def charge(self, key: str, source: str, amount: int, currency: str) -> Accepted:
        raise AssertionError("nothing is charged here")

    def find_charge(self, key: str, source: str) -> None:
        return None

    def close(self) -> None:
        """Nothing is open."""


def test_a_call_whose_reply_was_lost_is_not_made_again_even_where_keys_are_forgotten(shop: Shop) -> None:
    customer, talk = shop.customer()
    processor = Forgetful()
    shop.desk = replace(shop.desk, processor=processor)
    shop.agree(talk, kind="cancel", order_number=shop.order(customer))

    shop.clock.move(days=2)
    outbox.send_due(shop.desk)

    assert refunds(shop) == [("sent", 9_800)]
    assert len(processor.sent) == 1


def test_a_yes_to_what_is_no_longer_so_does_nothing(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer)
    key = shop.propose(talk, kind="cancel", order_number=order)
    events.apply(shop.desk, "e", "warehouse.shipped", {"order": order, "tracking": "1"})

    assert resolve.confirm(shop.desk, talk, key) == Tell("proposal_changed")
    assert resolve.confirm(shop.desk, talk, key) == Tell("proposal_changed")
    assert shop.value("SELECT state FROM orders") == "shipped"
    assert refunds(shop) == []


def test_a_processor_that_is_away_is_called_again_later_and_later(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer)
    shop.processor.misbehave("*", "unavailable", times=3)

    shop.agree(talk, kind="cancel", order_number=order)
    waits = []
    for _ in range(2):
        due = shop.value("SELECT due_at FROM outbox")
        assert outbox.send_due(shop.desk) == 0  # not before its time
        shop.clock.move(hours=1)
        outbox.send_due(shop.desk)
        waits.append(due)
    shop.clock.move(hours=1)
    outbox.send_due(shop.desk)

    assert refunds(shop) == [("sent", 9_800)]
    assert shop.value("SELECT attempts FROM outbox") == 4
    assert violations(shop) == []


def test_a_refused_refund_goes_to_a_human_and_is_never_forgotten(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer)
    shop.processor.misbehave(f"pay:{order}:card", "refuse")

    shop.agree(talk, kind="cancel", order_number=order)

    assert refunds(shop) == [("failed", 9_800)]
    assert shop.value("SELECT owner FROM conversations") == "waiting"
    assert shop.value("SELECT handoff_reason FROM conversations") == "refund_refused"
    assert violations(shop) == []


def test_gift_balance_is_credited_in_the_same_moment_without_any_call(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer, paid={"card": 9_800})

    shop.agree(talk, kind="cancel", order_number=order, refund_method="gift_balance")

    assert refunds(shop) == [("settled", 9_800)]
    assert shop.value("SELECT SUM(balance) FROM accounts") == 9_800
    assert shop.rows("SELECT id FROM outbox") == []
    assert violations(shop) == []


def test_the_same_yes_a_thousand_times_is_one_effect_and_one_answer(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer)
    key = shop.propose(talk, kind="cancel", order_number=order)

    answers = [resolve.confirm(shop.desk, talk, key) for _ in range(1_000)]

    assert isinstance(answers[0], Done)
    assert all(answer == answers[0] for answer in answers)
    assert len(refunds(shop)) == 1
    assert violations(shop) == []


def test_a_frozen_order_keeps_even_a_released_refund_back(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer)
    shop.processor.misbehave("*", "unavailable", times=1)
    shop.agree(talk, kind="cancel", order_number=order)
    with shop.store.writing() as session:
        session.connection().exec_driver_sql("UPDATE orders SET frozen_at = placed_at")

    shop.clock.move(hours=2)
    assert outbox.send_due(shop.desk) == 0
    assert shop.processor.sent_back(f"pay:{order}:card") == 0

    with shop.store.writing() as session:
        session.connection().exec_driver_sql("UPDATE orders SET frozen_at = NULL")
    assert outbox.send_due(shop.desk) == 1
    assert refunds(shop) == [("sent", 9_800)]


def test_a_bank_transfer_waits_until_there_is_an_account(shop: Shop) -> None:
    customer, talk = shop.customer()
    order = shop.order(customer, paid={"convenience_store": 9_800})

    shop.agree(talk, kind="cancel", order_number=order, refund_method="bank_transfer")
    shop.clock.move(days=3)

    assert outbox.send_due(shop.desk) == 0
    assert shop.rows("SELECT kind, state, attempts FROM outbox") == [("bank_transfer", "ready", 0)]
    assert refunds(shop) == [("pending", 9_800)]
    assert violations(shop) == []
