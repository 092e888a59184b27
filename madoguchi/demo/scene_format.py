"""The words of a scene as pydantic models, and errors that name the place, the problem and the nearest known word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import (
    InspectionResult,
    LineKind,
    OrderState,
    Payer,
    PaymentMethod,
    RefundMethod,
    ReturnRoute,
    SellerAnswer,
)

_RELATIVE = re.compile(r"^(?P<sign>[+-]?)(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?$")


class SceneError(ValueError):
    """A scene that cannot be built; one line for each problem, with its place."""


def _moment(value: object) -> object:
    """Turn -3d, -20h, +1d12h, -30m or now into a timedelta, and an ISO text into a zone-aware instant."""
    if isinstance(value, datetime | timedelta):
        return value
    text = str(value).strip()
    if text == "now":
        return timedelta()
    found = _RELATIVE.match(text)
    if found and any(found[part] for part in ("days", "hours", "minutes")):
        span = timedelta(**{part: int(found[part] or 0) for part in ("days", "hours", "minutes")})
        return -span if found["sign"] == "-" else span
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be a time such as -3d, -20h, +1d12h, now or an ISO date, found {text}") from None


def _zoned(value: timedelta | datetime) -> timedelta | datetime:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _phone(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "JP")
    except phonenumbers.NumberParseException:
        raise ValueError(f"must be a phone number, found {text}") from None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


When = Annotated[timedelta | datetime, BeforeValidator(_moment), AfterValidator(_zoned)]
Phone = Annotated[str, AfterValidator(_phone)]
Yen = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=True)


class CustomerScene(_Section):
    """A customer; `gift_balance` is what is left on it besides the gift payments of this scene."""

    name: str = "山田 花子"
    kana: str = "ヤマダ ハナコ"
    phone: Phone | None = "+819012345678"
    email: str | None = None
    reference: str | None = None
    gift_balance: Yen = 0


class SellerScene(_Section):
    """A marketplace seller."""

    name: str = "みなと商店"
    email: str = "seller@example.jp"


class ProductScene(_Section):
    """A product: of the demo catalogue by its reference, or one of its own."""

    catalogue: str | None = None
    title: str | None = None
    category: str | None = None
    kind: LineKind = LineKind.ARTICLE
    price: Yen = 3000
    stock: Yen | None = None
    sizes: dict[str, Yen] | list[str] = Field(default_factory=dict)
    words: list[str] = Field(default_factory=list)
    final_sale: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        own = self.model_fields_set - {"catalogue", "stock"}
        if self.catalogue is not None and own:
            raise ValueError(f"a product of the catalogue takes no {' or '.join(sorted(own))}")
        return self


class LineScene(_Section):
    """One line: a product of this scene by name, one of the catalogue, or one of its own by title."""

    product: str | None = None
    catalogue: str | None = None
    title: str | None = None
    category: str | None = None
    kind: LineKind | None = None
    size: str | None = None
    price: Yen | None = None
    stock: Yen | None = None
    quantity: Count = 1
    used: When | None = None
    canceled: Yen = 0
    returned: Yen = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = [key for key in ("product", "catalogue", "title") if getattr(self, key) is not None]
        if len(named) > 1:
            raise ValueError(f"a line has either {' or '.join(named)}, not both")
        if self.canceled + self.returned > self.quantity:
            raise ValueError("more was canceled and returned than was bought")
        return self


class PaymentScene(_Section):
    """One payment; without an amount it pays what the others leave."""

    method: PaymentMethod = PaymentMethod.CARD
    amount: Yen | None = None


class RefundScene(_Section):
    """A refund: of some units (line index → units), of everything left, or of an amount without units."""

    amount: Count | None = None
    lines: dict[int, Count] | None = None
    shipping: Yen = 0
    state: Literal["planned", "pending", "sent", "settled", "failed", "voided"] = "settled"
    at: When = timedelta(days=-1)
    to: RefundMethod | None = None
    kind: RequestKind = RequestKind.CANCEL


class ReturnScene(_Section):
    """A return authorization; one that was received sends its refund in the state `refund`."""

    kind: RequestKind = RequestKind.DEFECT
    lines: dict[int, Count] | None = None
    created: When = timedelta(days=-1)
    state: Literal["open", "received", "inspected", "expired", "withdrawn"] | None = None
    payer: Payer = Payer.SHOP
    route: ReturnRoute = ReturnRoute.SEND_BACK
    percent: Annotated[int, Field(ge=1, le=100)] = 100
    to: RefundMethod | None = None
    received: When | None = None
    inspected: When | None = None
    inspection: InspectionResult | None = None
    refund: Literal["pending", "sent", "settled"] = "settled"


class InquiryScene(_Section):
    """A question to the seller; one about a stock-out has the order's refund planned beside it."""

    asked: When = timedelta(hours=-20)
    deadline: When | None = None
    kind: Literal["seller_stockout", "conflicting_notice"] = "seller_stockout"
    answer: SellerAnswer | None = None
    answered: When = timedelta(hours=-1)
    text: str = ""
    planned_refund: bool | None = None


