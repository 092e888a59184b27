"""Renders the trainers' pages: the desk's filters and words, and the number of drafts in the frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from madoguchi.web.desk.rendering import render


def show(
    request: Request, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Render a page or a piece of one from `templates/trainers`."""
    return HTMLResponse(render(request, f"trainers/{template}", values), status_code=status)
