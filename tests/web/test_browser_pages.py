"""The window and the shop's pages for everybody: who is signed in, phones, keyboards on screens, screen readers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from madoguchi.store import Order, OrderLine, Product, Variant
from tests.web.browsing import (
    CHOICES,
    CONFIRM,
    DESKTOP,
    PHONE,
    PROGRESS,
    axe_is_content,
    box,
    bubbles,
    fits,
    needs_chromium,
    refuse_posts,
    shows,
    sign_in,
    visiting,
    write,
)
from tests.web.conftest import Site
from tests.web.fakes import saying

pytestmark = needs_chromium


class TestWhoIsHere:
    def test_signing_out_of_the_shop_ends_the_chat(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            write(page, "わたしの話")
            shows(page, "わたしの話", "text:わたしの話")
            page.get_by_role("button", name="サインアウト").click()
            page.wait_for_url("**/")
            assert page.evaluate("() => fetch('/chat/messages').then((answer) => answer.status)") == 401

    def test_signing_out_leaves_no_unsent_words_in_the_browser(self, browser: Browser, shop: Site) -> None:
        kept = "() => JSON.stringify(sessionStorage)"
        with visiting(browser, shop) as page:
            expect(page.get_by_text("自動応答が24時間お答えします")).to_be_visible()
            refuse_posts(page)
            write(page, "まだ届いていない秘密")
            expect(page.get_by_text("送信中")).to_be_visible()
            assert "秘密" in page.evaluate(kept)
            page.get_by_role("button", name="サインアウト").click()
            page.wait_for_url("**/")
            assert "秘密" not in page.evaluate(kept)

    def test_the_next_customer_in_the_same_browser_sees_an_empty_talk(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            write(page, "わたしの話")
            shows(page, "わたしの話", "text:わたしの話")
            sign_in(page.context, shop, "C-2")
            page.reload()
            expect(page.get_by_text("いらっしゃいませ")).to_be_visible()
            page.wait_for_timeout(500)
            assert bubbles(page) == []


class TestPhone:
    def test_the_window_opens_over_the_page_and_gives_the_cursor_back(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop, **PHONE) as page:
            launcher = page.get_by_role("button", name="チャットで相談する")
            launcher.tap()
            panel = page.locator("madoguchi-chat .panel")
            assert panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
            box(page).fill("こんにちは")
            page.get_by_role("button", name="送信", exact=True).tap()
            shows(page, "こんにちは", "text:こんにちは")
            page.get_by_role("button", name="チャットを閉じる").tap()
            expect(launcher).to_be_focused()
            launcher.tap()
            page.keyboard.press("Escape")
            expect(panel).to_be_hidden()

    def test_the_keyboard_does_not_hide_the_input(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop, **PHONE) as page:
            page.get_by_role("button", name="チャットで相談する").tap()
            page.set_viewport_size({"width": 390, "height": 420})
            expect(box(page)).to_be_in_viewport()
            found = box(page).bounding_box()
            assert found is not None
            assert found["y"] + found["height"] <= 420
            assert float(box(page).evaluate("e => getComputedStyle(e).fontSize").removesuffix("px")) >= 16

    def test_nothing_runs_out_of_the_page_sideways(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop, **PHONE | {"viewport": {"width": 320, "height": 640}}) as page:
            assert fits(page)


class TestForEverybody:
    @pytest.mark.parametrize("where", ["/", "/orders", "/shop/warehouse", "/nowhere"])
    def test_axe_finds_nothing_on_the_pages(self, browser: Browser, shop: Site, where: str) -> None:
        with visiting(browser, shop, **DESKTOP, bypass_csp=True) as page:
            page.goto(where)
            page.wait_for_timeout(400)
            axe_is_content(page)

    @pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
    def test_axe_finds_nothing_in_a_full_talk(self, browser: Browser, shop: Site, options: dict) -> None:
        shop.engine.answer = saying({"text": "こちらです"}, CHOICES, CONFIRM, PROGRESS)
        with visiting(browser, shop, **options, bypass_csp=True) as page:
            if options is PHONE:
                page.get_by_role("button", name="チャットで相談する").tap()
            write(page, "不具合です") if options is DESKTOP else self.tap_send(page)
            expect(page.get_by_role("button", name="もう一度注文する")).to_be_visible()
            axe_is_content(page)

    def test_there_is_one_live_region(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            expect(page.get_by_role("log")).to_have_count(1)
            live = "[aria-live], [role=status], [role=alert]"
            assert page.locator(f"madoguchi-chat {live.replace(', ', ', madoguchi-chat ')}").count() == 0

    def tap_send(self, page: Page) -> None:
        box(page).fill("不具合です")
        page.get_by_role("button", name="送信", exact=True).tap()


class TestTheOrderHistory:
    def test_it_shows_what_was_bought(self, browser: Browser, shop: Site) -> None:
        with shop.desk.store.writing() as session:
            product = Product(id=1, reference="p", title="加湿器", category="home", image="air.svg")
            variant = Variant(id=1, reference="v", product=product, price=9800, stock=1, size="M")
            order = Order(
                number="250-1234567-7654321",
                customer_id=1,
                state="delivered",
                shipping_fee=500,
                placed_at=shop.clock() - timedelta(days=5),
                delivered_at=shop.clock() - timedelta(days=3),
            )
            order.lines = [OrderLine(variant=variant, title="加湿器 うるおい", unit_price=9800, quantity=2)]
            session.add(order)
        with visiting(browser, shop) as page:
            card = page.locator(".order")
            expect(card).to_contain_text("注文番号 250-1234567-7654321")
            expect(card).to_contain_text("加湿器 うるおい")
            expect(card).to_contain_text("20,100円")
            expect(card).to_contain_text("お届け済み")
            assert card.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
        with visiting(browser, shop, "C-2") as page:
            expect(page.locator(".order")).to_have_count(0)
