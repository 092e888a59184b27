"""What the tests of the window's services share."""

from __future__ import annotations

import itertools
from typing import Any

from money_shop import Shop

from madoguchi.services import events
from madoguchi.services.events import Applied

_ids = itertools.count()


def told(shop: Shop, kind: str, **payload: Any) -> str:
    """Let an event come in from outside, and return its outcome."""
    answer = events.apply(shop.desk, f"window-{next(_ids)}", kind, payload)
    assert isinstance(answer, Applied), answer
    return answer.outcome
