"""What several people do at once, in a real Chromium: news come by themselves, and take nothing from who is writing."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import ExitStack

from playwright.sync_api import Browser, expect

from madoguchi.services import agents, conversations, handling
from madoguchi.services.callbacks import book
from madoguchi.services.conversations import Reply, Understood
from madoguchi.store import Message
from tests.integration.desk.builders import (
    CAMERA_ORDER,
    ORDER,
    SELLER_ORDER,
    conversation,
    planned_refund,
    speak,
    taken,
)
from tests.web.browsing import at_desk, needs_chromium
from tests.web.desk.conftest import DeskSite

RACES = 200 if os.environ.get("MADOGUCHI_PROVE") else 10
CHANGES = 200 if os.environ.get("MADOGUCHI_PROVE") else 12
pytestmark = needs_chromium


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
            assert conversations.store_replies(world.desk, turn, [Reply("自動応答です")], Understood()) is None
            with world.desk.store.reading() as session:
                assert session.query(Message).filter_by(conversation_id=name, author="bot").count() == 0


def test_live_pieces_come_to_what_a_reload_shows(browser: Browser, desk_site: DeskSite) -> None:
    name = taken(desk_site.world, ORDER)
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
        lambda: speak(world, name, f"追加のご質問 {number}"),
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
    name = taken(desk_site.world, ORDER)
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
    name = taken(desk_site.world, ORDER)
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


def test_a_session_that_ends_elsewhere_leads_to_the_door_within_seconds(browser: Browser, desk_site: DeskSite) -> None:
    with at_desk(browser, desk_site, "sato") as page:
        page.goto("/desk")
        page.wait_for_timeout(1200)
        person = desk_site.world.person("sato")
        agents.change_account(desk_site.world.desk, "staff:6", person.id, role=person.role, active=False)
        page.wait_for_url("**/desk/login**", timeout=4_000)
