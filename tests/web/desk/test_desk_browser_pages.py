"""Every page of the desk in a real Chromium: axe finds nothing, nothing is too wide, the keyboard is enough."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from madoguchi.services import conversations, handling
from madoguchi.services.callbacks import book
from madoguchi.services.figures import today
from madoguchi.store import CannedReply, Case, Conversation, Decision, Order, Score
from tests.integration.desk.builders import CAMERA_ORDER, ORDER, SELLER_ORDER, conversation, inquiry, taken
from tests.web.browsing import DESKTOP, PHONE, at_desk, needs_chromium, shows_well
from tests.web.desk.conftest import DeskSite

pytestmark = needs_chromium


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
            shows_well(page, f"desk-{title}-{kind}")


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
    name = taken(desk_site.world, ORDER)
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
