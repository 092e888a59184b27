"""Everything around the talk that the window offers its customer: the routes of its other endpoints and pages."""

from __future__ import annotations

from starlette.routing import BaseRoute

from madoguchi.web import scoring

routes: list[BaseRoute] = [*scoring.routes]
