"""The window's menu and pages: calls by slot, the message centre, the talk to keep, and the sound."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from madoguchi.services import mails
from madoguchi.store import Callback, Notice
from madoguchi.web.app import STATIC
from tests.web.browsing import DESKTOP, PHONE, axe_is_content, fits, keep_picture, needs_chromium, visiting, write
from tests.web.conftest import Site, say
from tests.web.fakes import saying
from tests.web.helping import LOST, MACHINE, PAGES

browsing = [pytest.mark.browser, needs_chromium[1]]
MONDAY_MORNING = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def menu(page: Page) -> None:
    page.get_by_role("button", name="メニュー").click()


class TestCalls:
    def open_at(self, site: Site, at: datetime) -> httpx.Client:
        site.clock.ahead = at - datetime.now(UTC)
        return site.signed_in(MACHINE)

    def test_the_soonest_slot_is_now_in_business_hours(self, shop: Site) -> None:
        client = self.open_at(shop, MONDAY_MORNING + timedelta(seconds=1))
        found = client.get("/chat/calls").json()
        assert [slot["label"] for slot in found["slots"][:2]] == ["11月30日(月) 10:15", "11月30日(月) 10:30"]
        assert (found["booked"], len(found["phone"])) == (None, 4)

    def test_one_is_booked_moved_taken_back_and_booked_again(self, shop: Site) -> None:
        client = self.open_at(shop, MONDAY_MORNING)
        slots = [slot["at"] for slot in client.get("/chat/calls").json()["slots"]]
        for place in (1, 2):
            booked = client.post("/chat/calls", json={"at": slots[place], "phone": None}).json()["booked"]
        assert booked["label"].endswith("10:45")
        assert client.delete("/chat/calls").json()["booked"] is None
        assert client.delete("/chat/calls").status_code == 404
        assert (
            client.post("/chat/calls", json={"at": slots[1], "phone": "０９０－１２３４－５６７８"}).json()["booked"][
                "phone"
            ]
            == "5678"
        )
        with shop.desk.store.reading() as session:
            mine = session.query(Callback).filter(Callback.booked_at >= MONDAY_MORNING)
            assert [(row.state, row.phone) for row in mine] == [("booked", "+819012345678")]

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"at": "2026-11-30T03:00:00"}, 422),
            ({"at": "soon"}, 422),
            ({"at": None}, 422),
            ({"at": "2026-11-29T01:00:00+00:00"}, 409),
            ({"at": "2026-11-30T01:07:00+00:00"}, 409),
            ({"at": "2026-11-30T01:00:00+00:00", "phone": "110"}, 422),
            ({"at": "2026-11-30T01:00:00+00:00", "phone": "０" * 41}, 422),
            ({"at": "2026-11-30T01:00:00+00:00", "phone": 90}, 422),
        ],
    )
    def test_what_cannot_be_booked_is_told_so(self, shop: Site, body: dict, status: int) -> None:
        client = self.open_at(shop, MONDAY_MORNING)
        assert client.post("/chat/calls", json=body).status_code == status

    def test_a_visitor_must_give_a_number(self, shop: Site) -> None:
        shop.clock.ahead = MONDAY_MORNING - datetime.now(UTC)
        client = shop.visitor()
        slot = client.get("/chat/calls").json()["slots"][0]["at"]
        assert client.post("/chat/calls", json={"at": slot}).status_code == 422
        assert client.post("/chat/calls", json={"at": slot, "phone": "03-1234-5678"}).status_code == 200

    @pytest.mark.browser
    @needs_chromium[1]
    @pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
    def test_in_the_window_with_the_keyboard_alone(self, browser: Browser, shop: Site, options: dict) -> None:
        shop.clock.ahead = MONDAY_MORNING - datetime.now(UTC)
        with visiting(browser, shop, MACHINE, **options, bypass_csp=True) as page:
            if options is PHONE:
                page.get_by_role("button", name="チャットで相談する").tap()
            page.get_by_role("button", name="メニュー").focus()
            page.keyboard.press("Enter")
            keep_picture(page, f"window-menu-{'phone' if options is PHONE else 'desktop'}")
            axe_is_content(page)
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            sheet = page.get_by_role("dialog", name="お電話のご予約")
            expect(sheet.get_by_role("radio")).to_have_count(4)
            keep_picture(page, f"window-call-{'phone' if options is PHONE else 'desktop'}")
            axe_is_content(page)
            sheet.get_by_role("radio").nth(1).focus()
            page.keyboard.press("Space")
            sheet.get_by_role("button", name="この時間に電話してもらう").press("Enter")
            expect(sheet.locator(".call-time")).to_have_text("11月30日(月) 10:30")
            expect(sheet.get_by_role("heading")).to_be_focused()
            page.keyboard.press("Escape")
            expect(sheet).to_be_hidden()
            expect(page.get_by_role("button", name="メニュー")).to_be_focused()


class TestTheMessageCentre:
    def test_a_mail_is_sent_again_and_its_delivery_is_told(self, shop: Site) -> None:
        client = shop.signed_in(MACHINE)
        page = client.get("/chat/pages/notices", headers=PAGES).text
        number = re.findall(r"/chat/pages/notices/(\d+)/resend", page)[0]
        again = client.post(f"/chat/pages/notices/{number}/resend", headers=PAGES)
        assert again.status_code == 303
        told = client.get(again.headers["location"], headers=PAGES).text
        assert "もう一度お送りする準備をしました" in told
        assert "送信の準備中" in told
        while mails.send_due(shop.desk):
            pass
        assert "送信の準備中" not in client.get("/chat/pages/notices", headers=PAGES).text
        assert len(list((shop.settings.var / "mail" / "new").iterdir())) >= 1

    def test_nobody_reads_or_sends_anothers(self, shop: Site) -> None:
        with shop.desk.store.reading() as session:
            other = session.query(Notice).filter(Notice.sender == "shop", Notice.customer_id != 1).first()
        client = shop.signed_in(MACHINE)
        for number in (other.id, 0, 10**30):
            assert client.post(f"/chat/pages/notices/{number}/resend").status_code == 404
        assert f"/{other.id}/" not in client.get("/chat/pages/notices").text
        stranger = shop.client(headers=PAGES)
        refused = stranger.get("/chat/pages/notices")
        assert (refused.status_code, "もう一度お開きください" in refused.text) == (401, True)
        assert '<li class="mail">' not in shop.visitor().get("/chat/pages/notices").text

    def test_it_cannot_be_used_to_flood_a_mailbox(self, shop: Site) -> None:
        client = shop.signed_in(MACHINE)
        number = re.findall(r"notices/(\d+)/resend", client.get("/chat/pages/notices").text)[0]
        answers = [client.post(f"/chat/pages/notices/{number}/resend").status_code for _ in range(8)]
        assert answers == [303] * 5 + [429] * 3

    def test_what_a_seller_wrote_is_words(self, shop: Site) -> None:
        with shop.desk.store.writing() as session:
            mail = session.query(Notice).filter(Notice.customer_id == 1).first()
            mail.subject = mail.body = "<script>alert(1)</script>"
        assert "<script>alert" not in shop.signed_in(MACHINE).get("/chat/pages/notices").text

    @pytest.mark.browser
    @needs_chromium[1]
    @pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
    def test_it_reads_well(self, browser: Browser, shop: Site, options: dict) -> None:
        with visiting(browser, shop, LOST, **options, bypass_csp=True) as page:
            expect(page.locator("madoguchi-chat")).to_be_attached()
            page.wait_for_function("() => document.querySelector('madoguchi-chat').connection?.session")
            page.goto("/chat/pages/notices")
            page.get_by_role("button", name="もう一度送る").first.click()
            expect(page.get_by_role("status")).to_contain_text("もう一度お送りする準備をしました")
            page.locator(".mail summary").nth(1).click()
            assert fits(page)
            keep_picture(page, f"window-notices-{'phone' if options is PHONE else 'desktop'}")
            axe_is_content(page)


class TestTheTalkToKeep:
    def test_it_holds_everything_said_as_a_page_and_as_text(self, shop: Site) -> None:
        shop.engine.answer = saying({"text": "お困りですね & <b>承ります</b>"})
        client = shop.signed_in(MACHINE)
        say(client, "動きません <script>")
        page = ""
        for _ in range(100):
            page = client.get("/chat/pages/talk", headers=PAGES).text
            if "承ります" in page:
                break
        assert "動きません &lt;script&gt;" in page
        kept = client.get("/chat/pages/talk.txt")
        assert kept.headers["content-type"] == "text/plain; charset=utf-8"
        assert kept.headers["content-disposition"].startswith("attachment")
        assert "動きません <script>" in kept.text
        assert "お困りですね & <b>承ります</b>" in kept.text
        assert shop.client().get("/chat/pages/talk.txt").status_code == 401

    @pytest.mark.browser
    @needs_chromium[1]
    def test_it_prints_without_the_buttons(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop, MACHINE, **DESKTOP, bypass_csp=True) as page:
            write(page, "動きません")
            expect(page.locator("madoguchi-chat .theirs .bubble")).to_have_count(1)
            page.goto("/chat/pages/talk")
            page.evaluate("window.print = () => (window.printed = true)")
            page.get_by_role("button", name="印刷する").click()
            assert page.evaluate("window.printed")
            axe_is_content(page)
            page.emulate_media(media="print")
            expect(page.get_by_role("button", name="印刷する")).to_be_hidden()
            expect(page.get_by_text("動きません", exact=True)).to_be_visible()


@pytest.mark.browser
@needs_chromium[1]
class TestTheSound:
    def rung(self, page: Page) -> int:
        return page.evaluate("() => document.querySelector('madoguchi-chat').menu.rung ?? 0")

    def test_it_is_off_until_it_is_switched_on_and_stays_so(self, browser: Browser, shop: Site) -> None:
        with visiting(browser, shop, MACHINE) as page:
            write(page, "一つ目")
            expect(page.locator("madoguchi-chat .theirs .bubble")).to_have_count(1)
            assert self.rung(page) == 0
            menu(page)
            switch = page.get_by_role("switch", name="お返事の通知音")
            expect(switch).not_to_be_checked()
            switch.click()
            expect(switch).to_be_checked()
            before = self.rung(page)
            write(page, "二つ目")
            expect(page.locator("madoguchi-chat .theirs .bubble")).to_have_count(2)
            assert self.rung(page) == before + 1
            page.reload()
            menu(page)
            expect(switch).to_be_checked()


def test_the_window_is_light() -> None:
    """40 KB compressed at the most, without the data for line breaks."""
    parts = [STATIC / "madoguchi-chat.js", *(STATIC / "chat").iterdir(), *(STATIC / "vendor" / "budoux").glob("*.js")]
    assert len(parts) > 8
    assert sum(len(gzip.compress(part.read_bytes(), 9)) for part in parts) <= 40 * 1024
