"""Another model for the running engine: no turn is lost, each message names its model, and foreign files stay out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest

from bench.running import Stack
from bench.swaps import Changed, change_under_load, post, two_names
from madoguchi.bootstrap import Settings
from madoguchi.training import signing
from madoguchi.training.workshop import Place

SWAPS = 50 if os.environ.get("MADOGUCHI_PROVE") else 5

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def place() -> Place:
    return Place.of(Settings())


@pytest.fixture(scope="module")
def engine(stack: Stack, place: Place) -> Iterator[httpx.Client]:
    """A caller of the engine, which has its first model back at the end."""
    with httpx.Client(base_url=stack.settings.engine_url, timeout=90) as client:
        first = client.get("/webhooks/desk/health").json()["model"]
        yield client
        assert change(client, stack, first).status_code == 200


def change(client: httpx.Client, stack: Stack, name: str) -> httpx.Response:
    return post(client, "/webhooks/desk/model", {"model": name}, stack.settings.secret_for("engine"))


@pytest.fixture(scope="module")
def changed(stack: Stack, place: Place, engine: httpx.Client) -> Changed:
    secret = stack.settings.secret_for("engine")
    with two_names(place) as names:
        return change_under_load(stack.settings.engine_url, secret, stack.pid("engine"), names, SWAPS, 2)


def test_no_turn_fails_while_models_change(changed: Changed) -> None:
    assert changed.failed == ()
    assert len(changed.seconds) == SWAPS
    assert changed.turns > SWAPS


def test_each_answer_names_the_model_that_gave_it(changed: Changed) -> None:
    assert len(changed.models) >= 2


def test_the_memory_stays(changed: Changed) -> None:
    assert changed.growth <= (0.05 if SWAPS >= 50 else 0.15), changed.megabytes


@pytest.mark.parametrize(
    "name",
    [
        "../models/x.tar.gz",
        "/etc/passwd",
        "no-such-model.tar.gz",
        "..",
        "",
        "a\0.tar.gz",
        "https://example.jp/x.tar.gz",
        "x" * 200 + ".tar.gz",
        ".training.lock",
    ],
)
def test_only_a_file_of_the_models_is_taken(stack: Stack, engine: httpx.Client, name: str) -> None:
    assert change(engine, stack, name).status_code == 404


def test_a_stranger_changes_nothing(engine: httpx.Client) -> None:
    assert post(engine, "/webhooks/desk/model", {"model": "x.tar.gz"}, "x" * 64).status_code == 401


def test_an_unsigned_or_altered_file_is_refused_and_the_old_one_serves_on(
    stack: Stack, engine: httpx.Client, place: Place
) -> None:
    before = engine.get("/webhooks/desk/health").json()["model"]
    with two_names(place) as (unsigned, altered):
        signing.signature_of(place.model(unsigned)).unlink()
        with place.model(altered).open("ab") as file:
            file.write(b"\0")
        assert change(engine, stack, unsigned).json() == {"error": "unsigned"}
        assert change(engine, stack, altered).json() == {"error": "altered"}
    assert engine.get("/webhooks/desk/health").json()["model"] == before
