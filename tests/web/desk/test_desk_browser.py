"""The desk in a real Chromium: two agents, a customer, a lead; by mouse and by keyboard; live, stale, and raced."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from madoguchi.services import conversations, handling
from madoguchi.services.callbacks import book
from madoguchi.services.conversations import Reply, Understood
from madoguchi.services.figures import today
from madoguchi.store import CannedReply, Case, Conversation, Decision, Message, Order, Score
from madoguchi.web.desk.doors import COOKIE
from tests.integration.desk.builders import (
    CAMERA_ORDER,
    ORDER,
    SELLER_ORDER,
    conversation,
    inquiry,
    planned_refund,
    speak,
)
from tests.web.browsing import AXE, DESKTOP, PHONE
from tests.web.conftest import CHROMIUM, FLAGS
from tests.web.desk.conftest import DeskSite

PICTURES = os.environ.get("MADOGUCHI_PICTURES")
RACES = 200 if os.environ.get("MADOGUCHI_PROVE") else 10
CHANGES = 200 if os.environ.get("MADOGUCHI_PROVE") else 12

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium at /usr/bin/chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def at_desk(browser: Browser, desk_site: DeskSite, login: str, **options: Any) -> Iterator[Page]:
    """Give the page of somebody who is signed in; an error on its console fails the test."""
    settings = {"base_url": desk_site.site.url, "locale": "ja-JP", "timezone_id": "Asia/Tokyo"}
    context = browser.new_context(**settings, **(options or DESKTOP))
    context.set_default_timeout(30_000)
    context.add_cookies([{"name": COOKIE, "value": desk_site.secret(login), "domain": "127.0.0.1", "path": "/desk"}])
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def scene(desk_site: DeskSite) -> str:
    """Fill the desk with a believable afternoon; returns the conversation in the middle of it."""
    world = desk_site.world
    name = conversation(
        world,
        "先週届いたケトルなのですが、スイッチを入れてもまったく温まりません。",
        "二つとも同じ状態です。返金していただけますか。",
        order_number=ORDER,
        reason="repeated_claims",
        flagged=True,
    )
    conversation(world, "カメラの返品について、直接お話しできますか", order_number=CAMERA_ORDER)
    conversation(world, "まだ返事がないのですが", customer=102, reason="requested")
    seller = conversation(
        world, "品切れと言われたのに発送メールが来ました", order_number=SELLER_ORDER, reason="money_frozen"
    )
    inquiry(world, seller, SELLER_ORDER)
    conversation(world, "ありがとうございました", owner="closed")
    with world.desk.store.writing() as session:
        session.get_one(Order, SELLER_ORDER).frozen_at = world.clock()
        late = session.query(Conversation).filter_by(handoff_reason="requested").one()
        late.promised_at = world.clock.now - timedelta(minutes=7)
        session.add(
            CannedReply(
                title="不具合のお詫び",
                body="{customer} 様\n\nこのたびは{article}の不具合でご迷惑をおかけし、誠に申し訳ございません。",
            )
        )
        case = session.query(Case).filter_by(conversation_id=name).one()
        session.add(
            Decision(
                case_id=case.id,
                customer_id=101,
                order_number=ORDER,
                request={"kind": "defect"},
                outcome="needs_agent",
                reason="repeated_claims",
                receipt={
                    "rule": "third_claim",
                    "number": 20,
                    "facts": {"request": "defect", "state": "delivered", "seller": "own", "claims": 3},
                    "would_change": {"claims": "< 3"},
                },
                decided_at=world.clock(),
            )
        )
        session.add(Score(case_id=case.id, value=9, words="すぐに対応していただけました。", given_at=world.clock()))
    book(world.desk, name, None, None)
    return name


def picture(page: Page, name: str) -> None:
    """Keep a picture for the eyes of people, where a place for them is named."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.mark.parametrize(("kind", "options"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_every_page_is_accessible_and_fits(
    browser: Browser, desk_site: DeskSite, kind: str, options: dict[str, Any]
) -> None:
    name = scene(desk_site)
    handling.take(desk_site.world.desk, desk_site.world.person("kato"), name)
    assert today(desk_site.world.desk)
    pages = {
        "inbox": "/desk",
        "talk": f"/desk/c/{name}",
        "calls": "/desk/calls",
        "figures": "/desk/figures",
        "canned": "/desk/canned",
        "accounts": "/desk/accounts",
        "audit": "/desk/audit",
        "affected": "/desk/affected",
        "approvals": "/desk/approvals",
        "account": "/desk/password",
        "code": "/desk/code",
        "search": "/desk/?q=ケトル",
    }
    with at_desk(browser, desk_site, "kato", **options) as page:
        for title, address in pages.items():
            page.goto(address)
            page.wait_for_timeout(150)
            picture(page, f"desk-{title}-{kind}")
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")
            assert [(each["id"], [n["html"] for n in each["nodes"]][:2]) for each in found["violations"]] == [], title
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{title} is wider than the screen"


