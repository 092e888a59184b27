"""A finding is let be (このままでよい): with a click, taken back with a key, back by itself when its texts change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from madoguchi.store import FindingAside
from madoguchi.training import aside, health
from tests.web.browsing import at_desk, needs_chromium, shows_well
from tests.web.trainers.conftest import RoomSite
from tests.web.trainers.test_health import corpus_of

FIRST, SECOND = "いつもどうもありがとう森より", "いつも、どうもありがとう森より!"


@pytest.fixture
def twins(room_site: RoomSite) -> Path:
    """Write two examples that are one text to the engine; returns their file."""
    path = room_site.project / "data" / "nlu" / "thank.yml"
    path.write_text(path.read_text() + f"    - {FIRST}\n    - {SECOND}\n")
    return path


def names(page: str) -> list[str]:
    """Return the names of the findings that can be let be."""
    return re.findall(r'health/aside.*?name="finding" value="(\w+)"', page)


def test_a_name_changes_with_the_texts_and_labels_it_is_about_and_with_nothing_else() -> None:
    near = [f"ありがとうその{n}" for n in range(60)]
    corpus = corpus_of(thank=["どうも", "どうも!", *near], deny=["いえ"])

    def named(**intents: list[str]) -> dict[str, str]:
        changed = corpus_of(**intents)
        return {each.finding.sign + (each.finding.intent or ""): each.name
                for each in aside.named(changed, health.at_once(changed))}  # fmt: skip

    before = {each.finding.sign + (each.finding.intent or ""): each.name
              for each in aside.named(corpus, health.at_once(corpus))}  # fmt: skip
    assert set(before) == {"twin", "thindeny"}
    other = named(thank=["どうも", "どうも!", *near[:-1], "感謝"], deny=["いえ"])
    assert other == before
    text = named(thank=["どうも", "どうも、", *near], deny=["いえ"])
    assert (text["twin"] != before["twin"], text["thindeny"] == before["thindeny"]) == (True, True)
    label = named(deny=["どうも", "どうも!", "いえ"], thank=near)
    assert (label["twin"] != before["twin"], label["thindeny"] != before["thindeny"]) == (True, True)


def test_let_be_taken_back_and_back_by_itself(room_site: RoomSite, twins: Path) -> None:
    client = room_site.browser("mori")
    where = "/desk/train/health?sign=twin"
    (name,) = names(client.get(where).text)

    def let_be() -> str:
        answer = client.post("/desk/train/health/aside", data={"sign": "twin", "finding": name})
        return answer.headers["location"]

    assert let_be() == "/desk/train/health?did=set_aside&sign=twin"
    page = client.get(where).text
    assert names(page) == []
    assert "このままでよいとしたもの（1件）" in page
    assert "森" in page
    assert "did=late" in let_be()
    assert client.post("/desk/train/undo", data={}).headers["location"].endswith("did=undone")
    assert names(client.get(where).text) == [name]
    let_be()
    back = {"sign": "twin", "finding": name}
    assert "did=put_back" in room_site.browser("hara").post("/desk/train/health/back", data=back).headers["location"]
    assert "did=late" in client.post("/desk/train/health/back", data=back).headers["location"]
    assert client.post("/desk/train/undo", data={}).headers["location"].endswith("did=nothing")
    let_be()
    twins.write_text(twins.read_text().replace(SECOND, "いつも、どうもありがとう、森より!"))
    assert len(names(client.get(where).text)) == 1


def test_a_conflict_is_never_let_be_and_stops_all_the_same(room_site: RoomSite) -> None:
    path = room_site.project / "data" / "nlu" / "thank.yml"
    path.write_text(path.read_text() + "    - 注文をキャンセルしたいです!!\n")
    client, corpus = room_site.browser("mori"), room_site.shelf.corpus()
    assert names(client.get("/desk/train/health?sign=conflict").text) == []
    found = next(each for each in aside.named(corpus, health.at_once(corpus)) if each.finding.sign == "conflict")
    answer = client.post("/desk/train/health/aside", data={"sign": "conflict", "finding": found.name})
    assert "did=late" in answer.headers["location"]
    with room_site.world.desk.store.reading() as session:
        assert session.query(FindingAside).count() == 0


class TestInTheBrowser:
    pytestmark = needs_chromium

    def test_by_keyboard_alone(self, browser: Browser, room_site: RoomSite, twins: Path) -> None:
        with at_desk(browser, room_site, "mori") as page:
            page.goto("/desk/train/health?sign=twin")
            page.get_by_role("button", name=f"このままでよい：「{FIRST}」").focus()
            page.keyboard.press("Enter")
            expect(page.get_by_text("このままでよいものとしました。")).to_be_visible()
            page.wait_for_load_state()
            page.locator(".let-be summary").focus()
            page.keyboard.press("Enter")
            expect(page.get_by_role("button", name=f"一覧に戻す：「{FIRST}」")).to_be_visible()
            shows_well(page, "trainers-let-be-desktop")
            page.set_viewport_size({"width": 390, "height": 844})
            shows_well(page, "trainers-let-be-phone")
            page.keyboard.press("z")
            expect(page.get_by_text("ひとつ前の操作を元に戻しました。")).to_be_visible()
            page.goto("/desk/train/health?sign=twin")
            expect(page.get_by_role("button", name=f"このままでよい：「{FIRST}」")).to_be_visible()
