"""What must never be is refused by the database itself, whatever program writes to it."""

from __future__ import annotations

import sqlite3

import pytest
from money_shop import Shop, violations
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


@pytest.fixture
def returned(shop: Shop) -> Shop:
    """A shop with one refund sent, one return open and a membership."""
    customer, talk = shop.customer()
    shop.agree(talk, kind="cancel", order_number=shop.order(customer, 1_000))
    shop.agree(talk, kind="defect", order_number=shop.order(customer, 2_000, state="delivered"))
    return shop


REFUND = """INSERT INTO refunds (key, payment_id, amount, destination, lines, shipping, reason, state, created_at)
  VALUES ('{key}', (SELECT MIN(id) FROM payments), {amount}, 'original_payment', '[]', 0, 'x',
    '{state}', CURRENT_TIMESTAMP)"""

FORBIDDEN: dict[str, str] = {
    "a refund of one yen more than captured": REFUND.format(key="x", amount=1, state="planned"),
    "a refund of nothing": REFUND.format(key="x", amount=0, state="voided"),
    "a negative refund": REFUND.format(key="x", amount=-5, state="planned"),
    "a refund's amount changed": "UPDATE refunds SET amount = 1",
    "a refund's key changed": "UPDATE refunds SET key = 'y'",
    "a refund deleted": "DELETE FROM refunds",
    "a payment refunded by hand past its capture": "UPDATE payments SET refunded = captured + 1",
    "a second open return of a unit": """INSERT INTO return_units (authorization_id, line_id, unit, taken)
        SELECT authorization_id, line_id, unit, TRUE FROM return_units""",
    "a second effect of one key": """INSERT INTO effects (key, kind, detail, performed_at)
        SELECT key, kind, detail, performed_at FROM effects LIMIT 1""",
    "a performed effect forgotten": "DELETE FROM effects",
    "a ledger entry changed": "UPDATE ledger SET amount = amount + 1",
    "a ledger entry deleted": "DELETE FROM ledger",
    "a ledger entry of one account": """INSERT INTO ledger (key, debit, credit, amount, currency, reason, booked_at)
        VALUES ('z', 'a', 'a', 5, 'JPY', 'x', CURRENT_TIMESTAMP)""",
    "a ledger entry of nothing": """INSERT INTO ledger (key, debit, credit, amount, currency, reason, booked_at)
        VALUES ('z', 'a', 'b', 0, 'JPY', 'x', CURRENT_TIMESTAMP)""",
    "an audit row rewritten": "UPDATE audit SET actor = 'nobody'",
    "an audit row cut out": "DELETE FROM audit WHERE id = (SELECT MIN(id) FROM audit)",
    "more canceled than bought": "UPDATE order_lines SET canceled_quantity = quantity + 1",
    "an unknown order state": "UPDATE orders SET state = 'lost'",
    "stock under zero": "UPDATE variants SET stock = -1",
    "a gift balance under zero": """INSERT INTO ledger (key, debit, credit, amount, currency, reason, booked_at)
        VALUES ('z', 'gift:test', 'sales', 5, 'JPY', 'x', CURRENT_TIMESTAMP)""",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_database_refuses(returned: Shop, statement: str) -> None:
    with returned.store.writing() as session:
        session.execute(
            text("INSERT INTO accounts (reference, customer_id, method, label, balance)"
                 " SELECT 'gift:test', MIN(id), 'gift_balance', '', 0 FROM customers")
        )  # fmt: skip
    with pytest.raises(DBAPIError), returned.store.writing() as session:
        session.execute(text(statement))
    assert violations(returned) == []


def test_a_rebuilt_audit_is_found_by_its_hashes(returned: Shop) -> None:
    """Even with its trigger gone a changed row breaks the chain."""
    with returned.store.writing() as session:
        dialect = session.get_bind().dialect.name
        on = " ON audit" if dialect == "postgresql" else ""
        name = "audit_append_only" if dialect == "postgresql" else "audit_no_update"
        session.execute(text(f"DROP TRIGGER {name}{on}"))
        session.execute(text("UPDATE audit SET action = 'nothing' WHERE id = (SELECT MIN(id) FROM audit)"))
    assert any(found.startswith("audit rewritten") for found in violations(returned))


def test_the_invariants_themselves_would_notice(returned: Shop) -> None:
    """A check that finds nothing must be one that could: break the rows behind its back and see it cry out."""
    with returned.store.writing() as session:
        session.execute(text("UPDATE refunds SET state = 'pending' WHERE state = 'sent'"))
    found = violations(returned)
    assert any("the ledger owes" in each for each in found)
    assert any("sent without" in each for each in found)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_writer_has_the_write_lock_from_its_start(shop: Shop) -> None:
    other = sqlite3.connect(str(shop.store.engine.url.database), timeout=0)
    with shop.store.writing() as session:
        session.scalar(text("SELECT COUNT(*) FROM orders"))  # the first statement, and it only reads
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.parametrize("store", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_postgresql_plans_each_statement_for_its_own_values(shop: Shop) -> None:
    with shop.store.reading() as session:
        assert session.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"
