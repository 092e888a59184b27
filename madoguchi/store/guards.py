"""Triggers by which the database itself refuses what must never be, on SQLite and PostgreSQL alike.

- `payments.refunded` is the sum of its refunds that are not voided; a CHECK keeps it under `captured`.
- `accounts.balance` follows the ledger; a CHECK keeps it from going under zero.
- Rows of the ledger, the audit and the performed effects are never changed or deleted.
- A refund's amount and payment never change once it is written.
"""

from __future__ import annotations

from madoguchi.store import search

APPEND_ONLY = ("ledger", "audit", "effects")

_SQLITE_KEPT_SUMS = """
CREATE TRIGGER refunds_counted AFTER INSERT ON refunds WHEN NEW.state <> 'voided' BEGIN
  UPDATE payments SET refunded = refunded + NEW.amount WHERE id = NEW.payment_id;
END;
CREATE TRIGGER refunds_fixed BEFORE UPDATE ON refunds
WHEN NEW.amount <> OLD.amount OR NEW.payment_id <> OLD.payment_id OR NEW.key <> OLD.key BEGIN
  SELECT RAISE(ABORT, 'a refund''s amount, payment and key are fixed');
END;
CREATE TRIGGER refunds_voided AFTER UPDATE OF state ON refunds
WHEN OLD.state <> 'voided' AND NEW.state = 'voided' BEGIN
  UPDATE payments SET refunded = refunded - NEW.amount WHERE id = NEW.payment_id;
END;
CREATE TRIGGER refunds_unvoided BEFORE UPDATE OF state ON refunds
WHEN OLD.state = 'voided' AND NEW.state <> 'voided' BEGIN
  SELECT RAISE(ABORT, 'a voided refund stays voided');
END;
CREATE TRIGGER refunds_kept BEFORE DELETE ON refunds BEGIN
  SELECT RAISE(ABORT, 'a refund is voided, never deleted');
END;
CREATE TRIGGER accounts_follow AFTER INSERT ON ledger BEGIN
  UPDATE accounts SET balance = balance + NEW.amount WHERE reference = NEW.credit AND method = 'gift_balance';
  UPDATE accounts SET balance = balance - NEW.amount WHERE reference = NEW.debit AND method = 'gift_balance';
END;
"""

_POSTGRESQL_KEPT_SUMS = """
CREATE FUNCTION madoguchi_refund_counted() RETURNS trigger AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'a refund is voided, never deleted'; END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'voided' THEN
      UPDATE payments SET refunded = refunded + NEW.amount WHERE id = NEW.payment_id;
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.amount <> OLD.amount OR NEW.payment_id <> OLD.payment_id OR NEW.key <> OLD.key THEN
    RAISE EXCEPTION 'a refund''s amount, payment and key are fixed';
  END IF;
  IF OLD.state = 'voided' AND NEW.state <> 'voided' THEN
    RAISE EXCEPTION 'a voided refund stays voided';
  END IF;
  IF OLD.state <> 'voided' AND NEW.state = 'voided' THEN
    UPDATE payments SET refunded = refunded - NEW.amount WHERE id = NEW.payment_id;
  END IF;
  RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER refunds_counted BEFORE INSERT OR UPDATE OR DELETE ON refunds
  FOR EACH ROW EXECUTE FUNCTION madoguchi_refund_counted();
CREATE FUNCTION madoguchi_accounts_follow() RETURNS trigger AS $$ BEGIN
  UPDATE accounts SET balance = balance + NEW.amount WHERE reference = NEW.credit AND method = 'gift_balance';
  UPDATE accounts SET balance = balance - NEW.amount WHERE reference = NEW.debit AND method = 'gift_balance';
  RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER accounts_follow AFTER INSERT ON ledger
  FOR EACH ROW EXECUTE FUNCTION madoguchi_accounts_follow();
CREATE FUNCTION madoguchi_append_only() RETURNS trigger AS $$ BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$ LANGUAGE plpgsql;
"""


def statements(dialect: str) -> list[str]:
    """Return the statements that create the guards for "sqlite" or "postgresql", in order."""
    if dialect == "postgresql":
        per_table = [
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION madoguchi_append_only()"
            for table in APPEND_ONLY
        ]
        return [*_split(_POSTGRESQL_KEPT_SUMS, "plpgsql;", "();"), *per_table, *search.statements(dialect)]
    per_table = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN"
        f" SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table in APPEND_ONLY
        for verb in ("UPDATE", "DELETE")
    ]
    return [*_split(_SQLITE_KEPT_SUMS, "END;"), *per_table, *search.statements(dialect)]


def _split(script: str, *ends: str) -> list[str]:
    """Split a script after the lines that end with one of `ends`."""
    found, current = [], []
    for line in script.strip().splitlines():
        current.append(line)
        if line.endswith(ends) and not line.startswith("  "):
            found.append("\n".join(current))
            current = []
    return found
