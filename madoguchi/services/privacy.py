"""A customer's data: shown when somebody asks for it, handed out whole, erased everywhere, and not kept too long.

What the law makes the shop keep stays, without a name on it: orders, payments, refunds and the ledger (the books,
seven years under the tax laws), and the audit, which holds ids only. Everything else a customer is or said goes:
the name and how to reach them, the talk, the mails, the calls, the words of a score, and what the engine remembers.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Executable, create_engine, delete, exists, inspect, or_, select, text, update
from sqlalchemy.orm import Session

from madoguchi.services import accounts, audit
from madoguchi.services.agents import May, Person
from madoguchi.services.desk import Desk
from madoguchi.store import (
    Account,
    Approval,
    BankAccount,
    Base,
    CallAttempt,
    Callback,
    Case,
    Choice,
    Conversation,
    Customer,
    CustomerSession,
    Decision,
    Inquiry,
    Intent,
    Membership,
    Message,
    Notice,
    Order,
    Payment,
    Photo,
    Refund,
    ReturnAuthorization,
    Score,
    StaffSession,
    UsedToken,
)

TALKS_KEPT = timedelta(days=365 * 2)
"""So long after its last message the words of a closed conversation are kept, unless the settings say otherwise."""
SESSIONS_KEPT = timedelta(days=30)
ERASED = {"erased": True}
KEPT_BY_LAW = ("orders", "payments", "refunds", "ledger", "return_authorizations", "audit")
BATCH = 500


@dataclass(frozen=True)
class Contact:
    """How a customer is reached, unmasked."""

    name: str
    kana: str
    email: str
    phone: str | None


@dataclass(frozen=True)
class Erased:
    """What was erased, by table, and the tables that keep rows because the law says so."""

    counts: dict[str, int]
    kept: tuple[str, ...] = KEPT_BY_LAW


@dataclass(frozen=True)
class Retained:
    """What a run of the retention took away."""

    conversations: int
    sessions: int


def reveal(desk: Desk, person: Person, conversation_id: str) -> Contact | None:
    """Return the customer's contact, and audit who asked; None where there is none or the role may not."""
    with desk.store.writing() as session:
        talk = session.get(Conversation, conversation_id)
        customer = session.get(Customer, talk.customer_id) if talk is not None and talk.customer_id else None
        if customer is None or not person.may(May.REVEAL):
            return None
        detail = {"customer": customer.id}
        audit.note(session, desk.clock(), person.actor, "revealed", f"conversation:{conversation_id}", detail)
        return Contact(customer.name, customer.kana, customer.email, customer.phone)


def export(desk: Desk, actor: str, reference: str) -> dict[str, Any] | None:
    """Return everything the store holds about a customer, by table; None for an unknown reference."""
    with desk.store.writing() as session:
        customer = session.scalar(select(Customer).where(Customer.reference == reference))
        if customer is None:
            return None
        audit.note(session, desk.clock(), actor, "exported", f"customer:{customer.id}")
        talks = _talks(session, customer)
        cases = list(session.scalars(select(Case.id).where(Case.customer_id == customer.id)))
        numbers = list(session.scalars(select(Order.number).where(Order.customer_id == customer.id)))
        found: dict[str, list[dict[str, Any]]] = {"customers": [_row(customer)]}
        wanted = {
            Account: Account.customer_id == customer.id,
            Order: Order.customer_id == customer.id,
            Payment: Payment.customer_id == customer.id,
            Refund: Refund.order_number.in_(numbers) | Refund.case_id.in_(cases),
            Membership: Membership.customer_id == customer.id,
            ReturnAuthorization: ReturnAuthorization.order_number.in_(numbers),
            Case: Case.customer_id == customer.id,
            Decision: Decision.customer_id == customer.id,
            Notice: Notice.customer_id == customer.id,
            Callback: Callback.customer_id == customer.id,
            Score: Score.case_id.in_(cases),
            Conversation: Conversation.id.in_(talks),
            Message: Message.conversation_id.in_(talks) & (Message.author != "note"),
            Photo: Photo.conversation_id.in_(talks),
            BankAccount: BankAccount.customer_id == customer.id,
        }
        for model, clause in wanted.items():
            found[model.__tablename__] = [_row(each) for each in session.scalars(select(model).where(clause))]
        return found


