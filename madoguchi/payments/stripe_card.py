"""Cards through Stripe: the official package behind our port, and its webhooks verified.

A reply that did not come is `Ambiguous`; refunds bear our key in their metadata, so that one can be found again.
Stripe forgets its idempotency keys after a day, our keys in the metadata stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import stripe

from madoguchi.payments.port import Accepted, Ambiguous, Notice, Refused, Unavailable

KEY = "madoguchi_key"
"""The name of our key in Stripe's metadata."""
TIMEOUT_S = 20
_GONE = frozenset({"failed", "canceled"})
_REPORTS = {"succeeded": "processor.refund_settled", "failed": "processor.refund_failed"}


class BadSignature(Exception):
    """A webhook that Stripe did not sign, or signed too long ago."""


@dataclass(frozen=True)
class _Source:
    """A saved means of payment: "cus_…/pm_…"."""

    customer: str
    payment_method: str

    @staticmethod
    def of(reference: str) -> _Source | None:
        customer, _, payment_method = reference.partition("/")
        return _Source(customer, payment_method) if payment_method else None


class StripeProcessor:
    """Refunds and charges by Stripe's API; charges are named by their payment intent or charge id."""

    def __init__(self, api_key: str, *, api_base: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """Take the account's key; `api_base` is another address of the API, for tests."""
        self._http = stripe.RequestsClient(timeout=timeout_s)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=0,  # the outbox retries, and asks before it does
            http_client=self._http,
        )

    def refund(self, key: str, charge: str, amount: int, currency: str) -> Accepted | Refused:
        """Send `amount` of the charge back. Raises Ambiguous or Unavailable."""
        params: Any = {**_names(charge), "amount": amount, "metadata": {KEY: key}}
        return _asked(
            lambda: _told_refund(self._client.v1.refunds.create(params, {"idempotency_key": f"madoguchi:{key}"}))
        )

    def find_refund(self, key: str, charge: str) -> Accepted | Refused | None:
        """Return what became of the refund with this key, or None if it never arrived. Raises Unavailable."""
        params: Any = {**_names(charge), "limit": 100}

        def search() -> Accepted | Refused | None:
            found = self._client.v1.refunds.list(params).auto_paging_iter()
            return next((_told_refund(each) for each in found if _our_key(each.metadata) == key), None)

        return _searched(search)

    def charge(self, key: str, source: str, amount: int, currency: str) -> Accepted | Refused:
        """Capture `amount` from a stored means of payment ("cus_…/pm_…"). Raises Ambiguous or Unavailable."""
        saved = _Source.of(source)
        if saved is None:
            return Refused("unknown_source")
        params: Any = {
            "amount": amount,
            "currency": currency.lower(),
            "customer": saved.customer,
            "payment_method": saved.payment_method,
            "off_session": True,
            "confirm": True,
            "metadata": {KEY: key},
        }
        return _asked(
            lambda: _told_charge(
                self._client.v1.payment_intents.create(params, {"idempotency_key": f"madoguchi:{key}"})
            )
        )

    def find_charge(self, key: str, source: str) -> Accepted | Refused | None:
        """Return what became of the charge with this key, or None if it never arrived. Raises Unavailable."""
        saved = _Source.of(source)
        if saved is None:
            return None
        params: Any = {"customer": saved.customer, "limit": 100}

        def search() -> Accepted | Refused | None:
            found = self._client.v1.payment_intents.list(params).auto_paging_iter()
            return next((_told_charge(each) for each in found if _our_key(each.metadata) == key), None)

        return _searched(search)

    def close(self) -> None:
        """Let go of every connection; the next call opens a new one."""
        self._http.close()  # type: ignore[no-untyped-call]


def read_webhook(body: bytes, signature: str, secret: str) -> Notice | None:
    """Return what a webhook says about one of our refunds, None for anything else. Raises BadSignature."""
    try:
        event = stripe.Webhook.construct_event(body, signature, secret)
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise BadSignature("this webhook was not signed by Stripe") from error
    if event.type not in ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"):
        return None
    told = event.data.object
    kind, key = _REPORTS.get(told["status"]), _our_key(told["metadata"])
    return Notice(event.id, kind, key, told["id"]) if kind and key else None


def _names(charge: str) -> dict[str, str]:
    return {"payment_intent": charge} if charge.startswith("pi_") else {"charge": charge}


def _our_key(metadata: Any) -> str | None:
    """Return our key of a call from Stripe's metadata, whose type differs from place to place."""
    return None if metadata is None else dict(metadata.to_dict()).get(KEY)


def _told_refund(refund: stripe.Refund) -> Accepted | Refused:
    if refund.status in _GONE:
        return Refused(refund.failure_reason or str(refund.status))
    return Accepted(refund.id, settled=refund.status == "succeeded")


def _told_charge(intent: stripe.PaymentIntent) -> Accepted | Refused:
    taken = intent.status in ("succeeded", "processing")
    return Accepted(intent.id, settled=intent.status == "succeeded") if taken else Refused(intent.status)


def _asked(call: Callable[[], Accepted | Refused]) -> Accepted | Refused:
    try:
        return call()
    except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Unavailable(f"Stripe did not take the call: {error.code}") from error
    except (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        if error.http_status == 409:  # the same key is at work this very moment
            raise Ambiguous("Stripe is still at work on this key") from error
        if isinstance(error, stripe.IdempotencyError):
            return Refused("key_reused_with_other_content")
        return Refused((error.code or "invalid_request")[:40])
    except stripe.StripeError as error:  # lost connections, and errors on Stripe's own side
        raise Ambiguous(f"no clear answer from Stripe: {type(error).__name__}") from error


def _searched(search: Callable[[], Accepted | Refused | None]) -> Accepted | Refused | None:
    try:
        return search()
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            return None
        raise Unavailable(f"Stripe cannot be asked: {error.code}") from error
    except stripe.StripeError as error:
        raise Unavailable(f"Stripe cannot be asked: {type(error).__name__}") from error
