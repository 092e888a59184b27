"""`madoguchi chat` at the terminal, against a running web program."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner, Result

from madoguchi.cli import talk as command
from tests.web.conftest import Site
from tests.web.fakes import saying


def chat(monkeypatch: pytest.MonkeyPatch, url: str, typed: str, *options: str) -> Result:
    monkeypatch.setenv("MADOGUCHI_PUBLIC_URL", url)
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return CliRunner().invoke(app, ["chat", *options], input=typed)


def test_a_visitor_talks(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    told = chat(monkeypatch, shop.url, "こんにちは\n\n")
    assert told.exit_code == 0
    assert "text:こんにちは" in told.output


def test_a_number_presses_the_button_with_that_number(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.engine.answer = saying({"text": "よろしいですか", "buttons": [{"title": "はい", "payload": "/affirm"}]})
    told = chat(monkeypatch, shop.url, "返品したい\n1\n\n", "--customer", "C-1")
    assert "1 はい" in told.output
    assert [asked.get("payload") for asked in shop.engine.asked] == [None, "/affirm"]
    assert shop.conversation(1).customer_id == 1


def test_a_refused_message_is_explained_and_the_talk_goes_on(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    told = chat(monkeypatch, shop.url, f"{'あ' * 4001}\nはい\n\n")
    assert "4,000文字まで" in told.output
    assert "text:はい" in told.output


def test_an_unknown_customer_and_a_desk_that_is_not_there_end_in_one_sentence(
    shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = chat(monkeypatch, shop.url, "", "--customer", "nobody")
    assert unknown.exit_code == 1
    assert "knows no customer" in unknown.output
    absent = chat(monkeypatch, "http://127.0.0.1:9", "")
    assert absent.exit_code == 1
    assert "No desk answers" in absent.output
    assert "Traceback" not in unknown.output + absent.output