def taken(desk_site: DeskSite, number: str, login: str = "sato", text: str = "お願いします") -> str:
    """Return a conversation about this order that somebody has taken over."""
    name = conversation(desk_site.world, text, order_number=number)
    handling.take(desk_site.world.desk, desk_site.world.person(login), name)
    return name


def test_of_two_agents_one_takes_over_and_the_other_is_told_and_the_bot_is_silent(
    browser: Browser, desk_site: DeskSite
) -> None:
    world = desk_site.world
    with ExitStack() as stack:
        sato, suzuki = (stack.enter_context(at_desk(browser, desk_site, login)) for login in ("sato", "suzuki"))
        for _ in range(RACES):
            name = conversation(world, "壊れていました", owner="bot", order_number=None)
            turn = conversations.next_turn(world.desk, name)
            assert turn is not None
            for page in (sato, suzuki):
                page.goto(f"/desk/c/{name}")
                page.evaluate("new Promise((ready) => setTimeout(ready, 50))")
            for page in (sato, suzuki):
                page.evaluate("setTimeout(() => document.querySelector('[data-key=t]')?.click(), 30)")
            for page in (sato, suzuki):
                expect(page.locator("#status .pill")).to_have_text("対応中")
            owners = sorted(page.locator(".owner").inner_text().split()[1] for page in (sato, suzuki))
            assert owners in (["あなた", "佐藤"], ["あなた", "鈴木"])
            assert conversations.store_replies(world.desk, turn, [Reply("自動応答です")], Understood()) == ()
            with world.desk.store.reading() as session:
                assert session.query(Message).filter_by(conversation_id=name, author="bot").count() == 0


def test_by_keyboard_alone_from_the_list_to_the_reply_and_back(browser: Browser, desk_site: DeskSite) -> None:
    name = conversation(desk_site.world, "届いたケトルが温まりません", order_number=ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.goto("/desk")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{desk_site.site.url}/desk/c/{name}")
        page.wait_for_load_state()  # the address changes before the page listens to its keys
        page.keyboard.press("t")
        expect(page.get_by_role("radio", name="お客様へ返信")).to_be_checked()
        expect(page.locator(".suggestion")).to_contain_text("返送料は当店が負担いたします")
        page.keyboard.press("s")
        expect(page.locator("#reply-text")).to_have_value(re.compile("山田 花子 様"))
        expect(page.locator("#reply-text")).to_be_focused()
        page.keyboard.press("Control+a")
        page.keyboard.type("お調べいたします。")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".say.agent .words")).to_have_text("お調べいたします。")
        expect(page.locator("#reply-text")).to_have_value("")
        page.locator("#timeline").focus()
        page.keyboard.press("u")
        expect(page.get_by_role("heading", name="受信箱")).to_be_attached()
    said = conversations.messages_since(desk_site.world.desk, name)
    assert [(each.author, each.text) for each in said][-1] == ("agent", "お調べいたします。")


