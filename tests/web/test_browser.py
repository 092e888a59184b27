"""The chat window in a real Chromium: what a customer with a Japanese keyboard, a phone and a bad line goes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from madoguchi.store import Choice, Order, OrderLine, Product, Variant
from tests.web.conftest import Site, eventually
from tests.web.fakes import saying

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium at /usr/bin/chromium"),
]

CHOICES = {
    "custom": {
        "card": "choices",
        "items": [
            {
                "title": "加湿器",
                "detail": "11月20日にお届け",
                "image": "air.svg",
                "price": "9,800円",
                "payload": "/inform{}",
            },
            {
                "title": "炊飯器",
                "detail": "10月2日にお届け",
                "image": "air.svg",
                "price": "19,800円",
                "payload": "/inform{}",
            },
        ],
    }
}
CONFIRM = {
    "text": "次の内容でよろしいでしょうか。",
    "custom": {"card": "confirm", "rows": [{"label": "ご返金額", "value": "9,800円"}], "yes": "/affirm", "no": "/deny"},
}
PROGRESS = {
    "text": "返品を承りました。",
    "custom": {
        "card": "progress",
        "steps": [{"label": "受付", "state": "done", "at": "11月23日"}, {"label": "返送", "state": "now", "at": ""}],
    },
    "buttons": [{"title": "もう一度注文する", "payload": "/reorder"}, {"title": "いいえ", "payload": "/deny"}],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, site: Site, customer: str = "C-1", **options: Any) -> Iterator[Page]:
    """Open the order history of a customer in a fresh browser; an error on the page's console fails the test."""
    context = browser.new_context(base_url=site.url, locale="ja-JP", timezone_id="Asia/Tokyo", **(options or DESKTOP))
    context.set_default_timeout(10_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"a dialog opened: {dialog.message}"))
    page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    sign_in(context, site, customer)
    page.goto("/orders")
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def sign_in(context: BrowserContext, site: Site, customer: str) -> None:
    answer = context.request.post("/shop/sign-in", form={"customer": customer}, max_redirects=0)
    assert answer.status == 303


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="メッセージを入力")


def write(page: Page, text: str) -> None:
    box(page).fill(text)
    box(page).press("Enter")


def bubbles(page: Page) -> list[str]:
    return page.locator("madoguchi-chat .bubble").all_inner_texts()


def shows(page: Page, *texts: str) -> None:
    expect(page.locator("madoguchi-chat .bubble")).to_have_text(list(texts))


def refuse_posts(page: Page) -> None:
    """Let nothing out of the page but questions."""
    page.route("**/chat/messages", lambda route: route.abort() if route.request.method == "POST" else route.continue_())


