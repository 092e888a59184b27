"""Every route of the trainers' room, in one table; `web/app.py` puts them under /desk, before the desk's own."""

from __future__ import annotations

from starlette.routing import Route

from madoguchi.web.desk.doors import Door
from madoguchi.web.trainers import drafts, examples, health, jobs, messages, models, parting, reports, trial

DOORS: tuple[Door, ...] = (
    *messages.doors,
    *parting.doors,
    *examples.doors,
    *drafts.doors,
    *health.doors,
    *jobs.doors,
    *models.doors,
    *reports.doors,
    *trial.doors,
)


def routes() -> list[Route]:
    """Return the guarded routes; each path begins with /train."""
    return [door.route() for door in DOORS]
