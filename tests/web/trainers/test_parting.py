"""A message with two wishes becomes two examples: by the doors, and in a real Chromium with the keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from madoguchi.training import lessons, messages
from tests.web.browsing import DESKTOP, PHONE, at_desk, needs_chromium, shows_well
from tests.web.trainers.conftest import RoomSite
from tests.web.trainers.test_trainers_doors import pile_of

TWO = "この加湿器は返品したいのと、会員もやめたいです"
FIRST, JOINT, SECOND = "この加湿器は返品したい", "のと、", "会員もやめたいです"
WISHES = {"会員": [("withdraw_request", 0.6)], "返品": [("return_item", 0.7)]}


def guess(text: str) -> list[tuple[str, float]]:
    """Say what the small desk's model makes of a wish."""
    return next((found for word, found in WISHES.items() if word in text and len(text) < len(TWO)), [("thank", 0.2)])


@pytest.fixture
def pile(room_site: RoomSite) -> str:
    """Return the pile of a message with two wishes, which two customers wrote."""
    room_site.site.engine.guess = guess
    room_site.hear(TWO, TWO + "。")
    room_site.heard("会員もやめたい")
    return pile_of(room_site, TWO)


def written(room_site: RoomSite) -> list[tuple[str, str]]:
    """Return the drafts, each with its intent."""
    return [(each.intent, each.written) for each in lessons.drafts(room_site.world.desk)]


def of(first: tuple[str, str], second: tuple[str, str]) -> dict[str, str]:
    """Return the form of two parts, each an intent and a text."""
    return {"intent1": first[0], "text1": first[1], "intent2": second[0], "text2": second[1]}


def test_both_parts_are_taught_with_one_decision_and_taken_back_with_one(room_site: RoomSite, pile: str) -> None:
    client, desk = room_site.browser("mori"), room_site.world.desk
    marks = '[[2, 5, "product", null]]'
    at, to = str(len(FIRST)), str(len(FIRST + JOINT))
    shown = client.post(f"/desk/train/m/{pile}/parts", data={"text": TWO, "marks": marks, "at": at, "to": to})
    assert shown.status_code == 200
    assert f">{FIRST}</textarea>" in shown.text
    assert f">{SECOND}</textarea>" in shown.text
    assert '<option value="return_item" selected>' in shown.text
    assert '<option value="withdraw_request" selected>' in shown.text
    assert lessons.count(desk) == 0
    form = of(("return_item", FIRST), ("withdraw_request", SECOND)) | {"marks1": marks}
    answer = client.post(f"/desk/train/m/{pile}/part", data=form)
    assert answer.headers["location"].endswith("did=part")
    assert written(room_site) == [("return_item", "この[加湿器](product)は返品したい"), ("withdraw_request", SECOND)]
    assert messages.counts(desk)["all"] == 0
    assert client.post("/desk/train/undo", data={}).headers["location"].endswith("did=undone")
    assert (written(room_site), messages.counts(desk)["all"]) == ([], 2)


@pytest.mark.parametrize("at", ["", "0", str(len(TWO)), "9999", "x"])
def test_without_a_place_nothing_is_parted_and_what_was_entered_stays(room_site: RoomSite, pile: str, at: str) -> None:
    edited = TWO.replace("この", "あの")
    answer = room_site.browser("mori").post(f"/desk/train/m/{pile}/parts", data={"text": edited, "at": at})
    assert answer.status_code == 409
    assert "分け目がわかりません" in answer.text
    assert f">{edited}</textarea>" in answer.text


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (("return_item", FIRST), ("return_item", "注文を、キャンセルしたいです!"), "二つ目：同じ文が別の意図に"),
        (("return_item", FIRST), ("thank", FIRST + "。"), "二つ目：同じ文が別の意図に"),
        (("no_such", FIRST), ("thank", SECOND), "一つ目：その意図はありません"),
        (("return_item", FIRST), ("thank", " "), "二つ目：文が空です"),
        (("return_item", "電話は090-1234-5678です"), ("thank", SECOND), "一つ目：個人情報が残っている"),
    ],
)
def test_one_part_refused_and_nothing_is_done(
    room_site: RoomSite, pile: str, first: tuple[str, str], second: tuple[str, str], told: str
) -> None:
    answer = room_site.browser("mori").post(f"/desk/train/m/{pile}/part", data=of(first, second))
    assert answer.status_code == 409
    assert told in answer.text
    assert (written(room_site), messages.counts(room_site.world.desk)["all"]) == ([], 2)


