"""Returns as the warehouse handles them: a parcel comes in, and is opened."""

from __future__ import annotations

from madoguchi.policy.vocabulary import InspectionResult
from madoguchi.services import events
from madoguchi.services.desk import Desk
from madoguchi.services.events import Applied, Rejected


def receive_parcel(desk: Desk, rma: str, event_id: str) -> Applied | Rejected:
    """Scan the parcel of a return in: gift balance is credited that moment, a card refund is sent."""
    return events.apply(desk, event_id, "warehouse.parcel_scanned", {"rma": rma})


def inspect(desk: Desk, rma: str, result: InspectionResult, event_id: str) -> Applied | Rejected:
    """Note what was found inside the parcel of a return."""
    return events.apply(desk, event_id, "warehouse.inspected", {"rma": rma, "result": result.value})
