"""The three cases of the main job, from a real browser to the store of a running desk, and back onto the page.

With MADOGUCHI_PICTURES=docs/pictures the end of each case is kept as a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bench.running import Stack
from madoguchi.store import Membership, Order, OrderLine, Refund, Reorder, ReturnAuthorization, Store
from madoguchi.store.shop import Customer
from tests.web.browsing import PHONE, box, keep_picture, needs_chromium, opened, write

pytestmark = [*needs_chromium, pytest.mark.stack]
ANSWERED_WITHIN_MS = 15_000


@pytest.fixture
def store(stack: Stack) -> Iterator[Store]:
    """The running desk's own store, read from outside."""
    opened = Store(stack.settings.database_url)
    yield opened
    opened.close()


@contextmanager
def customer(browser: Browser, stack: Stack, reference: str, **options: object) -> Iterator[Page]:
    """Sign in at the demo shop as one of its named customers, and open the order history."""
    with opened(browser, stack.url, **options) as page:
        page.goto("/")
        page.locator(f"form:has(input[value='{reference}']) button").click()
        yield page


def hears(page: Page, words: str) -> None:
    """Wait until the desk has said these words."""
    said = page.get_by_role("log").get_by_text(re.compile(words)).last
    expect(said).to_be_visible(timeout=ANSWERED_WITHIN_MS)


def test_the_machine_that_does_not_start_is_returned_refunded_and_ordered_again(
    browser: Browser, stack: Stack, store: Store
) -> None:
    with customer(browser, stack, "c-0001") as page:
        write(page, "振動マシンの電源を入れても動きません")
        hears(page, "9,800円.*(着払い|当店)")
        write(page, "はい")
        hears(page, "R-[A-Z0-9]{4}-[A-Z0-9]{4}")
        page.get_by_role("button", name="もう一度注文する").click()
        hears(page, "ご注文をお受けして|ご注文して|よろしい")
        page.get_by_role("button", name="はい、お願いします").last.click()
        hears(page, "新しいご注文番号|ご注文番号は250-")
        keep_picture(page, "chat-machine")
        with store.reading() as session:
            authorization = session.scalars(
                select(ReturnAuthorization).join(Order).join(Customer).where(Customer.reference == "c-0001")
            ).one()
            assert (authorization.state, authorization.payer) == ("open", "shop")
            assert authorization.reason == "defect"
            placed = session.scalars(select(Reorder).where(Reorder.order_number == authorization.order_number)).one()
            assert (placed.state, placed.unit_price) == ("placed", 9800)
            number = authorization.number

        page.goto("/shop/warehouse")
        page.locator(f"form:has(input[value='{number}']) button").click()
        expect(page.get_by_role("status")).to_contain_text(number)
        keep_picture(page, "warehouse-scan")
    with store.reading() as session:
        refund = session.scalars(select(Refund).where(Refund.authorization_id == authorization.id)).one()
        assert refund.amount == authorization.refund_amount
        assert refund.state in ("pending", "sent", "settled")


def test_the_membership_joined_by_mistake_ends_and_is_refunded_at_once(
    browser: Browser, stack: Stack, store: Store
) -> None:
    with customer(browser, stack, "c-0002", **PHONE) as page:
        page.get_by_role("button", name=re.compile("チャット|窓口|相談")).first.click()
        box(page).fill("間違えて有料会員に登録してしまいました")
        page.get_by_role("button", name="送信").click()
        hears(page, "月額.*進めて|よろしい")
        page.get_by_role("button", name="はい、お願いします").click()
        hears(page, "退会し|取り消し.*お返ししました|お返ししました")
        keep_picture(page, "chat-membership-phone")
    with store.reading() as session:
        running = session.scalars(
            select(Membership).join(Customer).where(Customer.reference == "c-0002").order_by(Membership.main)
        ).all()
        assert [(each.main, each.state) for each in running] == [(False, "ended"), (True, "active")]
        refund = session.scalars(select(Refund).where(Refund.charge_id == running[0].charges[-1].id)).one()
        assert refund.amount == running[0].charges[-1].payment.captured
        assert refund.state in ("pending", "sent", "settled")


def test_the_half_pants_are_returned_with_a_question_on_the_way_and_ordered_in_another_size(
    browser: Browser, stack: Stack, store: Store
) -> None:
    with customer(browser, stack, "c-0003") as page:
        write(page, "ハーフパンツ、Lなのに小さすぎます")
        hears(page, "ハーフパンツ.*(着払い|当店)")
        write(page, "返送料はかかりますか")
        hears(page, "返送料は当店が負担します")
        write(page, "はい")
        hears(page, "どのサイズ|別のサイズ")
        page.get_by_role("button", name="LL", exact=True).click()
        hears(page, "LL.*よろしい|LL.*お受けして")
        page.get_by_role("button", name="はい、お願いします").last.click()
        hears(page, "新しいご注文番号|ご注文番号は250-")
        keep_picture(page, "chat-half-pants")
    with store.reading() as session:
        authorization = session.scalars(
            select(ReturnAuthorization).join(Order).join(Customer).where(Customer.reference == "c-0003")
        ).one()
        assert (authorization.state, authorization.payer, authorization.reason) == ("open", "shop", "wrong_size")
        placed = session.scalars(select(Reorder).where(Reorder.order_number == authorization.order_number)).one()
        line = session.scalars(select(OrderLine).where(OrderLine.order_number == placed.new_order_number)).one()
        assert (placed.state, line.variant.size) == ("placed", "LL")
