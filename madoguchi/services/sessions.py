"""Sessions of the chat window: a shop's token or a visitor's first word becomes a session; signing out ends it.

The cookie holds a secret of 256 bits, the database only its hash. A token is exchanged once, ever.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from madoguchi.services import conversations, joining
from madoguchi.services.desk import Desk
from madoguchi.services.talk import MessageView
from madoguchi.store import Conversation, Customer, CustomerSession, UsedToken

CUSTOMER_SESSION = timedelta(hours=12)
VISITOR_SESSION = timedelta(hours=24)


@dataclass(frozen=True)
class SignIn:
    """What a shop's token says: who is signed in, and the token's own id and end."""

    reference: str
    token_id: str
    expires_at: datetime


@dataclass(frozen=True)
class Visit:
    """A running session: whose it is (None for a visitor) and which conversation it may see."""

    conversation_id: str
    customer_id: int | None
    expires_at: datetime


@dataclass(frozen=True)
class Look:
    """What the window shows: new messages in order, and who answers now."""

    conversation_id: str
    messages: tuple[MessageView, ...]
    owner: str


@dataclass(frozen=True)
class Opened:
    """A session to use from now on; `secret` goes into the cookie and is stored nowhere."""

    secret: str
    visit: Visit
    customer_name: str | None


@dataclass(frozen=True)
class NotAdmitted:
    """The token was exchanged before, or names nobody the shop knows."""


# Asked for with every message and every look: columns, for whole objects would cost a third of the request.
_RUNNING = (
    CustomerSession.secret_hash == bindparam("secret_hash"),
    CustomerSession.ended_at.is_(None),
    CustomerSession.expires_at > bindparam("now"),
)
_HOLDS = CustomerSession.conversation_id == Conversation.id
_VISIT = select(CustomerSession.conversation_id, CustomerSession.customer_id, CustomerSession.expires_at).where(
    *_RUNNING
)
_TALK = select(Conversation.id, Conversation.owner).join(CustomerSession, _HOLDS).where(*_RUNNING)
_HELD = select(Conversation).join(CustomerSession, _HOLDS).where(*_RUNNING).with_for_update(of=Conversation)


def sign_in(desk: Desk, claim: SignIn, current_secret: str | None) -> Opened | NotAdmitted:
    """Exchange a shop's token, once; a running session of the same customer goes on, any other one ends.

    What a visitor wrote in the session that ends becomes part of the customer's talk (`joining`).
    """
    now = desk.clock()
    with desk.store.writing() as session:
        if not _use_up(session, claim, now):
            return NotAdmitted()
        customer = session.scalar(select(Customer).where(Customer.reference == claim.reference).with_for_update())
        if customer is None or customer.erased_at is not None:
            return NotAdmitted()
        return _continue_or_open(session, customer, current_secret, now)


def open_visit(desk: Desk, current_secret: str | None) -> Opened:
    """Open a visitor's session; a running visitor's session goes on, a customer's one ends."""
    now = desk.clock()
    with desk.store.writing() as session:
        return _continue_or_open(session, None, current_secret, now)


def visit_of(desk: Desk, secret: str) -> Visit | None:
    """Return the running session with this secret, if there is one."""
    with desk.store.reading() as session:
        row = session.execute(_VISIT, _held(secret, desk.clock())).one_or_none()
        return None if row is None else Visit(*row)


def locked_talk(session: Session, secret: str, now: datetime) -> Conversation | None:
    """Return the conversation of the running session with this secret, locked as in `conversations`."""
    return session.scalar(_HELD, _held(secret, now))


def look(desk: Desk, secret: str, after: int) -> Look | None:
    """Return what is new after a message for who holds this secret; None where no such session runs."""
    with desk.store.reading() as session:
        talk = session.execute(_TALK, _held(secret, desk.clock())).one_or_none()
        if talk is None:
            return None
        return Look(talk.id, conversations.messages_in(session, talk.id, after), talk.owner)


def over(desk: Desk, secrets_held: Iterable[str]) -> set[str]:
    """Return those of these secrets whose sessions have ended or expired."""
    by_hash = {_hash(secret): secret for secret in secrets_held}
    ended = select(CustomerSession.secret_hash).where(
        CustomerSession.secret_hash.in_(list(by_hash)),
        or_(CustomerSession.ended_at.is_not(None), CustomerSession.expires_at <= desk.clock()),
    )
    with desk.store.reading() as session:
        return {by_hash[found] for found in session.scalars(ended)}


def sign_out(desk: Desk, secret: str) -> str | None:
    """End the session with this secret and return its conversation; None where no such session runs."""
    now = desk.clock()
    with desk.store.writing() as session:
        row = _running(session, secret, now)
        if row is None:
            return None
        row.ended_at = now
        return row.conversation_id


def _use_up(session: Session, claim: SignIn, now: datetime) -> bool:
    session.execute(delete(UsedToken).where(UsedToken.expires_at < now - timedelta(minutes=1)))
    try:
        with session.begin_nested():
            session.add(UsedToken(jti=claim.token_id, expires_at=claim.expires_at))
    except IntegrityError:
        return False
    return True


def _continue_or_open(session: Session, customer: Customer | None, current_secret: str | None, now: datetime) -> Opened:
    customer_id, name = (customer.id, customer.name) if customer else (None, None)
    running = _running(session, current_secret, now) if current_secret else None
    if running is not None and current_secret is not None:
        if running.customer_id == customer_id:
            return Opened(current_secret, _visit(running), name)
        running.ended_at = now
        if customer is not None and running.customer_id is None:
            joining.join(session, running.conversation_id, customer, now)
            session.flush()
    row = CustomerSession(
        secret_hash="",
        customer_id=customer_id,
        conversation_id=_conversation(session, customer_id, now).id,
        opened_at=now,
        expires_at=now + (VISITOR_SESSION if customer_id is None else CUSTOMER_SESSION),
    )
    secret = secrets.token_urlsafe(32)
    row.secret_hash = _hash(secret)
    session.add(row)
    return Opened(secret, _visit(row), name)


def _conversation(session: Session, customer_id: int | None, now: datetime) -> Conversation:
    """Return the customer's own last conversation, or a new one; a visitor always begins anew."""
    if customer_id is not None:
        last = session.scalar(
            select(Conversation)
            .where(Conversation.customer_id == customer_id)
            .order_by(Conversation.last_at.desc())
            .limit(1)
        )
        if last is not None:
            return last
    return conversations.open_conversation(session, customer_id, now)


def _running(session: Session, secret: str, now: datetime) -> CustomerSession | None:
    row = session.get(CustomerSession, _hash(secret))
    return row if row is not None and row.ended_at is None and row.expires_at > now else None


def _held(secret: str, now: datetime) -> dict[str, Any]:
    return {"secret_hash": _hash(secret), "now": now}


def _visit(row: CustomerSession) -> Visit:
    return Visit(row.conversation_id, row.customer_id, row.expires_at)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
