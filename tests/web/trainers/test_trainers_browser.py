"""The trainers' room in a real Chromium: marked by mouse and by keyboard, taught without a mouse, two at once."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from madoguchi.training import lessons, messages
from tests.web.browsing import DESKTOP, PHONE, at_desk, needs_chromium, shows_well
from tests.web.trainers.conftest import RoomSite
from tests.web.trainers.test_trainers_doors import pile_of, teach

pytestmark = needs_chromium
UNKNOWN = "ポチッとしたんですけど、うんともすんとも言わない加湿器です"


def scene(room_site: RoomSite) -> None:
    """Fill the room with a believable morning."""
    room_site.site.engine.people = ("長谷川",)
    room_site.hear(UNKNOWN)
    room_site.hear(
        "長谷川と申します。090-1234-5678です。まだ動きません",
        "箱を開けたら中身が空だったんですが",
        "箱を開けたら、中身が空だったんですが!",
        "返品か交換か、どちらがよいのか迷っています",
    )
    room_site.hear("これって何日で着くもんですか", intent=None, confidence=0.1)
    assert teach(room_site, "mori", "thank", "助かりました、森より") == 303
    assert teach(room_site, "hara", "thank", "助かりました、原より") == 303
    room_site.heard("うんとも", "まだ動きません", "中身が空", "何日で着く", "迷って")


@pytest.mark.parametrize(("kind", "options"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_every_page_is_accessible_and_fits(
    browser: Browser, room_site: RoomSite, kind: str, options: dict[str, Any]
) -> None:
    scene(room_site)
    wrong = "注文をキャンセルしたいです!!"
    thank = room_site.project / "data" / "nlu" / "thank.yml"
    thank.write_text(thank.read_text() + f"    - {wrong}\n")
    masked = pile_of(room_site, "長谷川と申します。090-1234-5678です。まだ動きません")
    pages = {
        "messages": "/desk/train",
        "message": f"/desk/train/m/{masked}",
        "examples": "/desk/train/examples",
        "intent": "/desk/train/examples/thank",
        "example": f"/desk/train/example/{room_site.shelf.corpus().by_intent['report_defect'][5].id}",
        "new-intent": "/desk/train/intents",
        "drafts": "/desk/train/drafts",
        "health": "/desk/train/health",
        "search": "/desk/train/examples?q=靴",
    }
    with at_desk(browser, room_site, "mori", **options) as page:
        for name, where in pages.items():
            page.goto(where)
            if name in ("message", "example"):
                expect(page.locator("#look .tokens")).to_be_visible()
            shows_well(page, f"trainers-{name}-{kind}")


def test_words_are_marked_with_the_mouse_and_follow_the_text(browser: Browser, room_site: RoomSite) -> None:
    with at_desk(browser, room_site, "mori") as page:
        page.goto("/desk/train/examples/report_defect")
        box = page.get_by_label("例文を書く")
        box.fill("😀新しい加湿器が回らない")
        box.evaluate("(each) => each.setSelectionRange(5, 8)")  # in UTF-16 units, after the emoji's two
        page.get_by_role("button", name="商品").click()
        expect(page.get_by_role("button", name="「加湿器」の印（商品）を外す")).to_be_visible()
        box.press("Home")
        box.type("あの")
        expect(page.get_by_role("button", name="「加湿器」の印（商品）を外す")).to_be_visible()
        page.get_by_role("button", name="下書きに加える", exact=True).click()
        expect(page.get_by_text("下書きに加えました。")).to_be_visible()
    assert [each.written for each in lessons.drafts(room_site.world.desk)] == [
        "あの😀新しい[加湿器](product)が回らない"
    ]


def test_a_message_is_taught_and_published_by_keyboard_alone(browser: Browser, room_site: RoomSite) -> None:
    room_site.hear(UNKNOWN)
    room_site.heard("うんとも")
    with at_desk(browser, room_site, "mori") as page:
        page.goto("/desk/train")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk/train/m/*")
        page.keyboard.press("e")
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
        page.keyboard.press("Control+Home")
        place = UNKNOWN.index("加湿器")
        for _ in range(place):
            page.keyboard.press("ArrowRight")
        for _ in range(len("加湿器")):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Alt+2")
        expect(page.get_by_role("button", name="「加湿器」の印（商品）を外す")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("i")
        expect(page.locator("[data-intent]")).to_be_focused()
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        expect(page.get_by_text("下書きに加えました。")).to_be_visible()
        page.goto("/desk/train/drafts")
        button = page.get_by_role("button", name="自分の下書き（1件）を公開する")
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("1件を公開しました")).to_be_visible()
    written = [each.written for each in room_site.shelf.corpus().by_intent["report_defect"]]
    assert written[-1] == UNKNOWN.replace("加湿器", "[加湿器](product)")


def test_dismissed_and_brought_back_with_a_key(browser: Browser, room_site: RoomSite) -> None:
    room_site.hear(UNKNOWN)
    room_site.heard("うんとも")
    with at_desk(browser, room_site, "mori") as page:
        page.goto(f"/desk/train/m/{pile_of(room_site, UNKNOWN)}")
        page.keyboard.press("x")
        expect(page.get_by_text("例文にせずに片づけました。")).to_be_visible()
        assert messages.counts(room_site.world.desk)["all"] == 0
        page.wait_for_load_state()  # the words are there before the page listens to its keys
        page.keyboard.press("z")
        expect(page.get_by_text("ひとつ前の操作を元に戻しました。")).to_be_visible()
        assert messages.counts(room_site.world.desk)["all"] == 1


def test_two_trainers_at_one_message(browser: Browser, room_site: RoomSite) -> None:
    room_site.hear(UNKNOWN)
    room_site.heard("うんとも")
    where = f"/desk/train/m/{pile_of(room_site, UNKNOWN)}"
    with ExitStack() as both:
        mori, hara = (both.enter_context(at_desk(browser, room_site, login)) for login in ("mori", "hara"))
        mori.goto(where)
        hara.goto(where)
        for page in (mori, hara):
            page.locator("[data-intent]").select_option("report_defect")
        mori.get_by_role("button", name="この意図で教える").click()
        expect(mori.get_by_text("下書きに加えました。")).to_be_visible()
        hara.get_by_role("button", name="この意図で教える").click()
        expect(hara.get_by_text("ほかの人が先に片づけました。")).to_be_visible()
    assert len(lessons.drafts(room_site.world.desk)) == 1


def test_a_conflict_is_told_while_it_is_written(browser: Browser, room_site: RoomSite) -> None:
    with at_desk(browser, room_site, "mori") as page:
        page.goto("/desk/train/examples/return_item")
        page.get_by_label("例文を書く").fill("注文をキャンセルしたいです")
        expect(page.get_by_text("同じ文が別の意図にあります")).to_be_visible()
        expect(page.locator("#look .ranking")).to_be_visible()
