"""The outside money behind one port: the built-in processor by default, or an adapter to Stripe.

The shop's own gift balance needs no processor; it is a ledger account and moves with the shop's transaction.
"""

from __future__ import annotations

from typing import Protocol

from pydantic import SecretStr
from sqlalchemy import Engine, text

from madoguchi.payments.builtin import BuiltinProcessor, Captured, processor_engine
from madoguchi.payments.port import (
    Accepted,
    Ambiguous,
    Notice,
    Notifying,
    Payee,
    Processor,
    Refused,
    Transferring,
    Unavailable,
)

__all__ = [
    "Accepted",
    "Ambiguous",
    "BuiltinProcessor",
    "Notice",
    "Notifying",
    "Payee",
    "Processor",
    "Refused",
    "Transferring",
    "Unavailable",
    "build_processor",
]


class ProcessorSettings(Protocol):
    """What of the settings the processors look at."""

    @property
    def processor(self) -> str:
        """Which one: builtin or stripe."""

    @property
    def stripe_api_key(self) -> SecretStr | None:
        """The key of the stripe account."""

    @property
    def stripe_api_base(self) -> str | None:
        """Another address of the API, for tests."""


class HasEngine(Protocol):
    """A database that the built-in processor may live beside."""

    engine: Engine


def build_processor(settings: ProcessorSettings, store: HasEngine) -> Processor:
    """Return the processor that the settings name; ValueError where they do not suffice."""
    if settings.processor == "builtin":
        return BuiltinProcessor(processor_engine(store.engine), captured=lambda charge: _captured(store.engine, charge))
    if settings.processor != "stripe":
        raise ValueError(f"MADOGUCHI_PROCESSOR must be builtin or stripe, not {settings.processor!r}")
    if settings.stripe_api_key is None:
        raise ValueError("MADOGUCHI_STRIPE_API_KEY is needed for the stripe processor")
    # The package takes longer to load than all of the desk, and most shops have another processor.
    from madoguchi.payments.stripe_card import StripeProcessor

    return StripeProcessor(settings.stripe_api_key.get_secret_value(), api_base=settings.stripe_api_base)


def _captured(engine: Engine, charge: str) -> Captured | None:
    """Return what the shop captured under this reference before the built-in processor was there."""
    reading = engine.execution_options(madoguchi_reading=True)
    with reading.connect() as connection:
        row = connection.execute(
            text("SELECT captured, currency FROM payments WHERE reference = :charge"), {"charge": charge}
        ).one_or_none()
    return None if row is None else Captured(row.captured, row.currency)