def erase(desk: Desk, actor: str, reference: str, *, tracker_url: str | None = None) -> Erased | None:
    """Erase a customer everywhere, and say what was kept; None for an unknown reference.

    `tracker_url` is the engine's own database, where the talk lies a second time. Erasing twice changes nothing.
    """
    with desk.store.writing() as session:
        customer = session.scalar(select(Customer).where(Customer.reference == reference).with_for_update())
        if customer is None:
            return None
        talks = _talks(session, customer)
        counts = _erase_talks(session, talks)
        counts |= _erase_person(session, desk, customer)
        if tracker_url is not None:  # within this transaction: if the engine's database is away, all is tried again
            counts["engine"] = _erase_tracker(tracker_url, talks)
        audit.note(session, desk.clock(), actor, "erased", f"customer:{customer.id}", {"counts": counts})
    return Erased(counts)


def retain(desk: Desk, *, tracker_url: str | None = None, talks_kept: timedelta = TALKS_KEPT) -> Retained:
    """Take away what has been kept long enough: words of old talks and mails, ended sessions, used tokens.

    At most 500 conversations at a time; called again until there are none, it takes away the rest.
    """
    now = desk.clock()
    with desk.store.writing() as session:
        spoken = exists().where(Message.conversation_id == Conversation.id, Message.text != "")
        old = select(Conversation.id).where(
            Conversation.owner == "closed", Conversation.last_at < now - talks_kept, spoken
        )
        talks = list(session.scalars(old.limit(BATCH)))
        _erase_talks(session, talks)
        gone = _run(session, delete(CustomerSession).where(CustomerSession.expires_at < now - SESSIONS_KEPT))
        gone += _run(session, delete(StaffSession).where(StaffSession.expires_at < now - SESSIONS_KEPT))
        _run(session, delete(UsedToken).where(UsedToken.expires_at < now))
        _forget_letters(session, now - talks_kept)
        accounts.forget_old(session, now)
        if talks:
            if tracker_url is not None:
                _erase_tracker(tracker_url, talks)
            audit.note(session, now, "worker", "retention", "conversations", {"count": len(talks)})
    return Retained(len(talks), gone)


def _forget_letters(session: Session, before: datetime) -> None:
    """Take away the words of old mails and calls; that there were some stays."""
    mails = select(Notice.id).where(Notice.at < before, Notice.body != "").limit(BATCH * 10)
    _run(session, update(Notice).where(Notice.id.in_(mails)).values(subject="", body=""))
    calls = select(Callback.id).where(Callback.slot_at < before, Callback.phone != "").limit(BATCH * 10)
    gone = list(session.scalars(calls))
    _run(session, update(Callback).where(Callback.id.in_(gone)).values(phone="", outcome=None))
    _run(session, update(CallAttempt).where(CallAttempt.callback_id.in_(gone)).values(words=""))


def _talks(session: Session, customer: Customer) -> list[str]:
    own = session.scalars(select(Conversation.id).where(Conversation.customer_id == customer.id))
    # A visitor who proved an order of theirs is the same person.
    proved = select(Case.conversation_id).where(Case.customer_id == customer.id, Case.conversation_id.is_not(None))
    return list(dict.fromkeys([*own, *(each for each in session.scalars(proved) if each is not None)]))


