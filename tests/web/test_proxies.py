"""Behind proxies that gather what they should pass on: the window notices, and asks for itself."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.web.browsing import needs_chromium, visiting, write
from tests.web.conftest import Site
from tests.web.proxies import in_front_of

pytestmark = needs_chromium


@pytest.mark.parametrize(
    ("block", "lets_through"),
    [
        pytest.param(1_000_000, 0, id="keeps the whole stream"),
        pytest.param(8_192, 0, id="gathers blocks of 8 KB"),
        pytest.param(1_000_000, 2_500, id="lets the beginning through and keeps the rest"),
    ],
)
def test_the_window_falls_back_to_asking(browser: Browser, shop: Site, block: int, lets_through: int) -> None:
    with in_front_of(shop.url, block=block, lets_through=lets_through) as (address, proxy):
        with visiting(browser, replace(shop, url=address)) as page:
            write(page, "聞こえますか")
            answer = page.locator("madoguchi-chat .theirs .bubble")
            expect(answer).to_have_text("text:聞こえますか", timeout=20_000)
            write(page, "二度目です")
            expect(answer).to_have_text(["text:聞こえますか", "text:二度目です"], timeout=20_000)
        assert proxy.held > 0, "nothing was gathered, so nothing was proved"


def test_a_proxy_that_gathers_two_kilobytes_first_passes_the_beginning_on(shop: Site) -> None:
    """The comment at the head of each stream fills such a proxy's buffer, so that the first event comes at once."""
    client = shop.signed_in()
    with (
        in_front_of(shop.url, block=2_048) as (address, _),
        httpx.stream("GET", f"{address}/chat/events", cookies=dict(client.cookies), timeout=5, trust_env=False) as live,
    ):
        assert next(live.iter_bytes()).startswith(b":")
