"""Sabotage: takes each guard of the money away in turn and shows that some test fails for it.

`python tests/chaos/sabotage.py [NAME …]` works on copies of the tree in a temporary folder, one guard at a time,
and prints which test bit. Exit 1 where a guard could be removed unnoticed, or where its line is not found any more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", ".tools", "models", "var", "node_modules", "__pycache__", ".*_cache", ".hypothesis"
)
MONEY = "tests/integration/money/"


@dataclass(frozen=True)
class Guard:
    """One guard: where it stands, what is put in its place, and which tests should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str
    only: str = ""


GUARDS = (
    Guard("over-refund is a CHECK", "madoguchi/store/migrations/versions/0001_the_whole_store.py",
          "refunded >= 0 AND refunded <= captured", "refunded >= 0", "test_money_guards.py", "sqlite"),
    Guard("a refund counts against its payment", "madoguchi/store/guards.py",
          "UPDATE payments SET refunded = refunded + NEW.amount", "UPDATE payments SET refunded = refunded + 0",
          "test_money_guards.py", "sqlite"),
    Guard("one open return a unit", "madoguchi/store/migrations/versions/0001_the_whole_store.py",
          '["line_id", "unit"],\n            unique=True', '["line_id", "unit"],\n            unique=False',
          "test_money_guards.py", "sqlite"),
    Guard("ledger, audit and effects are append-only", "madoguchi/store/guards.py",
          'APPEND_ONLY = ("ledger", "audit", "effects")', "APPEND_ONLY = ()", "test_money_guards.py", "sqlite"),
    Guard("writers take the lock at once", "madoguchi/store/session.py",
          '"BEGIN" if reading else "BEGIN IMMEDIATE"', '"BEGIN"', "test_money_guards.py", "sqlite or write_lock"),
    Guard("a yes is claimed once", "madoguchi/services/saga.py",
          'if intent.recovery_point != "confirmed":\n            return intent.recovery_point', "pass",
          "test_money_races.py", "sqlite and confirm"),
    Guard("the plan is decided anew at the yes", "madoguchi/services/saga.py",
          "and not _still(session, desk, intent, subject)", "and False", "test_money_refunds.py", "sqlite"),
    Guard("an intent belongs to its customer", "madoguchi/services/resolve.py",
          "if intent is None or not _belongs(session, intent, conversation_id):", "if intent is None:",
          "../../stateful", "sqlite"),
    Guard("asked before called again", "madoguchi/services/outbox.py",
          "found = desk.processor.find_refund(call.key, charge) if call.attempts > 1 else None", "found = None",
          "test_money_refunds.py", "sqlite"),
    Guard("a call is leased", "madoguchi/services/outbox.py",
          "or_(OutboxCall.leased_until.is_(None), OutboxCall.leased_until <= now)", "OutboxCall.id > 0",
          "test_money_races.py", "sqlite and workers"),
    Guard("money of a frozen order waits", "madoguchi/services/outbox.py",
          "                ~frozen,\n", "", "test_money_refunds.py", "sqlite"),
    Guard("sent is booked once", "madoguchi/services/outbox.py",
          'if refund.state in ("pending", "failed"):', "if True:", "test_money_events.py", "sqlite and Processors"),
    Guard("a timer is leased", "madoguchi/services/timers.py",
          "or_(Timer.leased_until.is_(None), Timer.leased_until <= now)", "Timer.id > 0",
          "test_money_timers.py", "sqlite"),
    Guard("a timer is done once", "madoguchi/services/timers.py",
          "timer.done_at, timer.leased_until = desk.clock(), None", "pass", "test_money_timers.py", "sqlite"),
    Guard("an event is taken in once", "madoguchi/services/events.py",
          "return _again(row, kind, payload)\n        row = Incoming",
          "session.delete(row)\n            session.flush()\n        row = Incoming",
          "test_money_events.py", "sqlite"),
    Guard("an event's id keeps its content", "madoguchi/services/events.py",
          "if (row.kind, row.payload) != (kind, payload):", "if False:", "test_money_events.py", "sqlite"),
    Guard("a parcel is paid for once", "madoguchi/policy/decide.py",
          "    parcels.parcel_counted_once,\n", "", "test_money_events.py", "sqlite and Parcel"),
    Guard("never twice", "madoguchi/policy/decide.py", "    money.never_twice,\n", "", "../../unit/policy"),
    Guard("webhooks are verified", "madoguchi/web/webhooks.py",
          'signer(settings.secret_for("webhooks")).verify(body, dict(request.headers))', "json.loads(body)",
          "test_money_webhooks.py"),
    Guard("a used key keeps its content", "madoguchi/payments/builtin.py",
          "return earlier, not same", "return earlier, False", "test_money_processor.py", "sqlite"),
    Guard("a charge is never sent back twice over", "madoguchi/payments/builtin.py",
          'or row["refunded"] + call.amount > row["captured"]', "", "test_money_processor.py", "sqlite"),
    Guard("Stripe hears our key", "madoguchi/payments/stripe_card.py",
          '{"idempotency_key": f"madoguchi:{key}"}', '{"idempotency_key": str(id(params))}', "test_money_stripe.py"),
    Guard("refunds and calls in one transaction", "madoguchi/services/performing/money.py",
          "    work.session.add(OutboxCall(key=row.key, kind=kind", "    print(OutboxCall(key=row.key, kind=kind",
          "test_money_refunds.py", "sqlite"),
)  # fmt: skip


def main(wanted: list[str]) -> int:
    """Try every guard, or those named, and return the exit code."""
    missed = 0
    for guard in GUARDS:
        if wanted and guard.name not in wanted:
            continue
        bit = _without(guard)
        missed += bit is None
        print(f"{'bites ' if bit else 'MISSED'} {guard.name}: {bit or 'no test failed'}", flush=True)
    return 1 if missed else 0


def _without(guard: Guard) -> str | None:
    """Return the first test that fails without the guard, or None."""
    with tempfile.TemporaryDirectory(prefix="madoguchi-sabotage-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_BEHIND)
        path = tree / guard.file
        text = path.read_text(encoding="utf-8")
        if guard.old not in text:
            raise SystemExit(f"the guard {guard.name!r} is not where it was in {guard.file}")
        path.write_text(text.replace(guard.old, guard.new, 1), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", MONEY + guard.tests]
        command += ["-k", guard.only] if guard.only else []
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        if done.returncode not in (0, 1):
            raise SystemExit(f"the tests for {guard.name!r} did not run:\n{done.stdout[-2000:]}{done.stderr[-500:]}")
        return failed[0].split(" - ")[0] if failed else None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
