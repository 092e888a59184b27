"""Who is writing: tokens are exchanged once, sessions end, and nobody reads what is not theirs."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest

from madoguchi.store import CustomerSession
from tests.web.conftest import Site, replies, say, talk


def exchange(site: Site, token: object, client=None):
    return (client or site.client()).post("/chat/session", json={"token": token})


def claims(site: Site, **changes: object) -> dict[str, object]:
    now = int(site.clock().timestamp())
    good = {"sub": "C-1", "aud": "madoguchi", "iat": now, "exp": now + 300, "jti": "a-fresh-token-id"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(site: Site, **changes: object) -> str:
    return jwt.encode(claims(site, **changes), site.settings.secret_for("shop_token"), algorithm="HS256")


class TestSigningIn:
    def test_a_shops_token_opens_a_session_in_a_cookie_no_script_can_read(self, site: Site) -> None:
        opened = exchange(site, site.token())
        assert opened.json()["customer"] == {"name": "試験 1子"}
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie

    def test_the_store_has_only_the_hash_of_the_secret(self, site: Site) -> None:
        client = site.signed_in()
        secret = client.cookies["madoguchi_session"].partition(".")[0]
        with site.desk.store.reading() as session:
            (row,) = session.query(CustomerSession).all()
        assert secret not in row.secret_hash
        assert len(secret) >= 43

    def test_a_token_is_exchanged_once(self, site: Site) -> None:
        token = site.token()
        assert exchange(site, token).status_code == 200
        assert exchange(site, token).status_code == 401

    def test_the_same_page_again_goes_on_with_the_same_session(self, site: Site) -> None:
        client = site.signed_in()
        secret = client.cookies["madoguchi_session"]
        exchange(site, site.token(), client)
        assert client.cookies["madoguchi_session"] == secret

    def test_history_is_there_on_return_from_another_browser(self, site: Site) -> None:
        say(site.signed_in(), "前のお話です")
        assert talk(site.signed_in())[0]["text"] == "前のお話です"

    def test_another_customer_in_the_same_browser_sees_their_own_talk(self, site: Site) -> None:
        client = site.signed_in("C-1")
        say(client, "一人目の話")
        replies(client, 1)
        old = dict(client.cookies)
        exchange(site, site.token("C-2"), client)
        assert talk(client) == []
        assert site.client(cookies=old).get("/chat/messages").status_code == 401, "the first session has ended"

    def test_a_page_with_nobody_signed_in_does_not_show_the_last_customers_talk(self, site: Site) -> None:
        client = site.signed_in()
        say(client, "一人目の話")
        assert client.post("/chat/session", json={}).json()["customer"] is None
        assert talk(client) == []


class TestTokensThatAreRefused:
    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"exp": 1_700_000_000}, id="expired"),
            pytest.param({"exp": 4_000_000_000}, id="lives too long"),
            pytest.param({"exp": "soon"}, id="no time"),
            pytest.param({"exp": None}, id="never ends"),
            pytest.param({"aud": "another-desk"}, id="for another desk"),
            pytest.param({"aud": None}, id="for no desk"),
            pytest.param({"sub": "C-999"}, id="nobody"),
            pytest.param({"sub": "' OR 1=1 --"}, id="injection"),
            pytest.param({"sub": 1}, id="no reference"),
            pytest.param({"sub": None}, id="no one"),
            pytest.param({"jti": None}, id="no id"),
            pytest.param({"jti": "x" * 65}, id="long id"),
        ],
    )
    def test_by_what_they_say(self, site: Site, changes: dict) -> None:
        self.nothing_opens(site, signed(site, **changes))

    @pytest.mark.parametrize("ends_in_s", [0, -1, 15 * 60 + 5])
    def test_by_their_last_second(self, site: Site, ends_in_s: int) -> None:
        self.nothing_opens(site, signed(site, exp=int(site.clock().timestamp()) + ends_in_s))

    def test_by_their_signature(self, site: Site) -> None:
        self.nothing_opens(site, site.token(secret="f" * 64))
        self.nothing_opens(site, jwt.encode(claims(site), None, algorithm="none"))
        self.nothing_opens(site, site.token()[:-2])

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", 7, [], {"sub": "C-1"}, True, "\x00", "あ"])
    def test_by_their_form(self, site: Site, token: object) -> None:
        self.nothing_opens(site, token)

    def nothing_opens(self, site: Site, token: object) -> None:
        client = site.client()
        refused = exchange(site, token, client)
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert "set-cookie" not in refused.headers
        with site.desk.store.reading() as session:
            assert session.query(CustomerSession).count() == 0


class TestSessionsThatEnd:
    def doors(self, client) -> list[int]:
        return [
            client.get("/chat/messages").status_code,
            client.get("/chat/events").status_code,
            say(client, "誰か").status_code,
        ]

    def test_no_session_no_talk(self, site: Site) -> None:
        assert self.doors(site.client()) == [401] * 3

    def test_an_invented_secret_opens_nothing(self, site: Site) -> None:
        assert self.doors(site.client(cookies={"madoguchi_session": "x" * 43})) == [401] * 3

    def test_signing_out_ends_it_even_for_who_kept_the_cookie(self, site: Site) -> None:
        client = site.signed_in()
        kept = dict(client.cookies)
        assert client.delete("/chat/session").status_code == 204
        assert "madoguchi_session" not in client.cookies
        assert self.doors(site.client(cookies=kept)) == [401] * 3
        assert site.rows() == []

    def test_it_ends_by_itself_after_twelve_hours(self, site: Site) -> None:
        client = site.signed_in()
        site.clock.ahead = timedelta(hours=12, seconds=1)
        assert self.doors(client) == [401] * 3

    def test_visitors_never_see_each_other(self, site: Site) -> None:
        say(site.visitor(), "秘密の話")
        assert talk(site.visitor()) == []
