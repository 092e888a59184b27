"""Letters: what the desk writes to a customer by itself, a mail each, kept in the message centre.

The words are templates beside this file, one a kind: the first line is the subject, the rest the body.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services.views import Money, Values
from madoguchi.store import Customer, Notice, OutboxCall

KINDS = ("return_reminder", "return_expired", "guarantee_paid", "parcel_missing", "parcel_received")


def write(
    session: Session,
    key: str,
    kind: str,
    customer_id: int,
    now: datetime,
    values: Values,
    *,
    order_number: str | None = None,
    zone: ZoneInfo,
) -> Notice:
    """Write a letter under its key and leave its sending to the outbox; the same key again gives the first one."""
    written = session.scalar(select(Notice).where(Notice.key == key))
    if written is not None:
        return written
    customer = session.get_one(Customer, customer_id)
    shown = {name: _shown(value, zone) for name, value in values.items()}
    text = _templates.get_template(f"{kind}.txt").render(customer=customer.name, **shown)
    subject, _, body = text.partition("\n")
    notice = Notice(
        key=key,
        customer_id=customer_id,
        order_number=order_number,
        sender="shop",
        kind=kind,
        subject=subject,
        body=body.strip(),
        delivery="queued",
        at=now,
    )
    session.add(notice)
    session.flush()
    session.add(OutboxCall(key=f"{key}:mail", kind="mail", subject=str(notice.id), due_at=now, payload={}))
    return notice


def _shown(value: object, zone: ZoneInfo) -> object:
    match value:
        case Money(amount=amount, currency="JPY"):
            return f"{format_decimal(amount, locale='ja_JP')}円"
        case Money(amount=amount, currency=currency):
            return f"{format_decimal(amount / 100, '#,##0.00', locale='ja_JP')} {currency}"
        case datetime():
            return format_datetime(value, "M月d日(EEE) H:mm", tzinfo=zone, locale="ja_JP")
        case date():
            return format_date(value, "M月d日(EEE)", locale="ja_JP")
        case _:
            return value


_templates = Environment(
    loader=PackageLoader(__name__, "."), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)  # plain text mails, so nothing is escaped