class TestTalking:
    def test_a_case_from_the_first_word_to_the_progress_with_buttons_and_cards(
        self, browser: Browser, shop: Site
    ) -> None:
        script = iter([CHOICES, CONFIRM, PROGRESS, {"text": "ご注文を承りました。"}])

        async def answer(_asked: dict) -> dict:
            return {"replies": [next(script)]}

        shop.engine.answer = answer
        with visiting(browser, shop) as page:
            write(page, "加湿器が動きません")
            page.get_by_role("button", name="加湿器").click()
            page.get_by_role("button", name="お願いします").click()
            expect(page.get_by_role("list", name="お手続きの状況")).to_contain_text("返送")
            expect(page.get_by_role("button", name="お願いします")).to_have_count(0)
            expect(page.get_by_role("button", name="炊飯器")).to_be_disabled()
            page.get_by_role("button", name="もう一度注文する").click()
            shows(
                page,
                "加湿器が動きません",
                "加湿器",
                "次の内容でよろしいでしょうか。",
                "お願いします",
                "返品を承りました。",
                "もう一度注文する",
                "ご注文を承りました。",
            )
        assert [asked.get("payload") for asked in shop.engine.asked] == [None, "/inform{}", "/affirm", "/reorder"]

    def test_it_works_with_the_keyboard_alone_and_never_loses_the_cursor(self, browser: Browser, shop: Site) -> None:
        shop.engine.answer = saying(PROGRESS)
        with visiting(browser, shop) as page:
            write(page, "返品したい")
            button = page.get_by_role("button", name="もう一度注文する")
            expect(button).to_be_visible()
            for _ in range(12):
                page.keyboard.press("Shift+Tab")
                if button.evaluate("element => element.getRootNode().activeElement === element"):
                    break
            page.keyboard.press("Enter")
            expect(box(page)).to_be_focused()
            assert eventually(lambda: len(shop.engine.asked) == 2)

    def test_a_suggestion_is_sent_as_words(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            page.get_by_role("button", name="サイズが合いませんでした").click()
            shows(page, "サイズが合いませんでした", "text:サイズが合いませんでした")
            expect(page.get_by_role("button", name="サイズが合いませんでした")).to_have_count(0)

    def test_markup_is_words(self, browser: Browser, shop: Site) -> None:
        evil = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
        shop.engine.answer = saying(
            {"text": evil, "buttons": [{"title": evil, "payload": "/x"}], "image": "javascript:alert(3)"},
            {"custom": {"card": "confirm", "title": evil, "rows": [{"label": evil, "value": evil}], "yes": "/y"}},
            {"custom": {"card": "choices", "items": [{"title": evil, "image": '"onerror=alert(4)', "payload": "/z"}]}},
            {"custom": {"card": "progress", "steps": [{"label": evil, "state": '"><b>', "at": evil}]}},
            {"custom": {"card": evil}},
        )
        with visiting(browser, shop) as page:
            write(page, evil)
            expect(page.locator("madoguchi-chat .progress")).to_contain_text("onerror")
            shows(page, evil, evil)
            assert page.locator("madoguchi-chat img, madoguchi-chat script, madoguchi-chat b").count() == 0


class TestJapaneseInput:
    def test_enter_during_a_conversion_does_not_send(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            box(page).focus()
            keyboard = page.context.new_cdp_session(page)
            keyboard.send("Input.imeSetComposition", {"text": "返品", "selectionStart": 2, "selectionEnd": 2})
            keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Enter", "windowsVirtualKeyCode": 13})
            keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": "Enter", "windowsVirtualKeyCode": 13})
            page.wait_for_timeout(300)
            assert bubbles(page) == []
            keyboard.send("Input.insertText", {"text": "返品"})
            box(page).press("Enter")
            shows(page, "返品", "text:返品")

    @pytest.mark.parametrize(
        "event", ["{isComposing: true}", "{keyCode: 229}", "{isComposing: true, keyCode: 229}", "{shiftKey: true}"]
    )
    def test_nor_does_an_enter_that_belongs_to_the_conversion_by_either_sign(
        self, browser: Browser, shop: Site, event: str
    ) -> None:
        with visiting(browser, shop) as page:
            box(page).fill("返品したい")
            box(page).evaluate(
                "(input) => input.dispatchEvent(new KeyboardEvent('keydown', "
                f"{{key: 'Enter', bubbles: true, cancelable: true, ...{event}}}))"
            )
            page.wait_for_timeout(200)
            assert bubbles(page) == []
            assert box(page).input_value() == "返品したい"

    def test_lines_break_between_phrases(self, browser: Browser, shop: Site) -> None:
        shop.engine.answer = saying({"text": "商品が届きしだい、ご返金いたします。"})
        with visiting(browser, shop) as page:
            write(page, "いつですか")
            expect(page.locator("madoguchi-chat .theirs .bubble")).to_be_visible()
            pieces = page.locator("madoguchi-chat .theirs .bubble").inner_html().split("<wbr>")
            assert pieces == ["商品が", "届きしだい、", "ご返金いたします。"]

    def test_too_long_a_text_is_held_back_with_a_word(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            box(page).fill("あ" * 4001)
            expect(page.get_by_text("一度に送信できるのは4,000文字までです")).to_be_visible()
            expect(page.get_by_role("button", name="送信", exact=True)).to_be_disabled()
            box(page).press("Enter")
            page.wait_for_timeout(200)
            assert bubbles(page) == []


class TestNothingLost:
    def test_reload_in_the_middle_of_a_turn(self, browser: Browser, shop: Site) -> None:
        shop.engine.answer = saying({"text": "お待たせしました"}, after_s=0.8)
        with visiting(browser, shop) as page:
            write(page, "返金はまだですか")
            expect(page.get_by_text("送信済み")).to_be_visible()
            page.reload()
            shows(page, "返金はまだですか", "お待たせしました")
        assert len(shop.engine.asked) == 1

    def test_two_tabs_show_the_same(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            other = page.context.new_page()
            other.goto("/orders")
            write(page, "一つ目")
            shows(other, "一つ目", "text:一つ目")
            write(other, "二つ目")
            for tab in (page, other):
                shows(tab, "一つ目", "text:一つ目", "二つ目", "text:二つ目")
        assert len(shop.engine.asked) == 2

    def test_what_is_written_without_a_line_is_sent_once_when_it_is_back(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            write(page, "はじめに")
            shows(page, "はじめに", "text:はじめに")
            page.context.set_offline(True)
            write(page, "地下鉄から一通目")
            write(page, "地下鉄から二通目")
            expect(page.get_by_text("通信が途切れています")).to_be_visible()
            page.context.set_offline(False)
            expect(page.locator("madoguchi-chat .bubble")).to_have_count(6)
            mine = page.locator("madoguchi-chat .mine .bubble")
            expect(mine).to_have_text(["はじめに", "地下鉄から一通目", "地下鉄から二通目"])
            expect(page.get_by_text("通信が途切れています")).to_be_hidden()
        assert [asked["text"] for asked in shop.engine.asked] == ["はじめに", "地下鉄から一通目", "地下鉄から二通目"]

    def test_a_lost_acknowledgement_doubles_nothing(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            cut = iter([True, False])

            def lose_the_answer(route: Any) -> None:
                if route.request.method == "POST" and next(cut, False):
                    route.fetch()  # it reaches the desk, its answer does not reach the page
                    route.abort()
                else:
                    route.continue_()

            page.route("**/chat/messages", lose_the_answer)
            write(page, "一度だけ")
            shows(page, "一度だけ", "text:一度だけ")
            page.wait_for_timeout(1200)
            shows(page, "一度だけ", "text:一度だけ")
        assert len(shop.engine.asked) == 1

    def test_what_could_not_be_sent_says_so_and_is_sent_on_retry(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            page.route("**/chat/messages", lambda route: route.abort())
            write(page, "届きますか")
            retry = page.get_by_role("button", name="もう一度送る")
            expect(retry).to_be_visible(timeout=15_000)
            expect(page.get_by_text("送信できませんでした")).to_be_visible()
            page.unroute("**/chat/messages")
            retry.click()
            shows(page, "届きますか", "text:届きますか")

    def test_unsent_words_survive_a_reload(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            expect(page.get_by_role("log")).to_be_visible()
            refuse_posts(page)
            write(page, "消えないでください")
            expect(page.get_by_text("送信中")).to_be_visible()
            page.unroute("**/chat/messages")
            page.reload()
            shows(page, "消えないでください", "text:消えないでください")
        assert len(shop.engine.asked) == 1

    def test_a_refused_button_says_why_and_the_talk_goes_on(self, browser: Browser, shop: Site) -> None:
        shop.engine.answer = saying(PROGRESS)
        with visiting(browser, shop) as page:
            write(page, "返品したい")
            button = page.get_by_role("button", name="もう一度注文する")
            expect(button).to_be_visible()
            token = button.get_attribute("data-token")
            with shop.desk.store.writing() as session:
                session.get_one(Choice, token).used_at = shop.clock()  # pressed on another device, say
            button.click()
            expect(page.locator("madoguchi-chat .mine[data-state=refused]")).to_contain_text(
                "このボタンは使えなくなりました"
            )
            write(page, "もう一度注文します")
            expect(page.locator("madoguchi-chat .theirs .bubble")).to_have_count(2)
            expect(page.locator("madoguchi-chat .mine .bubble")).to_have_text(
                ["返品したい", "もう一度注文する", "もう一度注文します"]
            )
        assert [asked.get("payload") for asked in shop.engine.asked] == [None, None]

    def test_a_stream_that_does_not_come_through_is_replaced_by_polling(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            page.route("**/chat/events*", lambda route: None)  # a proxy that keeps everything to itself
            page.reload()
            write(page, "聞こえますか")
            expect(page.locator("madoguchi-chat .theirs .bubble")).to_have_text("text:聞こえますか", timeout=15_000)

    def test_the_dots_show_while_the_bot_writes_and_are_gone_afterwards(self, browser: Browser, shop: Site) -> None:
        shop.engine.answer = saying({"text": "はい"}, after_s=0.7)
        with visiting(browser, shop) as page:
            dots = page.locator("madoguchi-chat .dots")
            write(page, "どうですか")
            expect(dots).to_be_visible()
            shows(page, "どうですか", "はい")
            expect(dots).to_be_hidden()


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
            assert page.evaluate("document.documentElement.scrollWidth") <= 320


class TestForEverybody:
    @pytest.mark.parametrize("where", ["/", "/orders", "/shop/warehouse", "/nowhere"])
    def test_axe_finds_nothing_on_the_pages(self, browser: Browser, shop: Site, where: str) -> None:
        with visiting(browser, shop, **DESKTOP, bypass_csp=True) as page:
            page.goto(where)
            page.wait_for_timeout(400)
            self.axe_is_content(page)

    @pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
    def test_axe_finds_nothing_in_a_full_talk(self, browser: Browser, shop: Site, options: dict) -> None:
        shop.engine.answer = saying({"text": "こちらです"}, CHOICES, CONFIRM, PROGRESS)
        with visiting(browser, shop, **options, bypass_csp=True) as page:
            if options is PHONE:
                page.get_by_role("button", name="チャットで相談する").tap()
            write(page, "不具合です") if options is DESKTOP else self.tap_send(page)
            expect(page.get_by_role("button", name="もう一度注文する")).to_be_visible()
            self.axe_is_content(page)

    def test_there_is_one_live_region(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop) as page:
            expect(page.get_by_role("log")).to_have_count(1)
            live = "[aria-live], [role=status], [role=alert]"
            assert page.locator(f"madoguchi-chat {live.replace(', ', ', madoguchi-chat ')}").count() == 0

    def tap_send(self, page: Page) -> None:
        box(page).fill("不具合です")
        page.get_by_role("button", name="送信", exact=True).tap()

    def axe_is_content(self, page: Page) -> None:
        # axe tries inline styles, which the pages' policy forbids: these tests open their pages without it.
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]] == []


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
