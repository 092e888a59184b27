"""HTML pages from the templates, escaped by default, with the few filters they share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from madoguchi.web.context import web_of
from madoguchi.web.sentences import TEMPLATES, load_sentences

TOKYO = ZoneInfo("Asia/Tokyo")


def build_pages() -> Environment:
    """Return the templates' environment; a name that is missing in a page is an error, not an empty spot."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["tokyo"] = _tokyo
    pages.filters["moment"] = _moment
    return pages


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Render one page."""
    html = web_of(request).pages.get_template(template).render(request=request, **values)
    return HTMLResponse(html, status_code=status, headers=dict(headers or {}))


def _tokyo(moment: datetime) -> datetime:
    return moment.astimezone(TOKYO)


def _moment(moment: datetime) -> str:
    at, weekdays = _tokyo(moment), load_sentences().weekdays
    return f"{at.year}年{at.month}月{at.day}日({weekdays[at.weekday()]}) {at:%H:%M}"
