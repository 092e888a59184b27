"""The Stripe adapter against a stateful server: our keys, its errors, and replies that never come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stripe_server import StripeServer, running

from madoguchi.payments import Accepted, Ambiguous, Refused, Unavailable
from madoguchi.payments.stripe_card import StripeProcessor


@pytest.fixture
def server() -> Iterator[StripeServer]:
    with running() as server:
        yield server


@pytest.fixture
def stripe(server: StripeServer) -> Iterator[StripeProcessor]:
    processor = StripeProcessor("sk_test_1", api_base=server.address, timeout_s=5)
    yield processor
    processor.close()


def test_the_same_key_is_one_refund(stripe: StripeProcessor, server: StripeServer) -> None:
    answers = {stripe.refund("k", "ch_1", 600, "JPY") for _ in range(10)}
    assert answers == {Accepted("re_1")}
    assert len(server.refunds) == 1


def test_a_payment_intent_is_refunded_as_well(stripe: StripeProcessor) -> None:
    assert stripe.refund("k", "pi_1", 2_000, "JPY") == Accepted("re_1")
    assert stripe.refund("l", "pi_1", 1, "JPY") == Refused("charge_already_refunded")


def test_changed_content_is_refused(stripe: StripeProcessor, server: StripeServer) -> None:
    stripe.refund("k", "ch_1", 600, "JPY")
    assert stripe.refund("k", "ch_1", 601, "JPY") == Refused("key_reused_with_other_content")
    assert len(server.refunds) == 1


@pytest.mark.parametrize("trouble", ["lost_reply", "error"])
def test_a_reply_that_does_not_come_is_ambiguous_and_can_be_asked_about(
    stripe: StripeProcessor, server: StripeServer, trouble: str
) -> None:
    server.trouble = [trouble]
    with pytest.raises(Ambiguous):
        stripe.refund("k", "ch_1", 600, "JPY")
    assert stripe.find_refund("k", "ch_1") == Accepted("re_1")
    assert stripe.find_refund("other", "ch_1") is None
    assert stripe.refund("k", "ch_1", 600, "JPY") == Accepted("re_1")


@pytest.mark.parametrize("trouble", ["rate_limit", "bad_key"])
def test_what_stripe_did_not_take_can_be_called_again(
    stripe: StripeProcessor, server: StripeServer, trouble: str
) -> None:
    server.trouble = [trouble]
    with pytest.raises(Unavailable):
        stripe.refund("k", "ch_1", 600, "JPY")
    assert server.refunds == []


def test_a_key_at_work_elsewhere_is_ambiguous(stripe: StripeProcessor, server: StripeServer) -> None:
    server.trouble = ["conflict"]
    with pytest.raises(Ambiguous):
        stripe.refund("k", "ch_1", 600, "JPY")


def test_a_question_without_an_answer_is_unavailable(stripe: StripeProcessor, server: StripeServer) -> None:
    server.trouble = ["error"]
    with pytest.raises(Unavailable):
        stripe.find_refund("k", "ch_1")


def test_nobody_at_the_address_is_never_taken_for_a_no() -> None:
    away = StripeProcessor("sk_test_1", api_base="http://127.0.0.1:9", timeout_s=1)
    with pytest.raises(Ambiguous):
        away.refund("k", "ch_1", 600, "JPY")
    with pytest.raises(Unavailable):
        away.find_refund("k", "ch_1")


def test_a_charge_of_a_saved_card(stripe: StripeProcessor, server: StripeServer) -> None:
    assert stripe.charge("c", "cus_1/pm_1", 700, "JPY") == Accepted("pi_2", settled=True)
    assert stripe.charge("c", "cus_1/pm_1", 700, "JPY") == Accepted("pi_2", settled=True)
    assert stripe.find_charge("c", "cus_1/pm_1") == Accepted("pi_2", settled=True)
    assert stripe.find_charge("d", "cus_1/pm_1") is None
    assert len(server.intents) == 1


def test_a_declined_card_and_an_unknown_source_are_refused(stripe: StripeProcessor) -> None:
    assert stripe.charge("c", "cus_1/pm_declined", 700, "JPY") == Refused("card_declined")
    assert stripe.charge("d", "card:1", 700, "JPY") == Refused("unknown_source")
