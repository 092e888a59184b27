"""The route table of the whole program, read from the program: a new page is attacked from its first day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from starlette.routing import BaseRoute, Mount, Route

from madoguchi.rasa import Engine
from madoguchi.web.app import assemble
from tests.web.conftest import Site

_HOLE = re.compile(r"\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True)
class Address:
    """One method of one route; `path` has holes like {id}."""

    method: str
    path: str

    def filled(self, values: dict[str, object]) -> str:
        """Return the path with its holes filled; a hole that `values` does not know gets a 1."""
        return _HOLE.sub(lambda hole: str(values.get(hole[1], 1)), self.path)

    @property
    def holes(self) -> list[str]:
        """The names of the holes."""
        return [name for name, _ in _HOLE.findall(self.path)]

    @property
    def streams(self) -> bool:
        """Whether the answer does not end by itself."""
        return self.method == "GET" and self.path.endswith("/events")


def addresses(site: Site) -> list[Address]:
    """Return every method of every route."""
    app = assemble(site.settings, site.desk, Engine("http://engine", "a-secret-of-the-tests"))
    return sorted(set(_of(app.routes, "")), key=lambda address: (address.path, address.method))


def _of(routes: Iterable[BaseRoute], before: str) -> Iterator[Address]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _of(route.routes or (), before + route.path)
        elif isinstance(route, Route):
            for method in (route.methods or set()) - {"HEAD"}:
                yield Address(method, before + route.path)
