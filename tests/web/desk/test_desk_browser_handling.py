"""What an agent does for a customer, in a real Chromium: refunds, sellers, canned replies, contacts, trainers told."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from madoguchi.store import CannedReply, Order
from tests.integration.desk.builders import (
    CAMERA_ORDER,
    ORDER,
    SELLER_ORDER,
    conversation,
    inquiry,
    planned_refund,
    speak,
    taken,
)
from tests.web.browsing import at_desk, keep_picture, needs_chromium
from tests.web.desk.conftest import DeskSite

pytestmark = needs_chromium


def test_a_refund_over_the_limit_goes_through_a_lead(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site.world, CAMERA_ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        page.locator(".order.current").get_by_role("button", name="手続きをする").click()
        page.locator("#act select[name=kind]").select_option("refund")
        page.locator("#act input[name=amount]").fill("100,000")
        page.locator("#act textarea[name=reason]").fill("配送中の事故で破損していたため")
        page.get_by_role("button", name="内容を確認する").click()
        expect(page.locator("#act")).to_contain_text("100,000円を返金します")
        expect(page.get_by_role("button", name="承認を申請する")).to_be_visible()
        keep_picture(page, "desk-plan", whole=True)
        page.get_by_role("button", name="承認を申請する").click()
        expect(page.locator("#act")).to_contain_text("承認を申請しました")
    with at_desk(browser, desk_site, "tanaka") as page:
        page.goto("/desk/approvals")
        expect(page.locator("main")).to_contain_text("配送中の事故で破損していたため")
        keep_picture(page, "desk-approval", whole=True)
        page.get_by_role("button", name="承認して実行する").click()
        expect(page.locator("main")).to_contain_text("承認し、実行しました")
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        expect(page.locator("#side .order.current")).to_contain_text("うち返金 100,000円")
        expect(page.locator("#timeline")).to_contain_text("返金を登録 100,000円")


def test_a_contradiction_is_settled_by_the_sellers_word(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site.world, SELLER_ORDER)
    inquiry(desk_site.world, name, SELLER_ORDER)
    planned_refund(desk_site.world, SELLER_ORDER, 9_800)
    with desk_site.world.desk.store.writing() as session:
        order = session.get_one(Order, SELLER_ORDER)
        order.frozen_at, order.state = desk_site.world.clock(), "cancel_requested"
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        expect(page.locator(".order.current")).to_contain_text("返金停止")
        page.locator(".order.current").get_by_role("button", name="手続きをする").click()
        page.locator("#act select[name=kind]").select_option("seller_answer")
        page.locator("#act select[name=answer]").select_option("canceled")
        page.get_by_role("button", name="内容を確認する").click()
        expect(page.locator("#act .steps")).to_contain_text("返金の停止を解きます")
        page.get_by_role("button", name="実行する").click()
        expect(page.locator("#act")).to_contain_text("実行しました")
        expect(page.locator(".order.current")).to_contain_text("取り消し済み")
        expect(page.locator(".order.current")).not_to_contain_text("返金停止")


def test_a_canned_reply_is_filled_and_what_is_unknown_is_not_sent(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site.world, ORDER)
    with desk_site.world.desk.store.writing() as session:
        session.add(CannedReply(title="お詫び", body="{customer} 様、{article}の件、申し訳ございません。{agent}"))
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        page.get_by_text("定型文").click()
        page.get_by_role("button", name="お詫び").click()
        expect(page.locator("#reply-text")).to_have_value("山田 花子 様、電気ケトルの件、申し訳ございません。佐藤")
        page.locator("#reply-text").fill("{order} の件です")
        page.get_by_role("button", name="送信").click()
        expect(page.locator("#told")).to_contain_text("差し込みの箇所")
        expect(page.locator(".say.agent")).to_have_count(0)


def test_contact_is_hidden_until_asked_for_and_stays_open_while_news_come(
    browser: Browser, desk_site: DeskSite
) -> None:
    name = taken(desk_site.world, ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        assert "山田" not in page.content()
        assert "90000000" not in page.content()
        page.get_by_role("button", name="連絡先を表示").click()
        expect(page.locator("#contact")).to_contain_text("山田 花子")
        planned_refund(desk_site.world, ORDER, 500)
        speak(desk_site.world, name, "まだですか")
        expect(page.locator("#timeline")).to_contain_text("まだですか")
        expect(page.locator("#contact")).to_contain_text("山田 花子")


def test_one_click_tells_the_trainers(browser: Browser, desk_site: DeskSite) -> None:
    name = conversation(desk_site.world, "返品じゃなくて交換です", order_number=ORDER)
    with at_desk(browser, desk_site, "mori") as page:
        page.goto(f"/desk/c/{name}")
        page.get_by_role("button", name="違う").click()
        expect(page.locator(".intent")).to_contain_text("学習係へ連絡")
        assert page.get_by_role("button", name="対応する").count() == 0
