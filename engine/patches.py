"""Three changes to Rasa 3.6, a frozen release, made when the channel is loaded.

- `RemoteAction._validate_action_result` let jsonschema check the schema itself on every call, 77 % of an
  action's turn. A validator compiled once gives the same verdict in a hundredth of the time.
- `Event.resolve_by_type` walked all subclasses of Event for each stored event, which made a turn slower
  the longer the conversation was. Which class bears a type name does not change while a server runs.
- A failed action was logged and forgotten: the customer got silence. `RemoteAction.run` now also notes the
  failure where the channel can see it, and raises as before.
"""

from __future__ import annotations

import functools
import time
from contextvars import ContextVar
from typing import Any, Dict, List, Optional, Type

from jsonschema import ValidationError
from jsonschema.validators import validator_for
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.shared.core.events import Event

# The names of the actions that failed in the turn that runs in this context.
failed_actions: ContextVar[Optional[List[str]]] = ContextVar("failed_actions", default=None)
# Seconds by stage of the turn that runs in this context.
stages: ContextVar[Optional[Dict[str, float]]] = ContextVar("stages", default=None)


def apply() -> None:
    """Apply the changes; a second call changes nothing."""
    if getattr(RemoteAction, "_madoguchi_patched", False):
        return
    RemoteAction._validate_action_result = _compiled_validation()
    RemoteAction.run = _noting_failures(RemoteAction.run)
    Event.resolve_by_type = staticmethod(_cached_resolution(Event.resolve_by_type))
    RemoteAction._madoguchi_patched = True


def spend(stage: str, seconds: float) -> None:
    """Add to what a stage of this context's turn has taken."""
    spent = stages.get()
    if spent is not None:
        spent[stage] = spent.get(stage, 0.0) + seconds


def _compiled_validation() -> Any:
    schema = RemoteAction.action_response_format_spec()
    validator_class = validator_for(schema)
    validator_class.check_schema(schema)
    validator = validator_class(schema)

    def validate(self: RemoteAction, result: Dict[str, Any]) -> bool:
        error: Optional[ValidationError] = next(validator.iter_errors(result), None)
        if error is not None:
            raise error
        return True

    return validate


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
