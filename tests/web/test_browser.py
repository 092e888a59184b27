"""The chat window in a real Chromium: what a customer with a Japanese keyboard and a bad line goes through."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from madoguchi.store import Choice
from tests.web.browsing import (
    CHOICES,
    CONFIRM,
    PROGRESS,
    box,
    bubbles,
    needs_chromium,
    refuse_posts,
    shows,
    visiting,
    write,
)
from tests.web.conftest import Site, eventually
from tests.web.fakes import saying

pytestmark = needs_chromium


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
