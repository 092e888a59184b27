"""The web program: `uvicorn --factory madoguchi.web.app:build`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from madoguchi.bootstrap import Settings, build_desk, configure_log, loaded
from madoguchi.rasa import Engine
from madoguchi.services.desk import Desk
from madoguchi.web import chat, health, metrics, webhooks, window
from madoguchi.web.context import Services, Web
from madoguchi.web.desk import routes as desk_pages
from madoguchi.web.limits import Limits
from madoguchi.web.live import Live
from madoguchi.web.metrics import Metrics
from madoguchi.web.pages import build_pages
from madoguchi.web.problems import Problem, answer_http_exception, answer_problem
from madoguchi.web.security import BodyCap, Door, SameSite
from madoguchi.web.sentences import load_sentences
from madoguchi.web.trainers import routes as trainers_pages
from madoguchi.web.turns import Turns

STATIC = Path(__file__).parent / "static"


def build() -> Starlette:
    """Build the program from the environment."""
    # A thread at work on the store must not keep the event loop waiting for Python's usual 5 ms.
    sys.setswitchinterval(0.001)
    settings = Settings()
    configure_log()
    built = assemble(settings, build_desk(settings), Engine(settings.engine_url, settings.secret_for("engine")))
    loaded()
    return built


def assemble(settings: Settings, desk: Desk, engine: Engine) -> Starlette:
    """Put the program together from its parts. Raises ValueError for an origin that names no one site."""
    origins = _exact(settings.shop_origins)
    counters = Metrics()
    app = Starlette(
        routes=_routes(settings),
        middleware=[
            Middleware(Door, https=settings.web_url.startswith("https://"), seen=counters.request),
            Middleware(SameSite, shop_origins=frozenset(origins)),
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=("GET", "POST", "DELETE"),
                allow_headers=("Content-Type", "Last-Event-ID"),
                allow_credentials=True,
            ),
            Middleware(BodyCap, larger=window.LARGER_BODIES),
        ],
        exception_handlers={Problem: answer_problem, HTTPException: answer_http_exception},
        lifespan=_lifespan,
    )
    services = Services(desk)
    sentences = load_sentences()
    app.state.web = Web(settings, services, engine, sentences, build_pages())
    app.state.metrics = counters
    app.state.limits = Limits()
    app.state.live = Live(services)
    app.state.turns = Turns(services, engine, app.state.live, sentences, counters)
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    turns: Turns = app.state.turns
    live: Live = app.state.live
    web: Web = app.state.web
    always = [asyncio.create_task(turns.sweep_forever()), asyncio.create_task(live.look_forever())]
    try:
        yield
    finally:
        for task in always:
            task.cancel()
        await asyncio.gather(*always, return_exceptions=True)
        await turns.stop()
        await web.engine.close()
        web.services.close()


def _routes(settings: Settings) -> list[BaseRoute]:
    routes: list[BaseRoute] = [*health.routes, *metrics.routes, *chat.routes, *window.routes, *webhooks.routes]
    routes += [Mount("/static", StaticFiles(directory=STATIC))]
    routes += [Mount("/desk", routes=[*trainers_pages.routes(), *desk_pages.routes])]
    if settings.demo:
        from madoguchi.web import shop  # the demo's pages and data are loaded only where they are shown

        routes.extend(shop.routes)
    return routes


def _exact(origins: list[str]) -> list[str]:
    for origin in origins:
        if "*" in origin or not origin.startswith(("https://", "http://")) or origin.count("/") != 2:
            raise ValueError(f"{origin!r} in MADOGUCHI_SHOP_ORIGINS is no origin like https://shop.example.jp")
    return origins
