"""The score from 0 to 10 that a customer gives when a case is over."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.services import scores
from madoguchi.web.asking import json_of, limit, live_of, visit_of
from madoguchi.web.context import web_of
from madoguchi.web.limits import MESSAGES
from madoguchi.web.problems import Problem


async def post_score(request: Request) -> Response:
    """POST /chat/scores: record the score of a case that is over, once."""
    web, visit = web_of(request), await visit_of(request)
    limit(request, MESSAGES, "messages", visit.conversation_id)
    body = await json_of(request)
    case, value, words = body.get("case"), body.get("value"), body.get("words")
    if not isinstance(case, str) or type(value) is not int or not 0 <= value <= 10:
        raise Problem("bad_score")
    if words is not None and (not isinstance(words, str) or len(words) > scores.LONGEST_WORDS or "\x00" in words):
        raise Problem("bad_score")
    if not await web.services.run(scores.record, web.desk, visit.conversation_id, case, value, words or None):
        raise Problem("no_score_due")
    live_of(request).announce(visit.conversation_id)
    return Response(status_code=204)


routes = [Route("/chat/scores", post_score, methods=["POST"])]
