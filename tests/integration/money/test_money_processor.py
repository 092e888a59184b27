"""The built-in processor is an outside party: once per key, never more than charged, and able to misbehave."""

from __future__ import annotations

import threading

import pytest
from money_shop import NOON, Shop

from madoguchi.payments import Accepted, Ambiguous, BuiltinProcessor, Refused, Unavailable


@pytest.fixture
def charge(shop: Shop) -> str:
    """A charge of ¥1,000."""
    customer, _ = shop.customer()
    return f"pay:{shop.order(customer, 1_000)}:card"


def test_the_same_key_is_performed_once_and_answered_the_same(shop: Shop, charge: str) -> None:
    answers = {shop.processor.refund("k", charge, 600, "JPY") for _ in range(50)}

    assert len(answers) == 1
    assert shop.processor.sent_back(charge) == 600


@pytest.mark.parametrize(("amount", "currency"), [(601, "JPY"), (600, "USD")])
def test_a_used_key_with_other_content_is_refused_and_does_nothing(
    shop: Shop, charge: str, amount: int, currency: str
) -> None:
    shop.processor.refund("k", charge, 600, "JPY")

    assert shop.processor.refund("k", charge, amount, currency) == Refused("key_reused_with_other_content")
    assert shop.processor.sent_back(charge) == 600


def test_a_charge_is_never_sent_back_twice_over(shop: Shop, charge: str) -> None:
    assert isinstance(shop.processor.refund("a", charge, 600, "JPY"), Accepted)
    assert shop.processor.refund("b", charge, 401, "JPY") == Refused("more_than_charged")
    assert isinstance(shop.processor.refund("c", charge, 400, "JPY"), Accepted)
    assert shop.processor.refund("d", charge, 1, "JPY") == Refused("more_than_charged")


def test_an_unknown_charge_and_a_worthless_amount_are_refused(shop: Shop, charge: str) -> None:
    assert shop.processor.refund("a", "pay:nobody", 1, "JPY") == Refused("unknown_charge")
    assert shop.processor.refund("b", charge, 0, "JPY") == Refused("more_than_charged")
    assert shop.processor.refund("c", charge, -5, "JPY") == Refused("more_than_charged")
    assert shop.processor.refund("d", charge, 5, "EUR") == Refused("other_currency")


def test_a_lost_reply_has_done_the_work_and_can_be_found(shop: Shop, charge: str) -> None:
    shop.processor.misbehave("*", "lost_reply", times=1)

    with pytest.raises(Ambiguous):
        shop.processor.refund("k", charge, 600, "JPY")

    found = shop.processor.find_refund("k", charge)
    assert isinstance(found, Accepted)
    assert shop.processor.refund("k", charge, 600, "JPY") == found


def test_a_processor_that_is_away_has_done_nothing(shop: Shop, charge: str) -> None:
    shop.processor.misbehave(charge, "unavailable", times=1)

    with pytest.raises(Unavailable):
        shop.processor.refund("k", charge, 600, "JPY")

    assert shop.processor.find_refund("k", charge) is None


def test_it_can_be_told_not_to_answer_questions_either(shop: Shop, charge: str) -> None:
    shop.processor.misbehave("find:*", "unavailable", times=1)

    with pytest.raises(Unavailable):
        shop.processor.find_refund("k", charge)
    assert shop.processor.find_refund("k", charge) is None


def test_a_refused_key_stays_refused(shop: Shop, charge: str) -> None:
    shop.processor.misbehave("k", "refuse", times=1)

    assert shop.processor.refund("k", charge, 600, "JPY") == Refused("refused_by_bank")
    assert shop.processor.refund("k", charge, 600, "JPY") == Refused("refused_by_bank")


def test_a_settlement_told_twice_comes_twice(shop: Shop, charge: str) -> None:
    shop.processor.misbehave("k", "twice")
    shop.processor.refund("k", charge, 600, "JPY")
    far = NOON.replace(year=NOON.year + 5)

    first = shop.processor.notices_due(far)
    shop.processor.acknowledge(first[0].id)
    second = shop.processor.notices_due(far)
    shop.processor.acknowledge(second[0].id)

    assert first == second
    assert shop.processor.notices_due(far) == ()


def test_a_charge_makes_something_that_can_be_sent_back(shop: Shop) -> None:
    taken = shop.processor.charge("c", "card:1", 500, "JPY")
    assert isinstance(taken, Accepted)

    assert shop.processor.charge("c", "card:1", 500, "JPY") == taken
    assert shop.processor.find_charge("c", "card:1") == taken
    assert isinstance(shop.processor.refund("r", taken.reference, 500, "JPY"), Accepted)
    assert shop.processor.refund("s", taken.reference, 1, "JPY") == Refused("more_than_charged")


@pytest.mark.parametrize("keys", ["same", "different"])
def test_32_rivals_never_send_back_more_than_once_or_more_than_charged(shop: Shop, charge: str, keys: str) -> None:
    processor: BuiltinProcessor = shop.processor
    answers: list[Accepted | Refused] = []
    start = threading.Barrier(32)

    def call(number: int) -> None:
        start.wait()
        answers.append(processor.refund("k" if keys == "same" else f"k{number}", charge, 300, "JPY"))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    accepted = {answer for answer in answers if isinstance(answer, Accepted)}
    assert len(answers) == 32
    assert len(accepted) == (1 if keys == "same" else 3)
    assert processor.sent_back(charge) == (300 if keys == "same" else 900)
