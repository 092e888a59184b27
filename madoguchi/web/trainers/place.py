"""Where the models of this program lie, found through the request."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request

from madoguchi.training.workshop import Place
from madoguchi.web.context import web_of


def place_of(request: Request) -> Place:
    """Return the one place of this program, made at its first use."""
    state = request.app.state
    if not hasattr(state, "models_place"):
        state.models_place = Place.of(web_of(request).settings)
    return cast(Place, state.models_place)
