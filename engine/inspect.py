"""What the model in service makes of texts, for the trainers: no turn runs, and no conversation is touched.

POST /webhooks/desk/inspect   {"texts": [...], "names"?: true}   signed like a turn

Each text is answered with its intent, ranking, entities and tokens; with `names` also with the persons and places
that GiNZA's own recogniser sees, which is loaded the first time somebody asks and runs beside the event loop.
"""

from __future__ import annotations

import asyncio
import json
import threading
from functools import lru_cache
from typing import Any, Callable, Dict, List, Optional

import spacy
from rasa.core.agent import Agent
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint
from sanic import response as http
from sanic.request import Request
from sanic.response import HTTPResponse
from spacy.language import Language

from engine.nlu.text import MAX_CHARACTERS, normalize
from engine.nlu.tokenizer import NORM, POS, READING, TAG, tokens_in
from engine.understanding import last_node_before_payloads, typed_message

MOST_TEXTS = 50
_PERSONS = frozenset(("Person", "Name_Other"))
_PLACES = frozenset(
    (
        "Address_Other",
        "City",
        "County",
        "Domestic_Region",
        "GPE_Other",
        "Location_Other",
        "Postal_Address",
        "Province",
        "Station",
    )
)
# What a name does not need; the recogniser itself stands on tok2vec.
_UNNEEDED = ["parser", "morphologizer", "attribute_ruler", "compound_splitter", "bunsetu_recognizer"]
_one_at_a_time = threading.Lock()


def register(blueprint: Blueprint, is_signed: Callable[[Request], bool]) -> None:
    """Add the route to the desk's channel."""

    @blueprint.route("/inspect", methods=["POST"])
    async def inspect(request: Request) -> HTTPResponse:
        if not is_signed(request):
            return http.json({"error": "unauthorized"}, status=401)
        agent: Optional[Agent] = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            return http.json({"error": "no_model"}, status=503)
        try:
            texts, names = read_request(request.body)
        except ValueError as error:
            return http.json({"error": str(error)}, status=400)
        return http.json(await _answer(agent, texts, names), ensure_ascii=False)


def read_request(body: bytes) -> "tuple[List[str], bool]":
    """Read a request; raises ValueError with the name of the field that is wrong."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("json") from None
    texts = content.get("texts") if isinstance(content, dict) else None
    if not isinstance(texts, list) or len(texts) > MOST_TEXTS:
        raise ValueError("texts")
    if not all(isinstance(text, str) and len(text) <= MAX_CHARACTERS for text in texts):
        raise ValueError("texts")
    return texts, content.get("names") is True


async def _answer(agent: Agent, texts: List[str], names: bool) -> Dict[str, Any]:
    found = []
    for text in texts:
        found.append(_understood(agent, text))
        await asyncio.sleep(0)  # a customer's turn may come in between
    if names:
        for each, text in zip(found, texts, strict=True):
            each["names"] = await asyncio.get_running_loop().run_in_executor(None, names_in, text)
    return {"model": agent.processor.model_filename, "texts": found}


def _understood(agent: Agent, text: str) -> Dict[str, Any]:
    processor = agent.processor
    target = last_node_before_payloads(processor.model_metadata)
    inputs = {
        PLACEHOLDER_MESSAGE: [typed_message(text)],
        PLACEHOLDER_TRACKER: DialogueStateTracker.from_events("inspect", []),
    }
    parsed = processor.graph_runner.run(inputs=inputs, targets=[target])[target][0]
    return {
        "intent": parsed.get("intent"),
        "ranking": parsed.get("intent_ranking") or [],
        "entities": parsed.get("entities") or [],
        "tokens": [_token(token) for token in tokens_in(parsed)],
    }


def _token(token: Any) -> Dict[str, Any]:
    return {
        "text": token.text,
        "start": token.start,
        "end": token.end,
        "pos": token.data[POS],
        "tag": token.data[TAG],
        "norm": token.data[NORM],
        "reading": token.data[READING],
    }


def names_in(text: str) -> List[Dict[str, Any]]:
    """Return the persons and places of a text; the offsets point into what was typed."""
    normalized = normalize(text)
    with _one_at_a_time:
        doc = _recogniser()(normalized.text)
    found = []
    for span in doc.ents:
        kind = "person" if span.label_ in _PERSONS else "place" if span.label_ in _PLACES else None
        if kind is not None:
            start, end = normalized.span(span.start_char, span.end_char)
            found.append({"start": start, "end": end, "kind": kind})
    return found


@lru_cache(maxsize=1)
def _recogniser() -> Language:
    return spacy.load("ja_ginza", exclude=_UNNEEDED)
