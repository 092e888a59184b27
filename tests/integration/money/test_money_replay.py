"""Policy replay: the same terms change nothing, other terms change exactly what they speak of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from money_shop import NOON, TERMS, Shop

from madoguchi.services import replay, resolve, returns
from madoguchi.services.replay import Replayed, Verdict
from madoguchi.services.wishes import Wish


@pytest.fixture
def past(shop: Shop) -> Shop:
    """A shop where much has been decided, and much has happened since."""
    customer, talk = shop.customer()
    shop.agree(talk, kind="cancel", order_number=shop.order(customer, 1_000, fee=500))
    defect = shop.order(customer, 9_800, fee=500, state="delivered")
    shop.agree(talk, kind="defect", order_number=defect)
    opened = shop.order(customer, 4_000, state="delivered", delivered_days_ago=10)
    shop.agree(talk, kind="change_of_mind", order_number=opened, condition="opened")
    late = shop.order(customer, 2_000, state="delivered", delivered_days_ago=31)
    resolve.consider(shop.desk, talk, Wish(kind="change_of_mind", order_number=late, condition="unopened"))
    shop.agree(talk, kind="accidental_signup", membership=f"membership:{shop.membership(customer)}")
    shop.clock.move(days=2)
    returns.receive_parcel(shop.desk, shop.rma(defect), "a")
    returns.receive_parcel(shop.desk, shop.rma(opened), "b")
    resolve.consider(shop.desk, talk, Wish(kind="defect", order_number=defect))  # asked again: already refunded
    return shop


def replayed(shop: Shop, **changes: dict[str, object]) -> list[Replayed]:
    terms = TERMS.versions[-1]
    new = terms.model_copy(
        update={name: getattr(terms, name).model_copy(update=change) for name, change in changes.items()}
    )
    return list(replay.replay(shop.desk, new, NOON - timedelta(days=1)))


def test_the_same_terms_give_the_decisions_of_then(past: Shop) -> None:
    found = replayed(past)
    assert [each for each in found if each.changed] == []
    assert [each.before for each in found] == [
        Verdict("approved", 1_500),
        Verdict("approved", 10_300),
        Verdict("approved", 2_000),
        Verdict("declined:window_ended", 0),
        Verdict("approved", 980),
    ]


def test_a_shorter_share_for_opened_articles_changes_their_yen_only(past: Shop) -> None:
    changed = [each for each in replayed(past, returns={"opened_percent": 30}) if each.changed]
    assert [(each.before.amount, each.after.amount) for each in changed] == [(2_000, 1_200)]


def test_a_longer_window_grants_what_was_declined(past: Shop) -> None:
    changed = [each for each in replayed(past, returns={"window_days": 60}) if each.changed]
    assert [(each.before.outcome, each.after) for each in changed] == [
        ("declined:window_ended", Verdict("approved", 2_000))
    ]


def test_requests_before_the_day_are_left_alone(past: Shop) -> None:
    assert list(replay.replay(past.desk, TERMS.versions[-1], NOON + timedelta(days=3))) == []
    assert replay.count(past.desk, NOON - timedelta(days=1)) == 5
