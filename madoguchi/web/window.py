"""Everything around the talk that the window offers its customer: the routes of its other endpoints and pages."""

from __future__ import annotations

from starlette.routing import BaseRoute

from madoguchi.services.photos import LARGEST_FILE
from madoguchi.web import account, calls, mailbox, photos, scoring, transcript

LARGER_BODIES = {photos.PATH: LARGEST_FILE}
routes: list[BaseRoute] = [
    *scoring.routes,
    *photos.routes,
    *mailbox.routes,
    *calls.routes,
    *account.routes,
    *transcript.routes,
]
