"""The τ-bench retail shop: every cancel, return and exchange ends as the data says. A part here, all under prove."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from money_shop import ROOT

from madoguchi.bootstrap import Settings
from madoguchi.payments import build_processor
from madoguchi.policy.terms_file import load_terms
from madoguchi.services.tau_replay import Replay, Tally

FOLDER = Path(os.environ.get("MADOGUCHI_TAU", ROOT.parent / "shared" / "bench" / "tau_retail"))
PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
EVERY = 1 if PROVE else 12

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the τ-bench data is not on this machine")


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    terms = load_terms(ROOT / "data" / "policies" / "tau_retail.yml")
    work = tmp_path_factory.mktemp("tau")
    return Replay(FOLDER, work, terms, lambda store: build_processor(Settings(processor="builtin"), store))


def test_the_writes_end_as_the_data_says(replay: Replay) -> None:
    tallies = replay.writes(replay.write_groups()[::EVERY])
    assert all(tally.total for tally in tallies.values())
    assert failures(tallies) == []


def test_the_tasks_end_in_their_final_orders(replay: Replay) -> None:
    tallies = replay.tasks(replay.plain_tasks()[::EVERY])
    assert sum(tally.total for tally in tallies.values()) > 20
    assert failures(tallies) == []


def test_a_wrong_expectation_is_seen(replay: Replay) -> None:
    """Half of these are declined for the gift card's balance: told the contrary of each, every one must fail."""
    cases = [case for group in replay.write_groups() for case in group if case["kind"] == "exchange"]
    low = [case for case in cases if case["expected"] == "giftcard_balance_too_low"]
    turned = [{**case, "expected": "ok"} for case in low]
    turned += [{**case, "expected": "giftcard_balance_too_low"} for case in cases if case["expected"] == "ok"][:3]
    found = failures(replay.writes([[case] for case in turned]))
    assert len(found) == len(turned) > 3


def test_a_final_order_with_another_amount_is_seen(replay: Replay) -> None:
    task = json.loads(json.dumps(replay.plain_tasks()[0], default=float))
    next(iter(task["final_orders"].values()))["payment_history"][0]["amount"] += 0.01
    assert len(failures(replay.tasks([task]))) == 1


def failures(tallies: dict[str, Tally]) -> list[Any]:
    return [failure for tally in tallies.values() for failure in tally.failures]
