"""Photos: whatever a file is, only its pixels come in, and only its owner and the staff get them back."""

from __future__ import annotations

import uuid
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from madoguchi.services import photos, privacy, timeline
from madoguchi.services.photos import NotTaken
from madoguchi.services.talk import Owner
from madoguchi.store import Conversation, Photo
from tests.web.browsing import (
    CONFIRM,
    DESKTOP,
    PHONE,
    axe_is_content,
    keep_picture,
    needs_chromium,
    shows,
    visiting,
    write,
)
from tests.web.conftest import SHOP, Site, replies, talk
from tests.web.fakes import saying
from tests.web.hostile import REFUSED, SECRET, Hostile, hostile_files, located, photo, png_claiming

FILES = hostile_files()


def send(client: httpx.Client, content: bytes, name: str | None = None, **headers: str) -> httpx.Response:
    wanted = {"Content-Type": "image/jpeg", **headers}
    return client.post(f"/chat/photos?id={name or uuid.uuid4()}", content=content, headers=wanted)


def held(site: Site) -> list[Photo]:
    with site.desk.store.reading() as session:
        return session.query(Photo).order_by(Photo.sent_at).all()


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_no_hostile_file_gets_through(site: Site, file: Hostile) -> None:
    client = site.signed_in()
    answer = send(client, file.content, **{"Content-Type": file.claims})
    if file.fate == REFUSED:
        assert answer.status_code in (413, 415, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert (held(site), talk(client)) == ([], [])
        return
    assert answer.status_code == 202, answer.text
    kept = client.get(f"/chat/photos/{answer.json()['message']['content']['photo']['id']}")
    assert SECRET not in kept.content
    with Image.open(BytesIO(kept.content)) as picture:
        assert (picture.format, dict(picture.getexif()), picture.info.get("comment")) == ("JPEG", {}, None)
        assert kept.content.rstrip().endswith(b"\xff\xd9"), "nothing comes behind the picture"


@pytest.mark.parametrize(("width", "height"), [(8_000, 6_251), (50_000, 50_000), (100_000, 501)])
def test_a_claim_of_too_many_pixels_is_refused_before_any_is_decoded(width: int, height: int) -> None:
    assert photos.redraw(png_claiming(width, height)) is NotTaken.TOO_MANY_PIXELS


class TestComingIn:
    def test_it_is_a_message_of_the_customers_with_a_word_of_thanks(self, site: Site) -> None:
        client = site.signed_in()
        sent = send(client, located())
        assert sent.json()["message"]["content"]["photo"]["width"] == 480, "it lay on its side, and stands now"
        first, second = talk(client)
        assert (first["author"], first["text"], first["state"]) == ("customer", "", "answered")
        assert second["text"].startswith("お写真を受け取りました")
        assert site.engine.asked == []

    def test_of_several_only_the_first_is_thanked_for(self, site: Site) -> None:
        client = site.signed_in()
        for width in (100, 200, 300):
            assert send(client, photo(width)).status_code == 202
        assert [message["author"] for message in talk(client)] == ["customer", "bot", "customer", "customer"]

    def test_a_human_at_the_desk_is_not_spoken_over(self, site: Site) -> None:
        client = site.signed_in()
        with site.desk.store.writing() as session:
            session.query(Conversation).one().owner = Owner.AGENT
        assert send(client, photo()).status_code == 202
        assert [message["author"] for message in talk(client)] == ["customer"]

    def test_the_same_id_again_is_the_same_photo(self, site: Site) -> None:
        client, name = site.signed_in(), str(uuid.uuid4())
        first, second = send(client, photo(), name), send(client, photo(), name)
        assert first.json() == second.json()
        assert send(client, photo(99), name).status_code == 409
        assert len(held(site)) == 1

    def test_a_large_one_becomes_small(self, site: Site) -> None:
        shown = send(site.signed_in(), photo(4000, 3000)).json()["message"]["content"]["photo"]
        assert (shown["width"], shown["height"]) == (1600, 1200)

    def test_clear_parts_become_white(self, site: Site) -> None:
        clear = BytesIO()
        Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(clear, "PNG")
        client = site.signed_in()
        name = send(client, clear.getvalue()).json()["message"]["content"]["photo"]["id"]
        with Image.open(BytesIO(client.get(f"/chat/photos/{name}").content)) as picture:
            assert min(picture.convert("RGB").getpixel((10, 10))) > 250

    def test_without_a_session_or_from_a_foreign_page_nothing_comes_in(self, site: Site) -> None:
        assert send(site.client(), photo()).status_code == 401
        client = site.signed_in()
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert send(client, photo(), **foreign).status_code == 403
        assert send(client, photo(), Origin=SHOP, **{"Sec-Fetch-Site": "same-site"}).status_code == 202
        assert send(client, photo(), "no-uuid").status_code == 422
        assert len(held(site)) == 1

    def test_there_is_an_end_to_it(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(photos, "PER_CONVERSATION", 2)
        client = site.signed_in()
        assert [send(client, photo(width)).status_code for width in (100, 200, 300)] == [202, 202, 409]
        answers = [send(client, photo(width)).status_code for width in range(50, 64)]
        assert 429 in answers

    def test_a_photo_does_not_spend_the_open_buttons(self, site: Site) -> None:
        site.engine.answer = saying(CONFIRM)
        client = site.signed_in()
        client.post("/chat/messages", json={"id": str(uuid.uuid4()), "text": "返品したい"})
        (question,) = replies(client, 1)
        send(client, photo())
        pressed = {"id": str(uuid.uuid4()), "choice": question["content"]["card"]["yes"]["token"]}
        assert client.post("/chat/messages", json=pressed).status_code == 202


class TestGoingOut:
    @pytest.fixture
    def name(self, site: Site) -> str:
        return send(site.signed_in(), photo()).json()["message"]["content"]["photo"]["id"]

    def test_it_is_served_so_that_no_browser_runs_it(self, site: Site, name: str) -> None:
        headers = site.signed_in().get(f"/chat/photos/{name}").headers
        assert headers["content-type"] == "image/jpeg"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-disposition"].startswith("attachment;")
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert headers["cross-origin-resource-policy"] == "same-origin"

    def test_nobody_else_gets_it(self, site: Site, name: str) -> None:
        others = {site.signed_in("C-2"): 404, site.visitor(): 404, site.client(): 401}
        assert [client.get(f"/chat/photos/{name}").status_code for client in others] == list(others.values())
        for wrong in ("0" * 32, "..%2f..%2fdesk.db", "%00", "x" * 500):
            assert site.signed_in().get(f"/chat/photos/{wrong}").status_code == 404

    def test_the_staffs_timeline_has_it(self, site: Site, name: str) -> None:
        talk = site.conversation(1)
        found = timeline.read(site.desk, talk.id)
        assert found is not None
        (entry,) = [entry for entry in found.entries if entry.values.get("photo")]
        kept = photos.read(site.desk, entry.values["photo"]["id"])
        assert kept is not None
        assert kept.content.startswith(b"\xff\xd8")

    def test_erasing_the_customer_erases_it(self, site: Site, name: str) -> None:
        exported = privacy.export(site.desk, "staff:1", "C-1")
        assert exported is not None
        assert len(exported["photos"][0]["content"]) > 100
        erased = privacy.erase(site.desk, "staff:1", "C-1")
        assert erased is not None
        assert erased.counts["photos"] == 1
        assert held(site) == []
        assert name not in str([row.content for row in site.rows()])


@pytest.mark.browser
@needs_chromium[1]
class TestInTheWindow:
    @pytest.fixture
    def files(self, tmp_path: Path) -> dict[str, Path]:
        found = {"defect.jpg": located(), "words.jpg": b"these are words", "large.jpg": photo() + bytes(9_000_000)}
        for name, content in found.items():
            (tmp_path / name).write_bytes(content)
        return {name: tmp_path / name for name in found}

    @pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
    def test_it_is_chosen_sent_and_shown_and_the_question_stays_open(
        self, browser: Browser, shop: Site, files: dict[str, Path], options: dict
    ) -> None:
        shop.engine.answer = saying(CONFIRM)
        with visiting(browser, shop, **options, bypass_csp=True) as page:
            if options is PHONE:
                page.get_by_role("button", name="チャットで相談する").tap()
            page.get_by_role("textbox", name="メッセージを入力").fill("動きません")
            page.get_by_role("button", name="送信", exact=True).click()
            expect(page.get_by_role("button", name="お願いします")).to_be_visible()
            with page.expect_file_chooser() as chooser:
                page.get_by_role("button", name="写真を送る").click()
            chooser.value.set_files(files["defect.jpg"])
            picture = page.get_by_role("img", name="お送りいただいた写真")
            expect(picture).to_be_visible()
            expect(page.get_by_text("お写真を受け取りました")).to_be_visible()
            page.wait_for_function(
                "() => document.querySelector('madoguchi-chat').shadowRoot.querySelector('.photo').naturalWidth > 0"
            )
            expect(page.get_by_role("button", name="お願いします")).to_be_enabled()
            expect(page.get_by_text("お写真を受け取りました")).to_be_in_viewport()
            keep_picture(page, f"window-photo-{'phone' if options is PHONE else 'desktop'}")
            axe_is_content(page)
            page.reload()
            if options is PHONE:
                page.wait_for_timeout(300)
            expect(picture).to_have_count(1)

    def test_what_is_no_photo_is_told_so_and_a_bad_line_is_borne(
        self, browser: Browser, shop: Site, files: dict[str, Path]
    ) -> None:
        with visiting(browser, shop) as page:
            chooser = page.locator("madoguchi-chat input[type=file]")
            chooser.set_input_files(files["words.jpg"])
            expect(page.get_by_text("お受けできるのはJPEG・PNG・WebPの写真です")).to_be_visible()
            chooser.set_input_files(files["large.jpg"])
            expect(page.get_by_text("1枚8MBまでです")).to_be_visible()
            page.route("**/chat/photos*", lambda route: route.abort(), times=1)
            chooser.set_input_files(files["defect.jpg"])
            expect(page.get_by_role("img", name="お送りいただいた写真")).to_have_count(1)
            write(page, "こちらです")
            shows(
                page,
                "写真",
                "お写真を受け取りました。お手続きの記録に添え、担当者も確かめられるようにいたしました。",
                "こちらです",
                "text:こちらです",
            )
