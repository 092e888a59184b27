"""Who is not the customer: forged, expired, replayed and foreign tokens, invented sessions, other sites' pages."""

from __future__ import annotations

import base64
import json
import random
import secrets
import uuid
from collections.abc import Callable

import httpx
import jwt
import pytest

from madoguchi.store import Conversation, CustomerSession, Message
from tests.web.attacks.tables import LOOK_ALIKES
from tests.web.conftest import SHOP, Site, replies, say

pytestmark = pytest.mark.usefixtures("no_limits")
FORGERIES = 1_000


def claims(site: Site, dice: random.Random) -> dict[str, object]:
    """Return what a good token would say."""
    now = int(site.clock().timestamp())
    return {"sub": f"C-{dice.randint(1, 3)}", "aud": "madoguchi", "iat": now, "exp": now + 300, "jti": uuid.uuid4().hex}


def wrong_secret(site: Site, dice: random.Random) -> str:
    secret = dice.choice(["madoguchi" * 8, "f" * 64, secrets.token_hex(32), site.settings.secret_for("engine")])
    return jwt.encode(claims(site, dice), secret, algorithm=dice.choice(["HS256", "HS384", "HS512"]))


def other_algorithm(site: Site, dice: random.Random) -> str:
    right = site.settings.secret_for("shop_token")
    return jwt.encode(claims(site, dice), right, algorithm=dice.choice(["HS384", "HS512"]))


def unsigned(site: Site, dice: random.Random) -> str:
    token = jwt.encode(claims(site, dice), None, algorithm="none")
    return token if dice.random() < 0.5 else token + secrets.token_urlsafe(32)


def expired(site: Site, dice: random.Random) -> str:
    now = int(site.clock().timestamp())
    return _signed(site, claims(site, dice) | {"exp": now - dice.randint(0, 100_000)})


def too_long(site: Site, dice: random.Random) -> str:
    now = int(site.clock().timestamp())
    return _signed(site, claims(site, dice) | {"exp": now + dice.randint(905, 10_000_000)})


def foreign(site: Site, dice: random.Random) -> str:
    changes = dice.choice(
        [{"aud": "other"}, {"aud": ["other", "x"]}, {"aud": None}, {"sub": f"C-{dice.randint(4, 9999)}"}, {"sub": ""}]
    )
    return _signed(site, claims(site, dice) | changes)


def changed(site: Site, dice: random.Random) -> str:
    head, body, signature = _signed(site, claims(site, dice)).split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said["sub"] = f"C-{1 + int(said['sub'][2:]) % 3}"
    return ".".join((head, base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("="), signature))


def damaged(site: Site, dice: random.Random) -> str:
    token = _signed(site, claims(site, dice))
    place = dice.randrange(len(token) - 1)  # the last letter's low bits mean nothing in base64
    letter = dice.choice([each for each in "ABCxyz019-_.=/+" if each != token[place]])
    return token[:place] + letter + token[place + 1 :]


def replayed(site: Site, dice: random.Random) -> str:
    token = _signed(site, claims(site, dice))
    assert site.client().post("/chat/session", json={"token": token}).status_code == 200
    return token


KINDS: tuple[Callable[[Site, random.Random], str], ...] = (
    wrong_secret, other_algorithm, unsigned, expired, too_long, foreign, changed, damaged,
)  # fmt: skip


def _signed(site: Site, said: dict[str, object]) -> str:
    whole = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(whole, site.settings.secret_for("shop_token"), algorithm="HS256")


def _count(site: Site) -> tuple[int, ...]:
    with site.desk.store.reading() as session:
        return tuple(session.query(table).count() for table in (CustomerSession, Conversation, Message))


def test_a_thousand_bad_tokens_open_nothing(site: Site) -> None:
    dice, client = random.Random(3), site.client()
    before = _count(site)
    for number in range(FORGERIES):
        token = KINDS[number % len(KINDS)](site, dice)
        refused = client.post("/chat/session", json={"token": token})
        assert refused.status_code == 401, (KINDS[number % len(KINDS)].__name__, token)
        assert "set-cookie" not in refused.headers
    assert _count(site) == before
    assert client.get("/chat/messages").status_code == 401


def test_a_token_that_was_used_is_of_no_use_to_whoever_copied_it(site: Site) -> None:
    dice = random.Random(4)
    for _ in range(20):
        token, thief = replayed(site, dice), site.client()
        before = _count(site)
        assert thief.post("/chat/session", json={"token": token}).status_code == 401
        assert thief.get("/chat/messages").status_code == 401
        assert _count(site) == before


def test_the_good_token_beside_them_opens(site: Site) -> None:
    """The table above proves something only while the token it is made from is a good one."""
    token = _signed(site, claims(site, random.Random(5)))
    assert site.client().post("/chat/session", json={"token": token}).status_code == 200


def test_invented_sessions_read_and_write_nothing(site: Site) -> None:
    victim = site.signed_in("C-1")
    say(victim, "本人だけの話です")
    replies(victim, 1)
    real = victim.cookies["madoguchi_session"]
    before, client, dice = _count(site), site.client(), random.Random(6)
    tried = [real[:-1], real + "A", real.upper(), real.lower(), real[::-1], "", "null", "' OR 1=1 --", "%00", "*"]
    tried += [real[:place] + ("A" if real[place] != "A" else "B") + real[place + 1 :] for place in range(len(real))]
    tried += [secrets.token_urlsafe(dice.choice([8, 32, 64])) for _ in range(150)]
    for cookie in tried:
        headers = {"Cookie": f"madoguchi_session={cookie}"}
        read = client.get("/chat/messages", headers=headers)
        written = client.post("/chat/messages", headers=headers, json={"id": str(uuid.uuid4()), "text": "偽者です"})
        assert (read.status_code, written.status_code) == (401, 401), cookie
        assert "本人だけ" not in read.text
    assert _count(site) == before
    assert victim.get("/chat/messages").status_code == 200


def test_look_alike_origins_get_nothing(site: Site) -> None:
    client = site.signed_in()
    for origin in LOOK_ALIKES:
        headers = [(b"Origin", origin.encode())]
        refused = client.post("/chat/messages", json={"id": str(uuid.uuid4()), "text": "x"}, headers=headers)
        assert refused.status_code == 403, origin
        for answer in (refused, client.get("/chat/messages", headers=headers), _preflight(client, headers)):
            assert "access-control-allow-origin" not in answer.headers, origin
    assert site.rows(author="customer") == []


def test_the_table_of_origins_is_whole_and_the_shop_is_not_in_it() -> None:
    assert len(set(LOOK_ALIKES)) >= 50
    assert SHOP not in LOOK_ALIKES


def _preflight(client: httpx.Client, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
    return client.options("/chat/messages", headers=[*headers, (b"Access-Control-Request-Method", b"POST")])
