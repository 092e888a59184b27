"""The shop's sign-in tokens: short-lived JWTs that say which customer is signed in at the shop."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from madoguchi.services.sessions import SignIn

AUDIENCE = "madoguchi"
LONGEST = timedelta(minutes=15)
_CLAIMS = ["sub", "aud", "exp", "jti"]


def make_token(reference: str, secret: str, now: datetime, lasts: timedelta = timedelta(minutes=5)) -> str:
    """Return a token for the customer with this reference, as a shop's server signs it."""
    claims = {
        "sub": reference,
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + lasts).timestamp()),
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def read_token(token: str, secret: str, now: datetime, longest: timedelta = LONGEST) -> SignIn | None:
    """Return what a token says; None if it is forged, expired, too long-lived, or not meant for this desk."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=AUDIENCE,
            # The times are checked below against the desk's own clock.
            options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.InvalidTokenError:
        return None
    reference, token_id, ends = claims["sub"], claims["jti"], claims["exp"]
    if not isinstance(reference, str) or not isinstance(token_id, str) or not 8 <= len(token_id) <= 64:
        return None
    if not isinstance(ends, int) or isinstance(ends, bool):
        return None
    if not now.timestamp() < ends <= (now + longest).timestamp():
        return None
    return SignIn(reference, token_id, datetime.fromtimestamp(ends, UTC))
