"""The progress of a case in a real Chromium: it changes by itself, on the order history too, and axe is content."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from actions.replies import DOMAIN, Phrasebook, proposal_card
from madoguchi.services import resolve
from madoguchi.services.wishes import Propose, Wish
from madoguchi.store import ReturnAuthorization, Score
from tests.web.browsing import DESKTOP, PHONE, axe_is_content, fits, keep_picture, needs_chromium, visiting, write
from tests.web.conftest import Site
from tests.web.fakes import saying
from tests.web.helping import CAMERA, MACHINE, MISTAKE, agree, line_called, newest_order, talk_of, told

pytestmark = needs_chromium


def tray(page: Page) -> Locator:
    return page.locator("madoguchi-chat details.cases")


def return_the_machine(shop: Site) -> str:
    agree(shop, MACHINE, kind="defect", line=line_called(shop, MACHINE, "振動マシン"))
    with shop.desk.store.reading() as session:
        return session.query(ReturnAuthorization).order_by(ReturnAuthorization.id.desc()).first().number


class TestAReturn:
    def test_it_appears_moves_on_and_ends_without_a_reload(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop, MACHINE, **DESKTOP, bypass_csp=True) as page:
            expect(page.get_by_text("自動応答が24時間お答えします")).to_be_visible()
            expect(tray(page)).to_be_hidden()
            number = return_the_machine(shop)
            expect(tray(page)).to_contain_text("お手続き中 1件")
            tray(page).locator("summary").click()
            case = tray(page).get_by_role("article")
            expect(case).to_contain_text(number)
            expect(case.locator("[aria-current=step]")).to_have_text(re.compile("返送"))
            expect(case.get_by_role("group", name="ご返金までの日数")).to_contain_text("手配から3〜5営業日")
            expect(page.locator("[data-history] .case")).to_contain_text("お品物のご返送をお待ちしています")
            keep_picture(page, "window-progress")
            axe_is_content(page)
            told(shop, "warehouse.parcel_scanned", rma=number)
            expect(case.locator("[aria-current=step]")).to_have_text(re.compile("入金"))
            expect(page.locator("[data-history] .case")).to_contain_text("入金を待つばかり")
            expect(tray(page)).to_have_attribute("open", "")

    def test_on_a_phone_it_leaves_room_for_the_talk(self, browser: Browser, shop: Site) -> None:
        return_the_machine(shop)
        with visiting(browser, shop, MACHINE, **PHONE, bypass_csp=True) as page:
            assert fits(page)
            page.get_by_role("button", name="チャットで相談する").tap()
            tray(page).locator("summary").tap()
            expect(page.get_by_role("textbox", name="メッセージを入力")).to_be_in_viewport()
            keep_picture(page, "window-progress-phone")
            axe_is_content(page)


class TestTheSellersClock:
    def test_it_says_until_when_and_how_long_that_is(self, browser: Browser, shop: Site) -> None:
        agree(shop, CAMERA, kind="seller_stockout", order_number=newest_order(shop, CAMERA))
        with visiting(browser, shop, CAMERA, **DESKTOP, bypass_csp=True) as page:
            tray(page).locator("summary").click()
            expect(tray(page).locator(".countdown")).to_have_text(
                re.compile(r"返事の期限まで、あと(48時間0分|47時間59分)")
            )
            expect(tray(page)).to_contain_text("出品者の返事を待っています")
            keep_picture(page, "window-seller")
            axe_is_content(page)


class TestTheScore:
    def test_it_is_given_with_the_keyboard_and_asked_for_once(self, browser: Browser, shop: Site) -> None:
        agree(shop, MISTAKE, kind="accidental_signup")
        with visiting(browser, shop, MISTAKE, **DESKTOP, bypass_csp=True) as page:
            tray(page).locator("summary").click()
            tray(page).get_by_role("radio", name="9", exact=True).focus()
            page.keyboard.press("Space")
            page.keyboard.press("Tab")
            page.keyboard.insert_text("すぐに済みました")
            keep_picture(page, "window-score")
            axe_is_content(page)
            tray(page).get_by_role("button", name="評価を送る").press("Enter")
            expect(tray(page).get_by_text("お答えくださり、ありがとうございました")).to_be_visible()
        with shop.desk.store.reading() as session:
            assert [each.value for each in session.query(Score).filter_by(words="すぐに済みました")] == [9]
        with visiting(browser, shop, MISTAKE) as page:
            tray(page).locator("summary").click()
            expect(tray(page).get_by_role("radio")).to_have_count(0)


class TestTheConfirmation:
    @pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
    def test_a_long_proposal_is_rows_and_its_sentence_is_not_shown_beside_it(
        self, browser: Browser, shop: Site, options: dict
    ) -> None:
        book = Phrasebook(DOMAIN)
        wish = Wish(kind="defect", line=line_called(shop, MACHINE, "振動マシン"))
        step = resolve.consider(shop.desk, talk_of(shop, MACHINE), wish)
        assert isinstance(step, Propose)
        answers = [
            {"title": "はい、お願いします", "payload": "/affirm"},
            {"title": "いいえ、やめておきます", "payload": "/deny"},
        ]
        said = {"text": "長い文です。", "custom": proposal_card("return", step.values, book), "buttons": answers}
        shop.engine.answer = saying(said)
        with visiting(browser, shop, MACHINE, **options, bypass_csp=True) as page:
            if options is PHONE:
                page.get_by_role("button", name="チャットで相談する").tap()
                page.get_by_role("textbox", name="メッセージを入力").fill("動きません")
                page.get_by_role("button", name="送信", exact=True).tap()
            else:
                write(page, "動きません")
            card = page.locator("madoguchi-chat .confirm")
            for words in ("振動マシン", "9,800円", "ご利用のカード", "返送料は当店が負担します"):
                expect(card).to_contain_text(words)
            expect(page.get_by_text("長い文です。")).to_have_count(0)
            keep_picture(page, f"window-confirm-{'phone' if options is PHONE else 'desktop'}")
            axe_is_content(page)
            card.get_by_role("button", name="はい、お願いします").click()
            expect(page.locator("madoguchi-chat .mine .bubble").last).to_have_text("はい、お願いします")
