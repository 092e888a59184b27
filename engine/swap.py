"""Another model for the running engine, without a lost turn.

POST /webhooks/desk/model   {"model": "NAME.tar.gz"}   signed like a turn

The file lies in models/ and nowhere else. It is loaded beside the one in service, by a thread, while turns go on;
then one assignment puts it into service. A turn that has begun ends with the model it began with. Both share the
tracker store and the locks, so that a conversation's turns stay in order over the change.

What a load leaves behind is given back: GiNZA, which every model has in common, is loaded once for all of them,
and the old model's memory is returned to the system when its last turn is over.
"""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import functools
import gc
import json
import logging
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, Callable, Optional

from rasa.core.agent import Agent
from rasa.core.tracker_store import FailSafeTrackerStore, TrackerStore
from sanic import Blueprint
from sanic import response as http
from sanic.request import Request
from sanic.response import HTTPResponse

from engine import archives

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.tar\.gz")
_FOLDER = Path("models")
# After this the last turn of the old model is over: the desk waits 5 s for a turn.
_LAST_TURN_S = 6
# So soon a turn gets the interpreter back from the loading thread.
_TURNS_FIRST_S = 0.0005


def register(blueprint: Blueprint, is_signed: Callable[[Request], bool]) -> None:
    """Add the route to the desk's channel; only signed model files are loaded from now on, this one or the first."""
    archives.guard()
    share_ginza()
    # What is here before any model never goes away; looking at it again would hold up turns for a second each time.
    gc.collect()
    gc.freeze()
    one_at_a_time = asyncio.Lock()

    @blueprint.route("/model", methods=["POST"])
    async def model(request: Request) -> HTTPResponse:
        if not is_signed(request):
            return http.json({"error": "unauthorized"}, status=401)
        archive = named(request.body, models_folder())
        if archive is None:
            return http.json({"error": "no_such_model"}, status=404)
        if one_at_a_time.locked():
            return http.json({"error": "busy"}, status=409)
        async with one_at_a_time:
            return await _swap(request.app, archive)


def named(body: bytes, folder: Path) -> Optional[Path]:
    """Return the model file that a request names; None for anything that is no plain file of the folder."""
    try:
        name = json.loads(body)["model"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    archive = folder / name
    return archive if archive.is_file() and not archive.is_symlink() else None


def models_folder() -> Path:
    """Return where the model files lie."""
    return Path(os.environ.get("MADOGUCHI_MODELS") or _FOLDER)


def beside(old: Agent, archive: Path) -> Agent:
    """Return a second agent with another model and the same store and locks.

    Raises archives.Refused for a file that must not be loaded; what Rasa says of a damaged one goes through.
    """
    agent = Agent(
        tracker_store=_bare(old.tracker_store),
        lock_store=old.lock_store,
        action_endpoint=old.action_endpoint,
    )
    agent.load_model(archive)
    return agent


def share_ginza() -> None:
    """Load each GiNZA pipeline once a process; it is never changed, and every model needs the same."""
    from engine.nlu import ginza

    if not hasattr(ginza.load_ginza, "cache_info"):
        ginza.load_ginza = functools.lru_cache(maxsize=2)(ginza.load_ginza)


async def _swap(app: Any, archive: Path) -> HTTPResponse:
    old: Optional[Agent] = getattr(app.ctx, "agent", None)
    if old is None or not old.is_ready():
        return http.json({"error": "no_model"}, status=503)
    begun, patience = time.perf_counter(), sys.getswitchinterval()
    sys.setswitchinterval(_TURNS_FIRST_S)
    try:
        new = await asyncio.get_running_loop().run_in_executor(None, beside, old, archive)
    except archives.Refused as refusal:
        logger.error("The model %s is refused: %s.", archive.name, refusal)
        return http.json({"error": str(refusal)}, status=422)
    except Exception:
        logger.exception("The model %s cannot be loaded; the old one stays.", archive.name)
        return http.json({"error": "cannot_be_loaded"}, status=422)
    finally:
        sys.setswitchinterval(patience)
    app.ctx.agent = new
    asyncio.get_running_loop().call_later(_LAST_TURN_S, give_back)
    seconds = round(time.perf_counter() - begun, 2)
    logger.info("The model %s is in service after %s s.", archive.name, seconds)
    return http.json({"model": archive.name, "before": old.processor.model_filename, "seconds": seconds})


def give_back() -> None:
    """Collect what nobody holds any more and return the memory to the system, where that can be done."""
    gc.collect()
    library = ctypes.util.find_library("c")
    trim = getattr(ctypes.CDLL(library), "malloc_trim", None) if library else None
    if trim is not None:
        trim(0)


def _bare(store: TrackerStore) -> TrackerStore:
    """Return the store without Rasa's wrapper, which would grow by a layer with every model."""
    while isinstance(store, FailSafeTrackerStore):
        store = store._tracker_store
    return store