def test_an_enter_that_ends_a_conversion_sends_nothing(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site, ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        page.locator("#reply-text").fill("変換の途中")
        for init in ("isComposing: true", "keyCode: 229"):
            page.evaluate(
                "document.querySelector('#reply-text').dispatchEvent(new KeyboardEvent('keydown',"
                f" {{key: 'Enter', ctrlKey: true, bubbles: true, {init}}}))"
            )
        page.wait_for_timeout(400)
        expect(page.locator(".say.agent")).to_have_count(0)


def test_live_pieces_come_to_what_a_reload_shows(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site, ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        speak(desk_site.world, name, "追加の質問です")
        planned_refund(desk_site.world, ORDER, 500)
        handling.note(desk_site.world.desk, desk_site.world.person("suzuki"), name, "n", "在庫あり")
        expect(page.locator(".say.note")).to_contain_text("在庫あり")
        pieces = ("#timeline", "#side", "#status .owner", ".tabs")
        live = [page.locator(piece).inner_text() for piece in pieces]
        page.reload()
        assert [page.locator(piece).inner_text() for piece in pieces] == live
        page.goto("/desk")
        other = conversation(desk_site.world, "新しいお客様", customer=102)
        expect(page.locator(f"#row-{other}")).to_be_visible()
        expect(page).to_have_title("(2) 待っている｜窓口")
        live = [page.locator(piece).inner_text() for piece in (".tabs", "#list")]
        page.reload()
        assert [page.locator(piece).inner_text() for piece in (".tabs", "#list")] == live


def test_state_plus_events_is_what_a_fresh_page_shows(browser: Browser, desk_site: DeskSite) -> None:
    """Whatever happens in whatever order: the live inbox, talk and queue of calls come to what a reload shows."""
    world, dice = desk_site.world, random.Random(11)
    names = [
        conversation(world, "はじめのご相談", order_number=number) for number in (ORDER, CAMERA_ORDER, SELLER_ORDER)
    ]
    pieces = {
        f"/desk/c/{names[0]}": (".tabs", "#timeline", "#side", "#status .owner"),
        "/desk?view=waiting": (".tabs", "#list"),
        "/desk?view=all": (".tabs", "#list"),
        "/desk/calls": (".tabs", "[sse-swap=calls]"),
    }
    with ExitStack() as stack:
        live = {where: stack.enter_context(at_desk(browser, desk_site, "tanaka")) for where in pieces}
        fresh = stack.enter_context(at_desk(browser, desk_site, "tanaka"))
        for where, page in live.items():
            page.goto(where)
        for number in range(CHANGES):
            change(desk_site, dice, names, number)
            if number % 4 != 3:
                continue
            for where, page in live.items():
                fresh.goto(where)
                for piece in pieces[where]:
                    expect(page.locator(piece)).to_have_text(fresh.locator(piece).inner_text(), use_inner_text=True)


def change(desk_site: DeskSite, dice: random.Random, names: list[str], number: int) -> None:
    """Let one thing happen to one of the conversations, as customers, agents, the bot and the shop make it happen."""
    world, name = desk_site.world, dice.choice(names)
    agent = world.person(dice.choice(["sato", "suzuki", "tanaka"]))
    seen = conversations.messages_since(world.desk, name)[-1].id
    changes: list[Callable[[], object]] = [
        lambda: conversations.store_message(world.desk, name, f"m{number}", text=f"追加のご質問 {number}"),
        lambda: handling.take(world.desk, agent, name),
        lambda: handling.note(world.desk, agent, name, f"n{number}", f"在庫を確認 {number}"),
        lambda: handling.reply(world.desk, agent, name, f"r{number}", f"承りました {number}", seen),
        lambda: handling.give_back(world.desk, agent, name, "返品の受付から", seen),
        lambda: handling.pass_on(world.desk, world.person("tanaka"), name, None),
        lambda: handling.close(world.desk, agent, name, seen),
        lambda: planned_refund(world, ORDER, 100),
        lambda: book(world.desk, name, None, None),
        lambda: names.append(conversation(world, f"新しいお客様 {number}", customer=102)),
    ]
    dice.choice(changes)()


def test_what_somebody_is_writing_is_never_taken_away_by_news(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site, ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        page.get_by_text("自動応答に戻す").click()
        note = page.locator("textarea[name=words]")
        note.fill("返品の受付から続けて")
        page.locator("#reply-text").fill("書きかけの返信")
        note.focus()
        speak(desk_site.world, name, "割り込みのメッセージ")
        expect(page.locator("#timeline")).to_contain_text("割り込みのメッセージ")
        expect(note).to_have_value("返品の受付から続けて")
        expect(page.locator("#reply-text")).to_have_value("書きかけの返信")
        page.reload()
        expect(page.locator("#reply-text")).to_have_value("書きかけの返信")


def test_a_reply_from_a_stale_page_is_kept_and_told(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site, ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.route("**/events", lambda route: route.abort())
        page.goto(f"/desk/c/{name}")
        speak(desk_site.world, name, "やっぱりキャンセルで")
        page.locator("#reply-text").fill("返品を承ります")
        page.get_by_role("button", name="送信").click()
        expect(page.locator("#told")).to_contain_text("新しいメッセージが届いています")
        expect(page.locator("#timeline")).to_contain_text("やっぱりキャンセルで")
        expect(page.locator("#reply-text")).to_have_value("返品を承ります")
        page.get_by_role("button", name="送信").click()
        expect(page.locator(".say.agent")).to_contain_text("返品を承ります")


def test_a_refund_over_the_limit_goes_through_a_lead(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site, CAMERA_ORDER)
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        page.locator(".order.current").get_by_role("button", name="手続きをする").click()
        page.locator("#act select[name=kind]").select_option("refund")
        page.locator("#act input[name=amount]").fill("100,000")
        page.locator("#act textarea[name=reason]").fill("配送中の事故で破損していたため")
        page.get_by_role("button", name="内容を確認する").click()
        expect(page.locator("#act")).to_contain_text("100,000円を返金します")
        expect(page.get_by_role("button", name="承認を申請する")).to_be_visible()
        picture(page, "desk-plan")
        page.get_by_role("button", name="承認を申請する").click()
        expect(page.locator("#act")).to_contain_text("承認を申請しました")
    with at_desk(browser, desk_site, "tanaka") as page:
        page.goto("/desk/approvals")
        expect(page.locator("main")).to_contain_text("配送中の事故で破損していたため")
        picture(page, "desk-approval")
        page.get_by_role("button", name="承認して実行する").click()
        expect(page.locator("main")).to_contain_text("承認し、実行しました")
    with at_desk(browser, desk_site, "sato") as page:
        page.goto(f"/desk/c/{name}")
        expect(page.locator("#side .order.current")).to_contain_text("うち返金 100,000円")
        expect(page.locator("#timeline")).to_contain_text("返金を登録 100,000円")


def test_a_contradiction_is_settled_by_the_sellers_word(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site, SELLER_ORDER)
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
    name = taken(desk_site, ORDER)
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
    name = taken(desk_site, ORDER)
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


def test_a_session_that_ends_elsewhere_leads_to_the_door_within_seconds(browser: Browser, desk_site: DeskSite) -> None:
    from madoguchi.services import agents

    with at_desk(browser, desk_site, "sato") as page:
        page.goto("/desk")
        page.wait_for_timeout(1200)
        person = desk_site.world.person("sato")
        agents.change_account(desk_site.world.desk, "staff:6", person.id, role=person.role, active=False)
        page.wait_for_url("**/desk/login**", timeout=4_000)


def test_one_click_tells_the_trainers(browser: Browser, desk_site: DeskSite) -> None:
    name = conversation(desk_site.world, "返品じゃなくて交換です", order_number=ORDER)
    with at_desk(browser, desk_site, "mori") as page:
        page.goto(f"/desk/c/{name}")
        page.get_by_role("button", name="違う").click()
        expect(page.locator(".intent")).to_contain_text("学習係へ連絡")
        assert page.get_by_role("button", name="対応する").count() == 0
