"""The bank-account form: a link for one session and one account, errors beside their fields, only the end shown."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from madoguchi.services import progress
from madoguchi.store import BankAccount, OutboxCall, Refund
from tests.web.browsing import DESKTOP, PHONE, axe_is_content, fits, keep_picture, needs_chromium, visiting
from tests.web.conftest import Site
from tests.web.helping import CHAIR, MACHINE, PAGES, agree, conversation_of, newest_order

FORM = "/chat/pages/account"
FIELDS = {"bank": "0001", "branch": "123", "kind": "ordinary", "number": "7654321", "holder": "アキヤマ チヒロ"}


@pytest.fixture
def shop(shop: Site) -> Site:
    """Let somebody at the demo shop wait for a bank transfer."""
    agree(shop, CHAIR, kind="cancel", order_number=newest_order(shop, CHAIR), refund_method="bank_transfer")
    return shop


@pytest.fixture
def case(shop: Site) -> str:
    (found,) = progress.of_conversation(shop.desk, conversation_of(shop, CHAIR).id)
    assert found.needs_account
    return found.case


def token_of(client: httpx.Client, case: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', client.get(FORM, params={"case": case}, headers=PAGES).text)[0]


def send(client: httpx.Client, token: str, **changes: str) -> httpx.Response:
    return client.post(FORM, data={**FIELDS, "token": token, **changes}, headers=PAGES)


def accounts(site: Site) -> list[str]:
    with site.desk.store.reading() as session:
        return list(session.scalars(select(BankAccount.end)))


def test_it_takes_one_account_and_the_transfer_goes(shop: Site, case: str) -> None:
    client = shop.signed_in(CHAIR)
    done = send(client, token_of(client, case))
    assert done.status_code == 303
    page = client.get(done.headers["location"], headers=PAGES).text
    assert "****321" in page
    assert "7654321" not in page
    with shop.desk.store.reading() as session:
        refund = session.scalars(
            select(Refund).where(Refund.destination == "bank_transfer").order_by(Refund.id.desc())
        ).first()
        call = session.scalars(select(OutboxCall).where(OutboxCall.key == refund.key)).one()
        assert (refund.state, call.state) == ("sent", "done")
    (shown,) = client.get("/chat/messages").json()["cases"]
    assert {"label": "お振込先", "value": "****321"} in shown["rows"]
    assert not shown["account"]
    assert client.get(FORM, params={"case": case}, headers=PAGES).status_code == 404


def test_a_link_is_good_for_one_account_one_session_and_half_an_hour(shop: Site, case: str) -> None:
    client, other = shop.signed_in(CHAIR), shop.signed_in(MACHINE)
    first, second = token_of(client, case), token_of(client, case)
    assert send(other, first).status_code == 409
    assert send(shop.client(), first).status_code == 401
    for forged in ("", "a.b.c", first[:-2] + "AA", shop.token(CHAIR)):
        assert send(client, forged).status_code == 409
    shop.clock.ahead = timedelta(minutes=31)
    assert send(client, first).status_code == 409
    shop.clock.ahead = timedelta()
    assert accounts(shop) == []
    assert send(client, first).status_code == 303
    assert send(client, first).status_code == 409
    assert send(client, second).status_code == 404
    assert accounts(shop) == ["321"]


@pytest.mark.parametrize("who", [MACHINE, None])
def test_nobody_else_gets_the_form(shop: Site, case: str, who: str | None) -> None:
    client = shop.visitor() if who is None else shop.signed_in(who)
    for wanted in (case, "C-NOTHING", "", "x" * 500, "' OR 1=1 --"):
        assert client.get(FORM, params={"case": wanted}, headers=PAGES).status_code == 404


def test_what_is_wrong_is_said_beside_its_field_and_the_link_stays_good(shop: Site, case: str) -> None:
    client = shop.signed_in(CHAIR)
    token = token_of(client, case)
    refused = send(client, token, number="12", holder="秋山<script>alert(1)</script>")
    assert refused.status_code == 422
    assert refused.text.count('aria-invalid="true"') == 2
    assert "2か所をお確かめください" in refused.text
    assert "<script>alert" not in refused.text
    assert send(client, token).status_code == 303


def test_a_foreign_page_cannot_send_it(shop: Site, case: str) -> None:
    client = shop.signed_in(CHAIR)
    token = token_of(client, case)
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post(FORM, data={**FIELDS, "token": token}, headers=foreign).status_code == 403
    assert accounts(shop) == []


def test_the_end_shown_afterwards_is_three_digits_or_nothing(shop: Site) -> None:
    client = shop.signed_in(CHAIR)
    for wrong in ("", "12", "7654321", "<b>", "１２３"):
        assert client.get(f"{FORM}/done", params={"end": wrong}).status_code == 404


@pytest.mark.browser
@needs_chromium[1]
@pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_from_the_card_to_the_form_and_back(browser: Browser, shop: Site, case: str, options: dict) -> None:
    with visiting(browser, shop, CHAIR, **options, bypass_csp=True) as page:
        if options is PHONE:
            page.get_by_role("button", name="チャットで相談する").tap()
        page.locator("madoguchi-chat details.cases summary").click()
        expect(page.locator("madoguchi-chat .case-state")).to_have_text("お振込先のご登録をお待ちしています")
        with page.expect_popup() as opened:
            page.get_by_role("link", name="お振込先を登録する").click()
        form = opened.value
        form.get_by_label("金融機関コード").fill("0001")
        form.get_by_label("支店コード").fill("12")
        form.get_by_label("口座番号").fill("7654321")
        form.get_by_label("口座名義").fill("秋山千尋")
        form.get_by_label("口座名義").press("Enter")
        expect(form.get_by_role("alert")).to_contain_text("2か所")
        expect(form.get_by_label("支店コード")).to_be_focused()
        assert fits(form)
        keep_picture(form, f"window-account-{'phone' if options is PHONE else 'desktop'}")
        axe_is_content(form)
        form.get_by_label("支店コード").fill("123")
        form.get_by_label("口座名義").fill("アキヤマ チヒロ")
        form.get_by_role("button", name="この口座を登録する").click()
        expect(form.get_by_role("status")).to_contain_text("****321")
        axe_is_content(form)
        expect(page.get_by_role("link", name="お振込先を登録する")).to_have_count(0)
    assert accounts(shop) == ["321"]