def _erase_talks(session: Session, talks: list[str]) -> dict[str, int]:
    """Take the words out of conversations; that they took place, and when, stays for the figures."""
    counts = {"messages": 0, "choices": 0, "conversations": len(talks)}
    # A photo's message has no words; its content says which photo, and goes with it.
    pictured = select(Photo.conversation_id).where(Photo.conversation_id.in_(talks))
    said_something = or_(Message.text != "", Message.conversation_id.in_(pictured))
    for message in session.scalars(select(Message).where(Message.conversation_id.in_(talks), said_something)):
        message.text, message.content, message.entities = "", dict(ERASED), None
        counts["messages"] += 1
    counts["photos"] = _run(session, delete(Photo).where(Photo.conversation_id.in_(talks)))
    counts["choices"] = _run(session, delete(Choice).where(Choice.conversation_id.in_(talks)))
    said = Conversation.id.in_(talks)
    _run(session, update(Conversation).where(said).values(summary=dict(ERASED), proved_orders=[]))
    for intent in session.scalars(select(Intent).join(Case).where(Case.conversation_id.in_(talks))):
        intent.request, intent.receipt = _without_words(intent.request), _without_reason(intent.receipt)
    of_talks = select(Decision).join(Case, Decision.case_id == Case.id).where(Case.conversation_id.in_(talks))
    for decision in session.scalars(of_talks):
        decision.receipt = _without_reason(decision.receipt)
    _run(session, update(Approval).where(Approval.conversation_id.in_(talks)).values(reason="", words=None))
    return counts


def _erase_person(session: Session, desk: Desk, customer: Customer) -> dict[str, int]:
    cases = list(session.scalars(select(Case.id).where(Case.customer_id == customer.id)))
    calls = list(session.scalars(select(Callback.id).where(Callback.customer_id == customer.id)))
    numbers = select(Order.number).where(Order.customer_id == customer.id)
    answered = Inquiry.order_number.in_(numbers)
    counts = {
        "inquiries": _run(session, update(Inquiry).where(answered).values(answer_text=None)),
        "notices": _run(session, update(Notice).where(Notice.customer_id == customer.id).values(subject="", body="")),
        "callbacks": _run(session, update(Callback).where(Callback.id.in_(calls)).values(phone="", outcome=None)),
        "call_attempts": _run(session, update(CallAttempt).where(CallAttempt.callback_id.in_(calls)).values(words="")),
        "scores": _run(session, update(Score).where(Score.case_id.in_(cases)).values(words=None)),
        "sessions": _run(session, delete(CustomerSession).where(CustomerSession.customer_id == customer.id)),
        "accounts": _run(session, update(Account).where(Account.customer_id == customer.id).values(label="")),
        "payments": _run(session, update(Payment).where(Payment.customer_id == customer.id).values(label="")),
        "bank_accounts": _run(
            session, update(BankAccount).where(BankAccount.customer_id == customer.id).values(sealed="", end="")
        ),
        "customers": 0 if customer.erased_at else 1,
    }
    customer.name, customer.kana, customer.phone = "", "", None
    customer.email = f"erased-{customer.id}@invalid"
    customer.erased_at = customer.erased_at or desk.clock()
    return counts


def _without_words(request: dict[str, Any]) -> dict[str, Any]:
    told = {"contact", "product", "size", "text", "reason"}
    kept = {name: (None if name in told else value) for name, value in request.items()}
    act = request.get("act")
    if isinstance(act, dict):
        kept["act"] = {name: ("" if name in told else value) for name, value in act.items()}
    return kept


def _without_reason(receipt: dict[str, Any]) -> dict[str, Any]:
    """Take the written reason of an exception out of a receipt."""
    facts = receipt.get("facts") or {}
    return {**receipt, "facts": {name: value for name, value in facts.items() if name != "words"}}


def _erase_tracker(url: str, talks: list[str]) -> int:
    """Delete what the engine remembers of these conversations; its table is Rasa's."""
    engine = create_engine(url)
    try:
        if not inspect(engine).has_table("events"):
            return 0
        with engine.begin() as connection:
            return sum(
                connection.execute(text("DELETE FROM events WHERE sender_id = :talk"), {"talk": talk}).rowcount
                for talk in talks
            )
    finally:
        engine.dispose()


def _run(session: Session, statement: Executable) -> int:
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def _row(row: Base) -> dict[str, Any]:
    values = {column.key: getattr(row, column.key) for column in inspect(row).mapper.column_attrs}
    values.pop("sealed", None)  # a bank account is shown by its end only
    return {name: b64encode(each).decode() if isinstance(each, bytes) else each for name, each in values.items()}