def test_a_part_that_is_taught_already_is_settled_with_the_other(room_site: RoomSite, pile: str) -> None:
    taught = room_site.shelf.corpus().by_intent["cancel_order"][0].text
    form = of(("cancel_order", taught), ("withdraw_request", SECOND))
    assert room_site.browser("mori").post(f"/desk/train/m/{pile}/part", data=form).status_code == 303
    assert written(room_site) == [("withdraw_request", SECOND)]
    late = room_site.browser("hara").post(f"/desk/train/m/{pile}/part", data=form)
    assert late.headers["location"] == "/desk/train?did=late"


def test_without_the_engine_no_part_becomes_an_example(room_site: RoomSite) -> None:
    room_site.site.engine.down = True
    room_site.hear(TWO)
    room_site.heard("会員もやめたい")
    where, client = f"/desk/train/m/{pile_of(room_site, TWO)}", room_site.browser("mori")
    shown = client.post(f"{where}/parts", data={"text": TWO, "at": str(len(FIRST))})
    assert (shown.status_code, "まだ例文にできません" in shown.text) == (200, True)
    form = of(("return_item", FIRST), ("withdraw_request", SECOND))
    assert client.post(f"{where}/part", data=form).status_code == 409
    assert written(room_site) == []


class TestInTheBrowser:
    pytestmark = needs_chromium

    def test_parted_by_keyboard_alone_and_taken_back(self, browser: Browser, room_site: RoomSite, pile: str) -> None:
        with at_desk(browser, room_site, "mori") as page:
            page.goto(f"/desk/train/m/{pile}")
            expect(page.locator("#look .ranking")).to_be_visible()
            page.keyboard.press("e")
            page.keyboard.press("Control+Home")
            for _ in range(len(FIRST)):
                page.keyboard.press("ArrowRight")
            for _ in range(len(JOINT)):
                page.keyboard.press("Shift+ArrowRight")
            page.keyboard.press("Escape")
            page.keyboard.press("w")
            expect(page.get_by_label("一つ目の文")).to_have_value(FIRST)
            expect(page.get_by_label("二つ目の文")).to_have_value(SECOND)
            expect(page.locator("#look1 .ranking")).to_contain_text("返品")
            expect(page.locator("#look2 .ranking")).to_contain_text("取り下げ")
            page.keyboard.press("a")
            expect(page.get_by_text("二つに分けて、それぞれを下書きに加えました。")).to_be_visible()
            assert written(room_site) == [("return_item", FIRST), ("withdraw_request", SECOND)]
            page.wait_for_load_state()
            page.keyboard.press("z")
            expect(page.get_by_text("ひとつ前の操作を元に戻しました。")).to_be_visible()
        assert written(room_site) == []

    def test_each_part_is_mended_and_marked_by_itself(self, browser: Browser, room_site: RoomSite, pile: str) -> None:
        with at_desk(browser, room_site, "mori") as page:
            page.goto(f"/desk/train/m/{pile}")
            box = page.get_by_label("書き込まれる文")
            box.evaluate(f"(each) => each.setSelectionRange({len(FIRST)}, {len(FIRST)})")
            box.press("Alt+Enter")
            second = page.get_by_label("二つ目の文")
            second.fill("コートも交換してほしい")
            second.evaluate("(each) => each.setSelectionRange(0, 3)")
            second.press("Alt+2")
            expect(page.get_by_role("button", name="「コート」の印（商品）を外す")).to_be_visible()
            page.get_by_label("二つ目の意図").select_option("cancel_order")
            page.get_by_role("button", name="二つとも教える").click()
            expect(page.get_by_text("二つに分けて、それぞれを下書きに加えました。")).to_be_visible()
        assert written(room_site) == [("return_item", FIRST), ("cancel_order", "[コート](product)も交換してほしい")]

    @pytest.mark.parametrize(("kind", "options"), [("desktop", DESKTOP), ("phone", PHONE)])
    def test_the_page_is_accessible_and_fits(
        self, browser: Browser, room_site: RoomSite, pile: str, kind: str, options: dict[str, Any]
    ) -> None:
        with at_desk(browser, room_site, "mori", **options) as page:
            page.goto(f"/desk/train/m/{pile}")
            page.get_by_label("書き込まれる文").evaluate(
                f"(each) => each.setSelectionRange({len(FIRST)}, {len(FIRST)})"
            )
            page.get_by_role("button", name="カーソルの位置で二つに分ける").click()
            for n in ("1", "2"):
                expect(page.locator(f"#look{n} .tokens")).to_be_visible()
            shows_well(page, f"trainers-parting-{kind}")
