"""Changes to Rasa 3.6, a frozen release, made when the channel is loaded; each keeps what Rasa answers.

- `RemoteAction._validate_action_result` let jsonschema check the schema itself on every call, and then walk through
  every event with it. What is asked of an answer can be looked at directly.
- An action was sent the whole domain, 108 KB, and every event of the session with all that was understood of each
  message. It is told what the desk's actions read: slots, form, newest message, and of the events kind, text and name.
- `Event.resolve_by_type` walked all subclasses of Event for each stored event. Which class bears a type name does not
  change while a server runs.
- `DaskGraphRunner.run` planned the same graph anew for each message and each prediction, with a thread's machinery for
  steps that run one after the other anyhow. The order is worked out once and the steps are called in it.
- `EndpointConfig.session` opened a connection for each action. One is kept as long as the server does.
- Every prediction plays the session again on a copy of the tracker, and each of its slots was copied by way of what
  `copy` does for objects it knows nothing of. A slot is its attributes.
- An action had 300 s, and a turn's lock 60: a slow action let a second turn in beside the first. It now has less than
  the web program waits for a turn.
- A form asked the actions about every message, also about words in between that no form takes. These it now leaves to
  the rules at once; and where the action that answered them has let the form go on, it is not asked to once more.
- A failed action was logged and forgotten: the customer got silence. `RemoteAction.run` now also notes the failure
  where the channel can see it, and raises as before.
"""

from __future__ import annotations

import asyncio
import functools
import time
from contextvars import ContextVar
from graphlib import TopologicalSorter
from typing import Any, Dict, List, Optional, Tuple, Type

import aiohttp
import rasa
import rasa.core.actions.action
from jsonschema import ValidationError
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.actions.forms import FormAction
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SlotSet, UserUttered
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from engine.asides import ASIDES

KEPT_ALIVE_S = 2.0
"""Seconds an idle connection to the actions is kept; their server lets go after five."""
RESUMED, OVER = "resumed", "over"
"""The slot in which an action leaves what the form waits for behind it, and its value where the form is over."""
ACTION_DEADLINE_S = 4.9
"""Seconds after which an action has failed: far below the lock of a turn (60), and in time for the web to apologize."""

# The names of the actions that failed in the turn that runs in this context.
failed_actions: ContextVar[Optional[List[str]]] = ContextVar("failed_actions", default=None)
# Seconds by stage of the turn that runs in this context.
stages: ContextVar[Optional[Dict[str, float]]] = ContextVar("stages", default=None)


def apply() -> None:
    """Apply the changes; a second call changes nothing."""
    if getattr(RemoteAction, "_madoguchi_patched", False):
        return
    RemoteAction._validate_action_result = _looks_right
    RemoteAction._action_call_format = _lean_call
    FormAction._validate_if_required = _validate_if_needed
    RemoteAction.run = _noting_failures(RemoteAction.run)
    Event.resolve_by_type = staticmethod(_cached_resolution(Event.resolve_by_type))
    rasa.core.actions.action.DEFAULT_REQUEST_TIMEOUT = ACTION_DEADLINE_S
    DaskGraphRunner.run = _run_in_order
    EndpointConfig.session = _kept_session
    Slot.__copy__ = _copied_slot
    RemoteAction._madoguchi_patched = True


def spend(stage: str, seconds: float) -> None:
    """Add to what a stage of this context's turn has taken."""
    spent = stages.get()
    if spent is not None:
        spent[stage] = spent.get(stage, 0.0) + seconds


def _looks_right(self: RemoteAction, result: Any) -> bool:
    """Whether an answer has the form Rasa asks for; jsonschema's ValidationError where it has not."""
    events = result.get("events", []) if isinstance(result, dict) else None
    responses = result.get("responses", []) if isinstance(result, dict) else None
    for each in (events, responses):
        if not isinstance(each, list) or not all(isinstance(item, dict) for item in each):
            raise ValidationError(f"The answer of the action {self.name()} is not of the form that is asked for.")
    if not all(isinstance(event.get("event"), str) for event in events or ()):
        raise ValidationError(f"An event of the action {self.name()} has no name.")
    return True


def _lean_call(self: RemoteAction, tracker: DialogueStateTracker, domain: Domain) -> Dict[str, Any]:
    """Return what is sent to the action."""
    told = [_told(event) for event in tracker.events if isinstance(event, (UserUttered, BotUttered, ActionExecuted))]
    return {
        "next_action": self._name,
        "sender_id": tracker.sender_id,
        "tracker": {**tracker.current_state(), "events": told},
        "version": rasa.__version__,
    }


