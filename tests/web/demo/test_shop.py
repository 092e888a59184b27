"""The demo shop's pages, over the demo's own data: every named customer, every picture, and the warehouse's scan."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx
import pytest
from sqlalchemy import func, select

from madoguchi import demo
from madoguchi.store import IncomingEvent, Refund, ReturnAuthorization
from tests.web.conftest import Site, say

PAGES = {"Accept": "text/html"}


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def values(self, tag: str, name: str) -> list[str]:
        return [str(each[name]) for kind, each in self.found if kind == tag and name in each]

    def inputs(self, name: str) -> list[str]:
        return [str(each["value"]) for kind, each in self.found if kind == "input" and each.get("name") == name]


def signed_in_as(shop: Site, reference: str) -> httpx.Client:
    client = shop.client(headers=PAGES)
    assert client.post("/shop/sign-in", data={"customer": reference}).status_code == 303
    return client


def test_the_front_page_offers_every_named_customer(shop: Site) -> None:
    page = shop.client().get("/", headers=PAGES)
    assert Tags(page.text).inputs("customer") == [each.reference for each in demo.NAMED]
    assert all(each.name in page.text and each.situation in page.text for each in demo.NAMED)


def test_every_named_customer_sees_their_own_orders_with_pictures_that_exist(shop: Site) -> None:
    for each in demo.NAMED:
        client = signed_in_as(shop, each.reference)
        page = client.get("/orders")
        assert page.status_code == 200
        assert f"{each.name} 様" in page.text
        tags = Tags(page.text)
        assert "madoguchi-chat" in [tag for tag, _ in tags.found]
        pictures = set(tags.values("img", "src"))
        assert pictures
        assert {client.get(path).status_code for path in pictures} == {200}


def test_pages_carry_no_script_or_style_of_their_own(shop: Site) -> None:
    client = signed_in_as(shop, demo.NAMED[0].reference)
    for path in ("/", "/orders", "/shop/warehouse", "/nowhere"):
        html = client.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html), path


def test_a_stranger_cannot_sign_in_and_nobody_else_sees_orders(shop: Site) -> None:
    client = shop.client(headers=PAGES)
    assert client.post("/shop/sign-in", data={"customer": "c-9999999"}).status_code == 404
    assert client.get("/orders").headers["location"] == "/"
    assert client.post("/shop/token").json() == {"token": None}
    client.cookies["demo_shop"] = "a.b.c"
    assert client.get("/orders").headers["location"] == "/"


def test_the_shops_token_opens_the_chat_and_its_cookie_does_not(shop: Site) -> None:
    client = signed_in_as(shop, demo.NAMED[0].reference)
    forged = client.post("/chat/session", json={"token": client.cookies["demo_shop"]})
    assert forged.status_code == 401
    opened = client.post("/chat/session", json={"token": client.post("/shop/token").json()["token"]})
    assert opened.json()["customer"] == {"name": demo.NAMED[0].name}
    assert say(client, "こんにちは").status_code == 202


class TestTheWarehouse:
    def test_a_scan_receives_the_parcel_and_starts_its_refund_once(self, shop: Site) -> None:
        client = shop.client(headers=PAGES)
        tags = Tags(client.get("/shop/warehouse").text)
        number, event = tags.inputs("number")[0], tags.inputs("event")[0]
        before = self.refunds(shop)
        for _ in range(2):
            scanned = client.post("/shop/warehouse/scan", data={"number": number, "event": event})
            told = client.get(scanned.headers["location"])
            assert f"受付番号 {number} の到着を記録しました" in told.text
        assert number not in Tags(told.text).inputs("number")
        with shop.desk.store.reading() as session:
            row = session.scalars(select(ReturnAuthorization).where(ReturnAuthorization.number == number)).one()
            assert row.state == "received"
            assert session.get(IncomingEvent, f"shop-page:{event}") is not None
        assert self.refunds(shop) == before + len(row.splits)

    @pytest.mark.parametrize("number", ["R-0000-0000", "' OR 1=1 --", "<script>alert(1)</script>"])
    def test_a_number_nobody_knows_is_told_so(self, shop: Site, number: str) -> None:
        client = shop.client(headers=PAGES)
        scanned = client.post("/shop/warehouse/scan", data={"number": number, "event": "e-1"})
        told = client.get(scanned.headers["location"])
        assert "見つかりませんでした" in told.text
        assert "<script>alert" not in told.text

    @pytest.mark.parametrize("form", [{}, {"number": "R-1"}, {"event": "e"}, {"number": "R" * 99, "event": "e"}])
    def test_half_a_form_is_refused(self, shop: Site, form: dict[str, str]) -> None:
        assert shop.client(headers=PAGES).post("/shop/warehouse/scan", data=form).status_code == 400

    def refunds(self, shop: Site) -> int:
        with shop.desk.store.reading() as session:
            return session.scalar(select(func.count()).select_from(Refund)) or 0


def test_without_the_demo_there_are_no_such_pages(site: Site) -> None:
    client = site.client(headers=PAGES)
    for path in ("/", "/orders", "/shop/warehouse"):
        missing = client.get(path)
        assert missing.status_code == 404
        assert "ページが見つかりません" in missing.text
    for path in ("/shop/sign-in", "/shop/token", "/shop/warehouse/scan"):
        assert client.post(path).status_code == 404
