"""What a monitor reads: true counts, bounded labels, nothing about persons, and only for who shows the secret."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from madoguchi.bootstrap import configure_log
from madoguchi.services import handoffs
from madoguchi.web import security
from madoguchi.web.metrics import MOST_VALUES, Bounded
from tests.web.conftest import Site, eventually, replies, say
from tests.web.fakes import saying


def figures(site: Site) -> dict[str, float]:
    """Return the samples of /metrics by their name and labels."""
    headers = {"Authorization": f"Bearer {site.settings.secret_for('metrics')}"}
    text = site.client().get("/metrics", headers=headers).text
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


@pytest.mark.parametrize("shown", [None, "", "Bearer", "Bearer x", "Basic eDp4", "bearer"])
def test_nobody_reads_them_without_the_secret(site: Site, shown: str | None) -> None:
    headers = {} if shown is None else {"Authorization": shown}
    refused = site.client().get("/metrics", headers=headers | {"X-Forwarded-For": "127.0.0.1"})
    assert refused.status_code == 401
    assert "madoguchi_" not in refused.text


def test_a_turn_is_counted_in_every_stage(site: Site) -> None:
    client = site.signed_in()
    with client.stream("GET", "/chat/events") as live:
        pieces = live.iter_text()
        next(pieces)
        say(client, "こんにちは")
        assert any("text:こんにちは" in piece for piece in pieces)
    found = eventually(lambda: figures(site))
    for stage in ("accept", "queue", "engine", "store", "whole", "deliver"):
        assert found[f'madoguchi_turn_seconds_count{{stage="{stage}"}}'] >= 1, stage
    assert found['madoguchi_turns_total{outcome="answered"}'] == 1
    assert found['madoguchi_intents_total{intent="inform"}'] == 1


def test_what_was_not_understood_and_what_was_given_up_is_counted(site: Site) -> None:
    client = site.signed_in()
    site.engine.answer = saying({"text": "もう一度お願いします"}, intent={"name": "nlu_fallback", "confidence": 0.1})
    say(client, "ほげ")
    replies(client, 1)
    site.engine.answer = saying({"text": "x"}, failed=True)
    say(client, "壊れて")
    replies(client, 2)
    found = figures(site)
    assert found["madoguchi_fallbacks_total"] == 1
    assert found['madoguchi_turns_total{outcome="given_up"}'] == 1


def test_queues_grow_old_and_handoffs_are_counted_by_reason(site: Site) -> None:
    assert figures(site)['madoguchi_queue_waiting{queue="agent"}'] == 0
    client = site.signed_in()
    say(client, "担当者をお願いします")
    replies(client, 1)
    handoffs.hand_over(site.desk, site.conversation(1).id, "requested")
    site.clock.ahead = timedelta(days=4)
    found = figures(site)
    assert found['madoguchi_queue_waiting{queue="agent"}'] == 1
    assert found['madoguchi_queue_oldest_seconds{queue="agent"}'] >= 4 * 86_400 - 60
    assert found["madoguchi_promises_late"] == 1
    assert found['madoguchi_handoffs_total{reason="requested"}'] == 1


def test_no_label_comes_from_what_somebody_wrote(site: Site) -> None:
    client = site.signed_in()
    site.engine.answer = saying({"text": "はい"}, intent={"name": "山田花子 090-1234-5678", "confidence": 1})
    say(client, "私は山田花子、090-1234-5678です")
    replies(client, 1)
    site.client().get("/desk/山田花子")
    found = figures(site)
    assert found['madoguchi_intents_total{intent="other"}'] == 1
    assert not [name for name in found if "山田" in name or "1234" in name]


def test_a_label_has_no_more_values_than_a_monitor_can_bear() -> None:
    bounded = Bounded()
    values = {bounded.of("intent_" + "".join(chr(97 + int(digit)) for digit in str(number))) for number in range(500)}
    assert len(values) == MOST_VALUES + 1
    assert bounded.of(None) == "none"


def test_one_name_of_a_turn_runs_through_the_log(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    configure_log()
    client, name = site.signed_in(), "0b0e7a53-13a5-4f0c-8a38-d9d8e3d3a222"
    say(client, "電話は090-1234-5678です", name)
    replies(client, 1)
    written = written_until(capfd, "turn_done")
    assert site.engine.asked[0]["metadata"]["turn"] == name
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert {line["event"] for line in lines if line.get("turn") == name} >= {"request", "turn_done"}
    assert not re.search("1234|5678です", without_names(written))
    assert [row.client_id for row in site.rows(author="customer")] == [name]


def test_personal_data_in_a_path_does_not_reach_the_log(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    configure_log()
    site.client().get("/nowhere/090-1234-5678/hanako@example.jp")
    written = written_until(capfd, "/nowhere/")
    assert "1234" not in without_names(written)
    assert "hanako" not in written


def test_a_flood_does_not_fill_the_log_and_is_counted_there(
    site: Site, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_log()
    client = site.client()
    monkeypatch.setattr(security, "LOG_REFUSED_EVERY_S", 3600)
    assert {client.get("/chat/messages").status_code for _ in range(30)} == {401}
    monkeypatch.setattr(security, "LOG_REFUSED_EVERY_S", 0)
    client.get("/chat/messages")
    lines = [json.loads(line) for line in written_until(capfd, "unlogged").splitlines() if line.startswith("{")]
    refused = [line.get("unlogged", 0) for line in lines if line.get("status") == 401]
    assert refused == [0, 29]


def written_until(capfd: pytest.CaptureFixture[str], word: str) -> str:
    """Return the log once it holds this word: a line is written when its answer may have been read already."""
    parts: list[str] = []

    def look() -> str:
        parts.append(capfd.readouterr().out)
        return "".join(parts) if word in "".join(parts) else ""

    return eventually(look)


def without_names(written: str) -> str:
    """Return the log without moments and the made-up names of turns, whose digits may be any."""
    return re.sub(r'"(timestamp|request|turn|conversation)": "[^"]*"', "", written)
