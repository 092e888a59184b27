"""Webhooks from warehouse, carrier, seller, processor and shop: signed by the Standard Webhooks scheme, or by Stripe.

A body is `{"type": "warehouse.parcel_scanned", "data": {"rma": "R-…"}}`; its id is the header `webhook-id`. What
is not signed with our secret, or signed too long ago, is refused before anything is read of it.
"""

from __future__ import annotations

import json
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from madoguchi.bootstrap import Settings
from madoguchi.payments.port import Notice
from madoguchi.services import events
from madoguchi.services.events import Applied, Rejected
from madoguchi.web.context import web_of

SOURCES = ("warehouse", "carrier", "seller", "processor", "shop")
_STATUS = {"changed_content": 409}


def signer(secret: str) -> Webhook:
    """Return what signs and verifies; a secret is "whsec_…" as the scheme writes it, or any other text."""
    return Webhook(secret if secret.startswith("whsec_") else secret.encode())


async def take(request: Request) -> Response:
    """Take in one signed webhook of a source."""
    source = request.path_params["source"]
    body, settings = await request.body(), web_of(request).settings
    if source == "stripe":
        return await _take_stripe(request, settings, body)
    if source not in SOURCES:
        return _problem(404, "There is no such source.")
    try:
        told = signer(settings.secret_for("webhooks")).verify(body, dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return _problem(401, "The signature is missing, wrong or too old.")
    kind, data = _parts(told)
    if kind is None or data is None or not kind.startswith(f"{source}."):
        return _problem(422, 'The body must be {"type": "…", "data": {…}} with a type of this source.')
    return await _apply(request, request.headers["webhook-id"], kind, data)


async def _take_stripe(request: Request, settings: Settings, body: bytes) -> Response:
    if settings.stripe_webhook_secret is None:
        return _problem(404, "Stripe is not set up here.")
    from madoguchi.payments.stripe_card import BadSignature, read_webhook  # loaded where stripe is set up only

    secret = settings.stripe_webhook_secret.get_secret_value()
    try:
        notice: Notice | None = read_webhook(body, request.headers.get("stripe-signature", ""), secret)
    except BadSignature:
        return _problem(401, "The signature is missing, wrong or too old.")
    if notice is None:
        return JSONResponse({"outcome": "not_ours"})
    data = {"refund": notice.key, "reference": notice.reference}
    return await _apply(request, notice.id, notice.kind, data)


async def _apply(request: Request, event_id: str, kind: str, data: dict[str, Any]) -> Response:
    web = web_of(request)
    answer = await web.services.run(events.apply, web.desk, event_id, kind, data)
    match answer:
        case Applied(outcome=outcome, duplicate=duplicate):
            return JSONResponse({"outcome": outcome, "duplicate": duplicate})
        case Rejected(reason=reason):
            return _problem(_STATUS.get(reason, 422), f"The event was not taken in: {reason}.")


def _parts(told: Any) -> tuple[str | None, dict[str, Any] | None]:
    if not isinstance(told, dict):
        return None, None
    kind, data = told.get("type"), told.get("data")
    return (kind if isinstance(kind, str) else None), (data if isinstance(data, dict) else None)


def _problem(status: int, detail: str) -> Response:
    content = {"type": "about:blank", "status": status, "title": "The webhook was refused.", "detail": detail}
    return Response(json.dumps(content), status_code=status, media_type="application/problem+json")


routes = [Route("/webhooks/{source}", take, methods=["POST"])]
