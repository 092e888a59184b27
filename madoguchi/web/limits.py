"""How much one person may ask for: buckets of tokens that fill up again with time, one a key.

A message counts against its conversation, a sign-in against the customer its token names, and only the opening of
new visitors' sessions against the address it came from: whoever shares a proxy with a flood keeps the session they
have, and whoever is signed in at the shop does not notice it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_KEYS = 20_000


@dataclass(frozen=True)
class Rate:
    """So many at once, and then so many a second."""

    burst: int
    per_s: float


MESSAGES = Rate(burst=40, per_s=2)
ATTEMPTS = Rate(burst=80, per_s=5)
"""Of posting under one session, before the store is asked whether there is such a session at all: what is refused
here costs next to nothing, so that a flood takes no time from others."""
SIGN_INS = Rate(burst=30, per_s=0.5)
PHOTOS = Rate(burst=10, per_s=0.2)
RESENDS = Rate(burst=5, per_s=0.02)
CALLS = Rate(burst=8, per_s=0.05)
NEW_VISITORS = Rate(burst=60, per_s=1)


@dataclass
class _Bucket:
    tokens: float
    at: float


@dataclass
class Limits:
    """The buckets of this program. Times are seconds of any clock that never goes back."""

    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def wait_s(self, rate: Rate, kind: str, key: str, now: float) -> int | None:
        """Take one token; None where there was one, else the whole seconds after which there will be one."""
        bucket = self._buckets.get((kind, key))
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[kind, key] = _Bucket(rate.burst, now)
        bucket.tokens = min(rate.burst, bucket.tokens + (now - bucket.at) * rate.per_s)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        return int((1 - bucket.tokens) / rate.per_s) + 1

    def _make_room(self, now: float) -> None:
        """Forget the keys that were quiet for longest; a forgotten bucket is a full one."""
        if len(self._buckets) < MOST_KEYS:
            return
        oldest = sorted(self._buckets, key=lambda key: self._buckets[key].at)
        for key in oldest[: MOST_KEYS // 4]:
            del self._buckets[key]
