"""The door itself: bad input gets a clear answer in Japanese, other sites' pages get none, headers are strict."""

from __future__ import annotations

import json
import socket
import uuid
from urllib.parse import urlsplit

import pytest

from tests.web.conftest import SHOP, Site, say, talk

LOOK_ALIKES = [
    "https://shop.example.jp.evil.example",
    "https://evil.example/https://shop.example.jp",
    "https://evilshop.example.jp",
    "https://sub.shop.example.jp",
    "http://shop.example.jp",
    "https://shop.example.jp:8443",
    "https://SHOP.example.jp",
    "https://shop.example.jp/",
    "https://shop-example.jp",
    "https://shopxexample.jp",
    "https://shop.example.jp\u200b",
    "https://ѕhop.example.jp",
    "https://user@shop.example.jp",
    "null",
    "*",
]


def problem(response) -> dict:
    """Check the form of a refusal and return it."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert any("ぁ" <= character <= "ん" for character in body["detail"]), "the detail is Japanese"
    assert "Traceback" not in response.text
    return dict(body)


class TestBadMessages:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "empty_text"),
            (" \u3000\n\t ", "empty_text"),
            ("あ" * 4001, "long_text"),
            ("返品\x00したい", "control_characters"),
            ("返品\x1b[31mしたい", "control_characters"),
            ("返品\x7f", "control_characters"),
            ("返品\x85です", "control_characters"),
            ("返品\rです", "control_characters"),
            (None, "text_or_choice"),
            (7, "text_or_choice"),
            (["返品"], "text_or_choice"),
            ({"a": "b"}, "text_or_choice"),
        ],
    )
    def test_the_text_is_checked(self, site: Site, text: object, code: str) -> None:
        client = site.signed_in()
        refused = client.post("/chat/messages", json={"id": str(uuid.uuid4()), "text": text})
        assert problem(refused)["type"] == f"urn:madoguchi:problem:{code}"
        assert refused.status_code == 422
        assert talk(client) == []

    def test_half_a_surrogate_pair_is_refused(self, site: Site) -> None:
        client = site.signed_in()
        body = f'{{"id": "{uuid.uuid4()}", "text": "\\ud83d"}}'
        refused = client.post("/chat/messages", content=body, headers={"Content-Type": "application/json"})
        assert problem(refused)["type"] == "urn:madoguchi:problem:control_characters"

    @pytest.mark.parametrize(
        "text", ["あ" * 4000, "一行目\n二行目", "👨‍👩‍👧 家族で🎉", "𠮷野家", "ﾊﾝｶｸ", "<script>alert(1)</script>"]
    )
    def test_what_people_write_comes_back_as_it_was(self, site: Site, text: str) -> None:
        client = site.signed_in()
        assert say(client, text).status_code == 202
        assert talk(client)[0]["text"] == text

    @pytest.mark.parametrize(
        "name", [None, 1, "", "x", "A" * 36, "../../etc", "8D46586B-7239-45CD-8409-B3E525B4461A", "1:0"]
    )
    def test_the_id_is_checked(self, site: Site, name: object) -> None:
        refused = site.signed_in().post("/chat/messages", json={"id": name, "text": "はい"})
        assert problem(refused)["type"] == "urn:madoguchi:problem:bad_id"

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 60_000, b'{"id": NaN', b"0" * 5000]
    )
    def test_the_body_is_checked(self, site: Site, content: bytes) -> None:
        refused = site.signed_in().post("/chat/messages", content=content, headers={"Content-Type": "application/json"})
        assert refused.status_code == 400
        problem(refused)

    def test_a_form_is_no_message(self, site: Site) -> None:
        refused = site.signed_in().post("/chat/messages", data={"id": str(uuid.uuid4()), "text": "はい"})
        assert refused.status_code == 415
        problem(refused)

    @pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 19, "١"])
    def test_the_position_is_checked(self, site: Site, after: str) -> None:
        client = site.signed_in()
        assert client.get("/chat/messages", params={"after": after}).status_code == 422
        assert client.get("/chat/events", headers={"Last-Event-ID": after.encode()}).status_code == 422


class TestBodies:
    def test_too_large_a_body_is_refused_by_its_length(self, site: Site) -> None:
        client = site.signed_in()
        refused = client.post("/chat/messages", json={"id": str(uuid.uuid4()), "text": "あ" * 100_000})
        assert refused.status_code == 413
        problem(refused)
        assert talk(client) == []

    def test_too_large_a_body_is_refused_when_its_length_was_not_said(self, site: Site) -> None:
        def endless():
            for _ in range(100):
                yield b" " * 1024

        refused = site.signed_in().post(
            "/chat/messages", content=endless(), headers={"Content-Type": "application/json"}
        )
        assert refused.status_code == 413
        problem(refused)

    def test_too_large_a_length_is_refused_without_waiting_for_the_body(self, site: Site) -> None:
        address = urlsplit(site.url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
            raw.sendall(b"POST /chat/session HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")

    def test_a_broken_off_request_harms_nobody(self, site: Site) -> None:
        address = urlsplit(site.url)
        with socket.create_connection((address.hostname, address.port)) as raw:
            raw.sendall(b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        assert site.client().get("/healthz").text == "ok"


class TestOtherSites:
    def test_the_shops_own_pages_may_use_the_chat(self, site: Site) -> None:
        client = site.client(headers={"Origin": SHOP, "Sec-Fetch-Site": "same-site"})
        opened = client.post("/chat/session", json={"token": site.token()})
        assert opened.status_code == 200
        assert opened.headers["access-control-allow-origin"] == SHOP
        assert opened.headers["access-control-allow-credentials"] == "true"
        assert say(client, "こんにちは").status_code == 202

    @pytest.mark.parametrize("origin", LOOK_ALIKES)
    def test_look_alikes_may_not(self, site: Site, origin: str) -> None:
        client = site.signed_in()
        headers = [(b"Origin", origin.encode())]
        refused = client.post("/chat/messages", json={"id": str(uuid.uuid4()), "text": "x"}, headers=headers)
        assert refused.status_code == 403
        problem(refused)
        assert "access-control-allow-origin" not in refused.headers
        assert "access-control-allow-origin" not in client.get("/chat/messages", headers=headers).headers
        asked = [*headers, (b"Access-Control-Request-Method", b"POST")]
        assert "access-control-allow-origin" not in client.options("/chat/messages", headers=asked).headers
        assert talk(client) == []

    @pytest.mark.parametrize("where", ["cross-site", "same-site", "nonsense", ""])
    def test_a_browser_that_says_where_it_comes_from_is_believed(self, site: Site, where: str) -> None:
        client = site.signed_in()
        refused = client.post(
            "/chat/messages", json={"id": str(uuid.uuid4()), "text": "x"}, headers={"Sec-Fetch-Site": where}
        )
        assert refused.status_code == 403
        assert client.delete("/chat/session", headers={"Sec-Fetch-Site": where}).status_code == 403
        assert talk(client) == []

    def test_the_desks_own_pages_and_programs_may(self, site: Site) -> None:
        client = site.signed_in()
        assert say(client, "プログラムから").status_code == 202
        client.headers["Origin"] = site.url
        assert say(client, "古いブラウザーから").status_code == 202
        client.headers["Sec-Fetch-Site"] = "same-origin"
        assert say(client, "今のブラウザーから").status_code == 202


class TestHeaders:
    @pytest.mark.parametrize("path", ["/healthz", "/chat/messages", "/nowhere", "/static/madoguchi-chat.js"])
    def test_every_answer_carries_them(self, site: Site, path: str) -> None:
        headers = site.client().get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"

    def test_a_request_keeps_its_id(self, site: Site) -> None:
        client = site.client()
        assert client.get("/healthz", headers={"X-Request-ID": "abc-12345"}).headers["x-request-id"] == "abc-12345"
        forged = client.get("/healthz", headers={"X-Request-ID": "a b\t{evil}"}).headers["x-request-id"]
        assert len(forged) == 32

    def test_talks_are_kept_by_no_cache(self, site: Site) -> None:
        assert site.signed_in().get("/chat/messages").headers["cache-control"] == "no-store"


class TestHealth:
    def test_ready_says_what_is_missing(self, site: Site) -> None:
        client = site.client()
        assert client.get("/readyz").json() == {"store": True, "engine": True}
        site.engine.down = True
        assert client.get("/readyz").status_code == 503
        assert client.get("/readyz").json() == {"store": True, "engine": False}


class TestFailures:
    def test_a_bug_becomes_an_apology_and_a_log_line_without_words(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        from madoguchi.bootstrap import configure_log

        configure_log()
        client = site.signed_in()

        def broken(*_args: object, **_more: object) -> None:
            raise RuntimeError("090-0000-0012 は秘密です")

        monkeypatch.setattr("madoguchi.services.incoming.receive", broken)
        failed = say(client, "電話は090-0000-0012です")
        assert failed.status_code == 500
        problem(failed)
        logged = capfd.readouterr()
        assert "0012" not in failed.text + logged.out + logged.err
        (line,) = [json.loads(line) for line in logged.out.splitlines() if "request_failed" in line]
        assert line["error"] == "RuntimeError"
        assert line["at"].partition(":")[0].endswith("test_door")
