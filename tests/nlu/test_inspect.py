"""What the trainers ask the engine: intent, tokens and names of texts, signed like a turn, without any turn."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from bench.running import Stack
from madoguchi.rasa import Engine, Inspected
from madoguchi.services import masking as desk_masking
from madoguchi.training import masking
from madoguchi.training.notation import Said

pytestmark = pytest.mark.stack


def inspect(stack: Stack, *texts: str, names: bool = False) -> tuple[Inspected, ...]:
    """Ask the running engine."""

    async def ask() -> tuple[Inspected, ...]:
        engine = Engine(stack.settings.engine_url, stack.settings.secret_for("engine"))
        try:
            return await engine.inspect(texts, names=names)
        finally:
            await engine.close()

    return asyncio.run(ask())


def test_the_model_in_service_answers_with_tokens_and_parts_of_speech(stack: Stack) -> None:
    found = inspect(stack, "ｷｬﾝｾﾙしたい", "")
    assert found[0].intent is not None
    assert found[0].intent.name == "cancel_order"
    assert [each.name for each in found[0].ranking][:1] == ["cancel_order"]
    first = found[0].tokens[0]
    assert (first.text, first.pos, first.start, first.end) == ("キャンセル", "VERB", 0, 5)  # half width, as typed
    assert found[1].tokens == ()
    assert found[0].names is None


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("佐藤花子と申します。靴が届きません", "佐藤花子"),
        ("山田です。先日のワンピースの件で", "山田"),
        ("届け先は大阪市北区梅田です", "大阪市北区梅田"),
    ],
)
def test_ginza_sees_persons_and_places_and_nothing_of_them_is_left(stack: Stack, text: str, hidden: str) -> None:
    names = inspect(stack, text, names=True)[0].names
    assert names is not None
    masked = masking.mask(Said(text), [(each.start, each.end, each.kind) for each in names])
    assert [piece.kind for piece in masked.pieces if piece.typed == hidden] in (["person"], ["place"])
    assert hidden == masking.STAND_INS["person"] or hidden not in masked.said.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"texts": 1}',
        json.dumps({"texts": ["x" * 4001]}).encode(),
        json.dumps({"texts": ["a"] * 51}).encode(),
    ],
)
def test_a_wrong_or_unsigned_request_is_refused(stack: Stack, body: bytes) -> None:
    where = f"{stack.settings.engine_url}/webhooks/desk/inspect"
    assert httpx.post(where, content=body).status_code == 401
    engine = Engine(stack.settings.engine_url, stack.settings.secret_for("engine"))
    assert httpx.post(where, content=body, headers=engine._headers(body)).status_code == 400


def test_the_desks_own_masks_find_nothing_more() -> None:
    text = "090-1234-5678 か taro@mail.example.co.jp へ、4111 1111 1111 1111"
    assert all(
        piece.kind or desk_masking.words(piece.written) == piece.written
        for piece in masking.mask(Said(text), ()).pieces
    )
