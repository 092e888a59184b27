"""The whole way in a real Chromium: not understood, taught, trained, gated, in service, understood; and back again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from madoguchi.store import Message
from madoguchi.training import registry
from tests.integration.models.places import EXAMPLES, HELDOUT, LESSON, write_examples
from tests.web.browsing import DESKTOP, PHONE, at_desk, keep_picture, needs_chromium, shows_well, visiting, write
from tests.web.conftest import eventually
from tests.web.trainers.lessons import ANSWERS, LearningSite, learning_site

pytestmark = needs_chromium
__all__ = ["learning_site"]


def customer_hears(browser: Browser, site: LearningSite, answer: str) -> None:
    """Let a customer say the phrase in the chat, and see the answer."""
    with visiting(browser, site.site) as page:
        write(page, LESSON)
        expect(page.locator("madoguchi-chat .bubble").last).to_have_text(answer)


def train_on_page(page: Page, note: str) -> str:
    """Begin a training on the page, watch it end, and return the model's address."""
    page.goto("/desk/train/runs")
    page.get_by_label("今回教えたこと").fill(note)
    page.get_by_role("button", name="学習を始める").click()
    row = page.get_by_role("row").filter(has_text=note)
    expect(row.get_by_text("完了")).to_be_visible(timeout=60_000)
    return str(row.get_by_role("link").first.get_attribute("href"))


def test_a_phrase_is_taught_trained_gated_promoted_and_taken_back(
    browser: Browser, learning_site: LearningSite
) -> None:
    site, first = learning_site, learning_site.site.engine.loaded
    customer_hears(browser, site, ANSWERS["nlu_fallback"])
    with at_desk(browser, site, "mori") as page, site.trainers_program():
        page.goto("/desk/train")
        pile = page.locator("[data-row]").filter(has_text=LESSON)
        eventually(lambda: page.reload() is not None and pile.count() == 1, within_s=30)
        pile.click()
        page.get_by_label("意図").select_option("report_defect")
        page.get_by_role("button", name="この意図で教える").click()
        page.goto("/desk/train/drafts")
        page.get_by_role("button", name="自分の下書き").click()
        expect(page.get_by_text("1件を公開しました")).to_be_visible()
        assert LESSON in (site.place.root / "data/nlu/report_defect.yml").read_text(encoding="utf-8")
        page.goto(train_on_page(page, "箱のつぶれを不具合に"))
        expect(page.get_by_role("heading", name="検査に合格しています")).to_be_visible()
        page.get_by_role("button", name="応対に使う").click()
        expect(page.get_by_role("row").filter(has_text="応対中")).to_contain_text("箱のつぶれを不具合に")
        customer_hears(browser, site, ANSWERS["report_defect"])
        page.get_by_role("link", name=first.removesuffix(".tar.gz")).first.click()
        page.get_by_role("button", name="このモデルに戻す").click()
        expect(page.get_by_text("元に戻した")).to_be_visible()
    customer_hears(browser, site, ANSWERS["nlu_fallback"])
    with site.world.desk.store.reading() as session:
        named = [each.model for each in session.query(Message).filter_by(text=LESSON).order_by(Message.id)]
    assert named[0] == named[2] == first
    assert named[1] != first


def test_a_wrong_lesson_is_stopped_and_only_an_admin_overrules(browser: Browser, learning_site: LearningSite) -> None:
    site = learning_site
    write_examples(site.place.root, "return_item", [*EXAMPLES["return_item"], HELDOUT[0][0]])
    poisoned = site.train("誤った例文").removesuffix(".tar.gz")
    with at_desk(browser, site, "mori") as page:
        page.goto(f"/desk/train/models/{poisoned}")
        expect(page.get_by_role("heading", name="このモデルは、まだ応対に使えません")).to_be_visible()
        expect(page.get_by_text("お金にかかわる「注文の取り消し」の理解が下がりました")).to_be_visible()
        assert page.get_by_role("button", name="応対に使う").count() == 0
        assert (
            page.request.post(f"/desk/train/models/{poisoned}/promote", form={"reason": "通してください"}).status == 409
        )
        keep_picture(page, "model-closed", whole=True)
    with at_desk(browser, site, "kato") as page:
        page.goto(f"/desk/train/models/{poisoned}")
        page.get_by_text("指摘を承知で応対に使う").click()
        page.get_by_label("理由").fill("出品者の障害で急ぎのため")
        page.get_by_role("button", name="応対に使う").click()
        expect(page.get_by_role("row").filter(has_text="管理者の判断").first).to_contain_text(
            "出品者の障害で急ぎのため"
        )
    assert registry.history(site.world.desk)[0].kind == "overruled"


def test_a_training_is_watched_and_stopped_by_keyboard(
    browser: Browser, learning_site: LearningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_ENGINE_SLEEP", "20")
    with at_desk(browser, learning_site, "mori") as page, learning_site.trainers_program():
        page.goto("/desk/train/runs")
        page.get_by_label("今回教えたこと").focus()
        page.keyboard.type("やり直すもの")
        page.keyboard.press("Enter")
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.locator(".log")).to_contain_text("Starting to train component")
        expect(page.get_by_text("例文から学んでいます")).to_be_visible()
        shows_well(page, "training")
        page.get_by_role("button", name="中止する").focus()
        page.wait_for_timeout(1500)  # the piece is made anew meanwhile, and the button keeps the focus
        assert page.evaluate("document.activeElement.id") == "cancel-run"
        page.keyboard.press("Enter")
        expect(page.get_by_role("row").filter(has_text="やり直すもの")).to_contain_text("中止", timeout=20_000)
        expect(page.get_by_role("button", name="学習を始める")).to_be_enabled()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_report_is_read_on_every_device(
    browser: Browser, learning_site: LearningSite, device: dict[str, Any]
) -> None:
    site, name = learning_site, "phone" if device is PHONE else "desktop"
    write_examples(site.place.root, "return_item", [*EXAMPLES["return_item"], HELDOUT[0][0]])
    other = site.train("誤った例文").removesuffix(".tar.gz")
    address = f"/desk/train/models/{other}"
    with at_desk(browser, site, "mori", **device) as page:
        for path, words, shot in (
            ("/desk/train/models", "入れ替えの記録", "models"),
            (address, "意図ごとの成績", "model"),
            (f"{address}/confusion?meant=cancel_order&said=return_item", HELDOUT[0][0], "confusion"),
            (f"{address}/changes", "悪くなる", "changes"),
            (f"/desk/train/beside?of={other}&of={site.site.engine.loaded.removesuffix('.tar.gz')}", "正解率", "beside"),
        ):
            page.goto(path)
            expect(page.get_by_text(words).first).to_be_visible()
            shows_well(page, f"{shot}-{name}")
        page.goto(f"{address}/talk")
        page.get_by_label("お客様の言い方で").fill("壊れていました")
        page.get_by_role("button", name="聞いてみる").click()
        expect(page.get_by_role("heading", name="不具合・破損")).to_be_visible(timeout=30_000)
        shows_well(page, f"trial-{name}")
