"""What the processor says about a refund by itself: it arrived, or it came back after all."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints
from pydantic.dataclasses import dataclass as checked
from sqlalchemy import select
from sqlalchemy.orm import Session

from madoguchi.services import audit, handoffs, outbox
from madoguchi.services.desk import Desk
from madoguchi.services.settling import DONE, NOTHING, UNKNOWN
from madoguchi.services.words import STRICT
from madoguchi.store import Case, OutboxCall, Refund

PROCESSOR = "outside:processor"


@checked(frozen=True, config=STRICT)
class RefundSettled:
    """processor.refund_settled: the money of this refund (our key) arrived; `reference` is the processor's name."""

    refund: Annotated[str, StringConstraints(min_length=1, max_length=160)]
    reference: Annotated[str, StringConstraints(max_length=80)] = ""


@checked(frozen=True, config=STRICT)
class RefundFailed:
    """processor.refund_failed: the money of this refund could not be delivered."""

    refund: Annotated[str, StringConstraints(min_length=1, max_length=160)]
    reference: Annotated[str, StringConstraints(max_length=80)] = ""


def refund_settled(session: Session, desk: Desk, key: str, event: RefundSettled) -> str:
    """Note that a refund arrived; it may be told so before our own call has come back."""
    call, refund = _locked(session, event.refund)
    if refund is None:
        return UNKNOWN
    if refund.state in ("settled", "voided", "planned"):
        return NOTHING
    outbox.mark_sent(session, refund, event.reference, desk.clock(), settled=True)
    if call is not None and call.state == "ready":
        call.state, call.leased_until, call.last_error = "done", None, None
    audit.note(session, desk.clock(), PROCESSOR, "refund_settled", f"refund:{refund.id}", {"key": key})
    return DONE


def refund_failed(session: Session, desk: Desk, key: str, event: RefundFailed) -> str:
    """Let a human look at a refund that the bank sent back; what it took from the payment stays taken."""
    _, refund = _locked(session, event.refund)
    if refund is None:
        return UNKNOWN
    if refund.state in ("failed", "voided", "planned"):
        return NOTHING
    case = session.get(Case, refund.case_id) if refund.case_id is not None else None
    if case is not None:
        handoffs.hand_over_case(session, desk, case, "refund_came_back")
    audit.note(session, desk.clock(), PROCESSOR, "refund_failed", f"refund:{refund.id}", {"key": key})
    return "human:refund_came_back"


def _locked(session: Session, refund_key: str) -> tuple[OutboxCall | None, Refund | None]:
    """Return the call and the refund, locked in the order in which the outbox locks them."""
    call = session.scalar(select(OutboxCall).where(OutboxCall.key == refund_key).with_for_update())
    return call, session.scalar(select(Refund).where(Refund.key == refund_key).with_for_update())
