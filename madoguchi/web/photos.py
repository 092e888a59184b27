"""Photos up from the window and back to it: a session is needed for both, and nobody gets another's."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from madoguchi.services import photos
from madoguchi.services.photos import NotTaken
from madoguchi.services.talk import Refusal
from madoguchi.store import Photo
from madoguchi.web.asking import limit, live_of, visit_of
from madoguchi.web.chat import UUID, shown
from madoguchi.web.context import web_of
from madoguchi.web.limits import PHOTOS
from madoguchi.web.problems import Problem

PATH = "/chat/photos"


async def post_photo(request: Request) -> Response:
    """POST /chat/photos?id=: keep the photo in the body as a message under its client-made id."""
    web, visit = web_of(request), await visit_of(request)
    limit(request, PHOTOS, "photos", visit.conversation_id)
    client_id = request.query_params.get("id", "")
    if not UUID.fullmatch(client_id):
        raise Problem("bad_id")
    raw, thanks = await request.body(), web.sentences.photo_received
    kept = await web.services.run(photos.take, web.desk, visit.conversation_id, client_id, raw, thanks)
    if isinstance(kept, Refusal | NotTaken):
        raise Problem(kept.value)
    live_of(request).announce(visit.conversation_id)
    return JSONResponse({"id": client_id, "message": shown(kept.message)}, status_code=202)


async def get_photo(request: Request) -> Response:
    """GET /chat/photos/{id}: one of the customer's own photos."""
    web, visit = web_of(request), await visit_of(request)
    found = await web.services.run(photos.read_own, web.desk, visit.conversation_id, request.path_params["id"])
    if found is None:
        raise Problem("not_found")
    return answer(found)


def answer(photo: Photo) -> Response:
    """Return a photo as an answer that a browser shows in a page at the most, and never runs or opens as a page."""
    headers = {
        "Content-Disposition": f'attachment; filename="photo-{photo.id[:8]}.jpg"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600, immutable",
    }
    return Response(photo.content, media_type="image/jpeg", headers=headers)


routes = [Route(PATH, post_photo, methods=["POST"]), Route(f"{PATH}/{{id}}", get_photo, methods=["GET"])]
