"""Pages in a real Chromium, for the browser tests: opened, looked at, kept; and the replies they are played with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from madoguchi.web.desk.doors import COOKIE
from tests.web.conftest import CHROMIUM, Site
from tests.web.desk.conftest import DeskSite

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
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """Open a fresh browser, so to speak; an error on its page's console fails the test."""
    context = browser.new_context(base_url=url, locale="ja-JP", timezone_id="Asia/Tokyo", **(options or DESKTOP))
    context.set_default_timeout(30_000)
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"a dialog opened: {dialog.message}"))
    page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    try:
        yield page
        assert errors == []
    finally:
        context.close()


@contextmanager
def visiting(browser: Browser, site: Site, customer: str = "C-1", **options: Any) -> Iterator[Page]:
    """Open the order history of a customer."""
    with opened(browser, site.url, **options) as page:
        sign_in(page.context, site, customer)
        page.goto("/orders")
        yield page


@contextmanager
def at_desk(browser: Browser, desk_site: DeskSite, login: str, **options: Any) -> Iterator[Page]:
    """Give the page of somebody of the staff who is signed in."""
    with opened(browser, desk_site.site.url, **options) as page:
        cookie = {"name": COOKIE, "value": desk_site.secret(login), "domain": "127.0.0.1", "path": "/desk"}
        page.context.add_cookies([cookie])
        yield page


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


def axe_is_content(page: Page) -> None:
    """Let axe look at the page; it tries inline styles, so a page under the shop's policy is opened without it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]] == []


def fits(page: Page) -> bool:
    """Say whether nothing runs out of the page sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"])


def shows_well(page: Page, picture: str) -> None:
    """Nothing runs out of the page, axe finds nothing, and a picture of it is kept where pictures are asked for."""
    assert fits(page), f"{picture} is wider than the screen"
    axe_is_content(page)
    keep_picture(page, picture, whole=True)


def keep_picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep the screen, or the whole page, where pictures are asked for (MADOGUCHI_PICTURES=docs/pictures)."""
    folder = os.environ.get("MADOGUCHI_PICTURES")
    if folder:
        page.wait_for_timeout(400)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)
