"""Visiting the demo shop's pages in a real Chromium, for the browser tests; and the replies they are played with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.web.conftest import CHROMIUM, Site

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

CHOICES = {
    "custom": {
        "card": "choices",
        "items": [
            {
                "title": "加湿器",
                "detail": "11月20日にお届け",
                "image": "air.svg",
                "price": "9,800円",
                "payload": "/inform{}",
            },
            {
                "title": "炊飯器",
                "detail": "10月2日にお届け",
                "image": "air.svg",
                "price": "19,800円",
                "payload": "/inform{}",
            },
        ],
    }
}
CONFIRM = {
    "text": "次の内容でよろしいでしょうか。",
    "custom": {"card": "confirm", "rows": [{"label": "ご返金額", "value": "9,800円"}], "yes": "/affirm", "no": "/deny"},
}
PROGRESS = {
    "text": "返品を承りました。",
    "custom": {
        "card": "progress",
        "steps": [{"label": "受付", "state": "done", "at": "11月23日"}, {"label": "返送", "state": "now", "at": ""}],
    },
    "buttons": [{"title": "もう一度注文する", "payload": "/reorder"}, {"title": "いいえ", "payload": "/deny"}],
}


needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium at /usr/bin/chromium"),
]


@contextmanager
def visiting(browser: Browser, site: Site, customer: str = "C-1", **options: Any) -> Iterator[Page]:
    """Open the order history of a customer in a fresh browser; an error on the page's console fails the test."""
    context = browser.new_context(base_url=site.url, locale="ja-JP", timezone_id="Asia/Tokyo", **(options or DESKTOP))
    context.set_default_timeout(30_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"a dialog opened: {dialog.message}"))
    page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    sign_in(context, site, customer)
    page.goto("/orders")
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def sign_in(context: BrowserContext, site: Site, customer: str) -> None:
    answer = context.request.post("/shop/sign-in", form={"customer": customer}, max_redirects=0)
    assert answer.status == 303


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="メッセージを入力")


def write(page: Page, text: str) -> None:
    box(page).fill(text)
    box(page).press("Enter")


def bubbles(page: Page) -> list[str]:
    return page.locator("madoguchi-chat .bubble").all_inner_texts()


def shows(page: Page, *texts: str) -> None:
    expect(page.locator("madoguchi-chat .bubble")).to_have_text(list(texts))


def refuse_posts(page: Page) -> None:
    """Let nothing out of the page but questions."""
    page.route("**/chat/messages", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