def _told(event: Event) -> Dict[str, Any]:
    if isinstance(event, ActionExecuted):
        return {"event": event.type_name, "name": event.action_name}
    return {"event": event.type_name, "text": event.text}


async def _validate_if_needed(
    self: FormAction, tracker: DialogueStateTracker, domain: Domain, *others: Any
) -> List[Event]:
    """Ask the actions about a message, unless no form takes it; and how to go on, unless they have said so already."""
    answering = tracker.latest_action_name == ACTION_LISTEN_NAME and not tracker.is_active_loop_interrupted
    mine = tracker.active_loop_name == self.name()
    if mine and answering and tracker.latest_message and tracker.latest_message.intent_name in ASIDES:
        raise ActionExecutionRejection(self.name(), "No form takes this intent.")
    if not tracker.active_loop or answering:
        return await self.validate(tracker, domain, *others)
    resumed = tracker.get_slot(RESUMED)
    if mine and resumed:
        return [SlotSet(RESUMED, None), SlotSet(REQUESTED_SLOT, None if resumed == OVER else resumed)]
    return await self.validate_slots({}, tracker, domain, *others)


def _run_in_order(
    self: DaskGraphRunner, inputs: Optional[Dict[str, Any]] = None, targets: Optional[List[str]] = None
) -> Dict[str, Any]:
    """Run the nodes that the targets need, each after those it needs itself."""
    wanted = tuple(targets or self._graph_schema.target_names)
    done = {name: (name, value) for name, value in (inputs or {}).items()}
    try:
        for name, needs in _order(self, wanted):
            done[name] = self._instantiated_nodes[name](*(done.get(need, need) for need in needs))
    except RuntimeError as error:
        raise GraphRunError("Error running runner.") from error
    return dict(done[name] for name in wanted)


def _order(runner: DaskGraphRunner, wanted: Tuple[str, ...]) -> List[Tuple[str, Tuple[str, ...]]]:
    orders = runner.__dict__.setdefault("_madoguchi_orders", {})
    if wanted not in orders:
        nodes = runner._graph_schema.minimal_graph_schema(list(wanted)).nodes
        needs = {name: tuple(node.needs.values()) for name, node in nodes.items()}
        graph = {name: [need for need in each if need in nodes] for name, each in needs.items()}
        orders[wanted] = [(name, needs[name]) for name in TopologicalSorter(graph).static_order()]
    return orders[wanted]


class _Kept:
    """A session that is not closed behind a request."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def __aenter__(self) -> aiohttp.ClientSession:
        return self._session

    async def __aexit__(self, *_failure: Any) -> None:
        """Leave it open for the next request."""


def _kept_session(self: EndpointConfig) -> _Kept:
    """Return the endpoint's session of the running loop; an idle connection is let go before the server does so."""
    loop = asyncio.get_running_loop()
    kept = self.__dict__.get("_madoguchi_session")
    if kept is None or kept[0] is not loop:
        connector = aiohttp.TCPConnector(keepalive_timeout=KEPT_ALIVE_S, limit=0)
        timeout = aiohttp.ClientTimeout(total=ACTION_DEADLINE_S)
        kept = (loop, aiohttp.ClientSession(headers=self.headers, connector=connector, timeout=timeout))
        self._madoguchi_session = kept
    return _Kept(kept[1])


def _copied_slot(self: Slot) -> Slot:
    copied = object.__new__(type(self))
    copied.__dict__.update(self.__dict__)
    return copied


def _noting_failures(run: Any) -> Any:
    @functools.wraps(run)
    async def run_and_note(self: RemoteAction, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return await run(self, *args, **kwargs)
        except ActionExecutionRejection:
            raise  # A form that declines its turn; the conversation goes on.
        except Exception:
            noted = failed_actions.get()
            if noted is not None:
                noted.append(self.name())
            raise
        finally:
            spend("actions", time.perf_counter() - began)

    return run_and_note


def _cached_resolution(resolve: Any) -> Any:
    known: Dict[str, Type[Event]] = {}

    def resolve_by_type(type_name: str, default: Optional[Type[Event]] = None) -> Optional[Type[Event]]:
        if type_name not in known:
            found = resolve(type_name, default)
            if found is None or found is default:
                return found
            known[type_name] = found
        return known[type_name]

    return resolve_by_type
