"""Renders the desk's pages: the words for codes, money and time as staff read them, masks, and the frame."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment
from ruamel.yaml import YAML
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from madoguchi.services import masking
from madoguchi.services.agents import May, Person
from madoguchi.services.views import Money
from madoguchi.web.context import web_of
from madoguchi.web.pages import TOKYO, build_pages
from madoguchi.web.sentences import TEMPLATES

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_OF_AN_ADDRESS = ":/%#?=@[]!$&'()*+,;~"


def show(
    request: Request, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Render a page or a piece of one for the person who is signed in."""
    return HTMLResponse(render(request, template, values), status_code=status)


def render(request: Request, template: str, values: Mapping[str, Any] | None = None) -> str:
    """Return the HTML of a page or a piece of one; a name without a folder is one of the desk's own."""
    return (
        environment()
        .get_template(template if "/" in template else f"desk/{template}")
        .render(
            request=request,
            me=getattr(request.state, "person", None),
            now=web_of(request).desk.clock(),
            May=May,
            **(values or {}),
        )
    )


def is_piece(request: Request) -> bool:
    """Whether htmx asks, which wants a piece and no page."""
    return request.headers.get("hx-request") == "true"


def go(request: Request, address: str) -> Response:
    """Send the browser to another page, whoever asks; a part of the address may be whatever was asked for."""
    quoted = quote(address, safe=_OF_AN_ADDRESS)
    if is_piece(request):
        return Response(status_code=200, headers={"HX-Redirect": quoted})
    return Response(status_code=303, headers={"Location": quoted})


@cache
def words() -> dict[str, Any]:
    """Return the words for codes, by section."""
    return dict(YAML(typ="safe").load(TEMPLATES / "desk" / "words.yml"))


@cache
def environment() -> Environment:
    """Return the templates' environment with the desk's filters."""
    pages = build_pages()
    pages.filters |= {
        "word": word,
        "yen": yen,
        "moment": moment,
        "day": day,
        "clock": clock,
        "field": field,
        "long": length,
        "fact": fact,
        "masked_name": masking.name,
        "masked_phone": masking.phone,
        "masked_mail": masking.mail,
    }
    pages.globals |= {"say": say, "left": left, "words": words}
    return pages


def say(person: Person | None, text: str) -> str:
    """Return a customer's or colleague's words as this person may read them."""
    able = person is not None and person.may(May.REVEAL)
    return masking.cards(text) if able else masking.words(text)


def word(code: Any, section: str) -> str:
    """Return the word for a code; the code itself where there is none."""
    if code is None:
        return ""
    return str(words()[section].get(code if isinstance(code, int) else str(code), code))


def yen(amount: Money | int | None, currency: str = "JPY") -> str:
    """Return 9,800円; other currencies with their code and two decimals."""
    if amount is None:
        return ""
    number, currency = (amount.amount, amount.currency) if isinstance(amount, Money) else (amount, currency)
    if currency == "JPY":
        return f"{format_decimal(number, format='#,##0', locale='ja_JP')}円"
    return f"{currency} {format_decimal(Decimal(number) / 100, format='#,##0.00', locale='ja_JP')}"


def moment(at: datetime | None) -> str:
    """Return 3月5日(木) 14:30 in Tokyo."""
    return "" if at is None else format_datetime(at.astimezone(TOKYO), "M月d日(E) H:mm", locale="ja_JP")


def day(at: datetime | date | None) -> str:
    """Return 3月5日(木)."""
    if at is None:
        return ""
    return format_date(at.astimezone(TOKYO).date() if isinstance(at, datetime) else at, "M月d日(E)", locale="ja_JP")


def clock(at: datetime | None) -> str:
    """Return 14:30 in Tokyo."""
    return "" if at is None else at.astimezone(TOKYO).strftime("%H:%M")


def field(at: datetime) -> str:
    """Return 2026-03-05T14:30 in Tokyo, as a form's field for a moment wants it."""
    return at.astimezone(TOKYO).strftime("%Y-%m-%dT%H:%M")


def left(at: datetime, now: datetime) -> str:
    """Return how long it is until a moment, or how long ago it was, in minutes, hours or days."""
    seconds = (at - now).total_seconds()
    return f"{words()['left']['in' if seconds >= 0 else 'over']}".format(length(abs(seconds)))


def length(seconds: float) -> str:
    """Return a length of time in its largest fitting unit."""
    units = words()["left"]
    if seconds < _MINUTE:
        return str(units["moment"])
    if seconds < _HOUR:
        return str(units["minutes"]).format(int(seconds // _MINUTE))
    if seconds < 2 * _DAY:
        return str(units["hours"]).format(int(seconds // _HOUR))
    return str(units["days"]).format(int(seconds // _DAY))


def fact(value: Any, name: str = "") -> str:
    """Return a fact of a decision as staff read it: words for codes, dates as dates, amounts as amounts."""
    if isinstance(value, bool):
        return word(str(value).lower(), "values")
    if isinstance(value, int | float):
        return yen(int(value)) if name in _AMOUNTS else str(value)
    if isinstance(value, list):
        return "、".join(fact(each, name) for each in value) or word("none", "values")
    if isinstance(value, dict):
        return " ".join(fact(each, key) for key, each in value.items() if each is not None)
    if value is None:
        return word("none", "values")
    return _text(str(value), name)


_AMOUNTS = frozenset({"refund", "limit", "amount", "remainder", "refunded", "captured", "balance", "difference"})
_AMOUNTS |= {"shipping", "guarantee_paid", "promised"}


def _text(text: str, name: str) -> str:
    if name in ("request", "decided_as"):
        return word(text, "kinds")
    for sign, spoken in words()["signs"].items():
        if text.startswith(f"{sign} "):
            return str(spoken).format(fact(_number(text.removeprefix(f"{sign} ")), name))
    if " | ".join(parts := text.split(" | ")) == text and len(parts) > 1:
        return str(words()["or"]).join(_text(part, name) for part in parts)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return word(text, "values")
    if len(text) <= len("2026-01-01"):
        return day(at.date())
    return moment(at if at.tzinfo else at.replace(tzinfo=UTC))


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text
