"""/healthz says that the program runs, /readyz that it can serve: the store and the engine answer."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from madoguchi.services.desk import Desk
from madoguchi.web.context import web_of


async def healthz(_request: Request) -> Response:
    """Say that the program runs."""
    return PlainTextResponse("ok")


async def readyz(request: Request) -> Response:
    """Say what can be reached; 503 where anything is missing."""
    web = web_of(request)
    checks = {
        "store": await web.services.run(_store_answers, web.desk),
        "engine": await web.engine.healthy(),
    }
    return JSONResponse(checks, status_code=200 if all(checks.values()) else 503)


def _store_answers(desk: Desk) -> bool:
    try:
        with desk.store.reading() as session:
            session.execute(text("SELECT 1 FROM conversations LIMIT 1"))
    except SQLAlchemyError:
        return False
    return True


routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