class GuaranteeScene(_Section):
    """A claim on the marketplace guarantee; a granted one was paid."""

    state: Literal["granted", "review", "refused"] = "granted"
    at: When = timedelta(hours=-1)


class NoticeScene(_Section):
    """A mail: of a template of notices.yml, or with words of its own."""

    template: str | None = None
    kind: str = "notice"
    sender: Literal["shop", "seller", "customer"] = "shop"
    subject: str = "お知らせ"
    body: str = ""
    delivery: Literal["queued", "sent", "delivered", "bounced"] = "delivered"
    at: When = timedelta(hours=-1)
    customer: str | None = None
    order: str | None = None


class OrderScene(LineScene):
    """An order. With one line, its words may stand right here."""

    customer: str | None = None
    number: str | None = None
    state: OrderState | None = None
    seller: bool | str = False
    placed: When | None = None
    shipped: When | None = None
    delivered: When | None = None
    promised: When | None = None
    requested: When | None = None
    canceled_at: When | None = None
    state_before: Literal["placed", "preparing"] | None = None
    lines: list[LineScene] = Field(default_factory=list)
    payment: PaymentMethod | None = None
    payments: list[PaymentScene] = Field(default_factory=list)
    shipping_fee: Yen = 0
    discount: Yen = 0
    changed: bool = False
    frozen: When | None = None
    notices: list[NoticeScene] = Field(default_factory=list)
    refunds: list[RefundScene] | None = None
    returns: list[ReturnScene] = Field(default_factory=list)
    inquiry: InquiryScene | None = None
    guarantee: GuaranteeScene | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        single = (set(LineScene.model_fields) & self.model_fields_set) if self.lines else set()
        if single:
            raise ValueError(f"{' and '.join(sorted(single))} belongs into one of the lines")
        if self.payments and self.payment:
            raise ValueError("an order has either payment or payments, not both")
        if (self.inquiry or self.guarantee) and not self.seller:
            raise ValueError("an inquiry or a guarantee needs a seller (seller: true)")
        return self


class MembershipScene(_Section):
    """A membership: of the catalogue by its reference, or one of its own."""

    customer: str | None = None
    catalogue: str | None = None
    title: str = "見放題プラン（月額）"
    price: Yen = 980
    main: bool = False
    joined: When = timedelta(days=-2)
    used: When | None = None
    state: Literal["active", "ending", "ended"] = "active"
    ended: When | None = None
    method: Literal["card", "wallet", "gift_balance"] = "card"
    charges: Count | None = None


class ClaimScene(_Section):
    """An earlier claim of the customer that was approved (rule 20 counts them)."""

    customer: str | None = None
    kind: RequestKind = RequestKind.DEFECT
    at: When = timedelta(days=-20)


class Scene(_Section):
    """One situation."""

    customers: dict[str, CustomerScene] = Field(default_factory=dict)
    sellers: dict[str, SellerScene] = Field(default_factory=dict)
    products: dict[str, ProductScene] = Field(default_factory=dict)
    orders: dict[str, OrderScene] = Field(default_factory=dict)
    memberships: dict[str, MembershipScene] = Field(default_factory=dict)
    notices: list[NoticeScene] = Field(default_factory=list)
    claims: list[ClaimScene] = Field(default_factory=list)


def parse(scene: Mapping[str, Any]) -> Scene:
    """Return the scene these words describe; SceneError with a line for each problem."""
    try:
        return Scene.model_validate(_without_nothing(scene))
    except ValidationError as error:
        raise SceneError("\n".join(_sentence(dict(each)) for each in error.errors())) from error


def _without_nothing(value: Any) -> Any:
    """Let a name without anything after it (YAML's null) mean: all by default."""
    if not isinstance(value, Mapping):
        return value
    named = ("customers", "sellers", "products", "orders", "memberships")
    return {
        key: {name: {} if each is None else each for name, each in part.items()}
        if key in named and isinstance(part, Mapping)
        else part
        for key, part in value.items()
    }


def _sentence(problem: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{place}: there is no such key{_nearest(problem['loc'])}"
    message = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else str(problem["msg"])
    return f"{place or 'scene'}: {message[0].lower()}{message[1:]}"


def _nearest(place: Sequence[str | int]) -> str:
    """Return the word of the same section that looks most like the one that is not known."""
    section = next((_SECTIONS[str(part)] for part in reversed(place[:-1]) if str(part) in _SECTIONS), Scene)
    near = difflib.get_close_matches(str(place[-1]), list(section.model_fields), n=1)
    return f", did you mean {near[0]}" if near else f"; known are {', '.join(section.model_fields)}"


_SECTIONS: Mapping[str, type[BaseModel]] = {
    "customers": CustomerScene,
    "sellers": SellerScene,
    "products": ProductScene,
    "orders": OrderScene,
    "memberships": MembershipScene,
    "notices": NoticeScene,
    "claims": ClaimScene,
    "lines": LineScene,
    "payments": PaymentScene,
    "refunds": RefundScene,
    "returns": ReturnScene,
    "inquiry": InquiryScene,
    "guarantee": GuaranteeScene,
}
"""The sections of a scene by the key that they stand under."""
