"""One turn of a conversation: run once for each message, and told again from the tracker afterwards."""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Optional

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import BotUttered, Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from engine.clauses import understand_parts
from engine.courtesies import beyond_courtesy
from engine.patches import failed_actions, spend, stages
from engine.trackers import shorten
from engine.understanding import typed_message, understand

logger = logging.getLogger(__name__)

CHANNEL = "desk"
_PAYLOAD = re.compile(r"/(?P<intent>[A-Za-z_][A-Za-z0-9_]*)(?P<entities>\{.*\})?\Z", re.DOTALL)
_REPLY_PARTS = ("text", "buttons", "image", "attachment", "custom", "elements", "quick_replies")


@dataclass(frozen=True)
class Request:
    """What the desk asks: one message of one conversation, typed text or a button's payload."""

    conversation: str
    message: str
    text: Optional[str] = None
    payload: Optional[str] = None
    metadata: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the engine made of a message."""

    message: str
    replies: List[Dict[str, Any]]
    intent: Dict[str, Any]
    entities: List[Dict[str, Any]]
    active_loop: Optional[str]
    failed: bool
    took: Dict[str, float] = field(default_factory=dict)

    def as_json(self, model: str) -> Dict[str, Any]:
        """Return the answer as the desk reads it."""
        return {**self.__dict__, "model": model}


class SilentChannel(OutputChannel):
    """Sends nothing: the replies are read from the tracker's events, now and after a restart alike."""

    @classmethod
    def name(cls) -> str:
        """Return the name that channel-specific responses of the domain refer to."""
        return CHANNEL

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        """Do nothing."""


async def run_turn(agent: Agent, request: Request) -> Answer:
    """Run the turn of a message, or return what its turn said if it has run before.

    This is MessageProcessor.handle_message with the tracker looked at first: the search for the message
    and the turn itself share one lock, so that a message posted twice cannot run twice.
    """
    processor = agent.processor
    assert processor is not None, "the channel answers 503 while there is no model"
    _fail_closed(processor)
    failures: List[str] = []
    took: Dict[str, float] = {}
    token, began = failed_actions.set(failures), time.perf_counter()
    stages.set(took)
    try:
        async with agent.lock_store.lock(request.conversation):
            tracker = await processor.get_tracker(request.conversation)
            if not _has_run(tracker.events, request.message):
                tracker = await _advance(processor, tracker, request)
            answer = _told_again(tracker, request.message, bool(failures), took)
        _log(request, answer, time.perf_counter() - began)
        return answer
    finally:
        failed_actions.reset(token)


async def _advance(
    processor: MessageProcessor, tracker: DialogueStateTracker, request: Request
) -> DialogueStateTracker:
    message = _user_message(request)
    channel = message.output_channel
    shorten(tracker, processor.domain)
    await processor._update_tracker_session(tracker, channel, message.metadata)
    if request.payload is None:
        began = time.perf_counter()
        runner, metadata = processor.graph_runner, processor.model_metadata
        message.parse_data = understand(message, runner, metadata, tracker)
        message.parse_data["parts"] = understand_parts(message, runner, metadata)
        beyond_courtesy(message.parse_data, message.parse_data["parts"])
        spend("understand", time.perf_counter() - began)
    await processor._handle_message_with_tracker(message, tracker)
    tracker = await processor.run_action_extract_slots(channel, tracker)
    await processor._run_prediction_loop(channel, tracker)
    await processor.run_anonymization_pipeline(tracker)
    await processor.save_tracker(tracker)
    return tracker


def _user_message(request: Request) -> UserMessage:
    return typed_message(
        request.text if request.payload is None else request.payload,
        request.metadata,
        output_channel=SilentChannel(),
        sender_id=request.conversation,
        input_channel=CHANNEL,
        message_id=request.message,
    )


def is_payload(text: str, intents: Iterable[str]) -> bool:
    """Say whether a text is a button's payload for one of the intents, and nothing else."""
    match = _PAYLOAD.match(text)
    return bool(match) and match.group("intent") in intents


def _fail_closed(processor: MessageProcessor) -> None:
    """Take away Rasa's fallback to memory.

    With its database gone, Rasa goes on in memory, forgets what was said, and has the old state back
    afterwards. A turn that cannot be saved must fail instead, and be posted again by the desk.
    """
    if isinstance(processor.tracker_store, FailSafeTrackerStore):
        processor.tracker_store = processor.tracker_store._tracker_store


def _has_run(events: Iterable[Event], message_id: str) -> bool:
    return any(isinstance(event, UserUttered) and event.message_id == message_id for event in events)


def _told_again(tracker: DialogueStateTracker, message_id: str, failed: bool, took: Dict[str, float]) -> Answer:
    """Read the answer to a message from the tracker's events."""
    events = list(tracker.events)
    start = next(
        i for i, event in enumerate(events) if isinstance(event, UserUttered) and event.message_id == message_id
    )
    told: List[Event] = []
    for event in events[start + 1 :]:
        if isinstance(event, UserUttered) and event.message_id:
            break
        told.append(event)
    uttered: UserUttered = events[start]
    replies = [_reply(event) for event in told if isinstance(event, BotUttered)]
    return Answer(
        message=message_id,
        replies=replies,
        intent={key: uttered.intent.get(key) for key in ("name", "confidence")},
        entities=list(uttered.entities),
        active_loop=tracker.active_loop_name,
        # A turn that does not end by listening was cut off, by Rasa's own limit or by a crash.
        failed=failed or tracker.latest_action_name != ACTION_LISTEN_NAME,
        took=took,
    )


def _log(request: Request, answer: Answer, seconds: float) -> None:
    """Write one line of JSON about the turn, under the name it has in every program's log, without any words."""
    line = {
        "event": "turn_run",
        "turn": str(request.metadata.get("turn", ""))[:64],
        "conversation": request.conversation,
        "message": request.message,
        "intent": answer.intent.get("name"),
        "failed": answer.failed,
        "replies": len(answer.replies),
        "ms": round(seconds * 1000, 1),
    }
    logger.info(json.dumps(line))


def _reply(event: BotUttered) -> Dict[str, Any]:
    message = event.message()
    return {part: message[part] for part in _REPLY_PARTS if message.get(part)}
