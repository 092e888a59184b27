"""The message centre: the page of mails sent and received, with their delivery, and the sending once more."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from madoguchi.services import notices
from madoguchi.web.asking import limit, visit_of
from madoguchi.web.context import web_of
from madoguchi.web.limits import RESENDS
from madoguchi.web.pages import page
from madoguchi.web.problems import Problem

PATH = "/chat/pages/notices"


async def get_notices(request: Request) -> Response:
    """GET /chat/pages/notices: the customer's mails, newest first; ?sent= names one that was just sent again."""
    web, visit = web_of(request), await visit_of(request)
    mails = await web.services.run(notices.of_conversation, web.desk, visit.conversation_id)
    sent = request.query_params.get("sent")
    told = next((mail.subject for mail in mails if str(mail.id) == sent), None)
    return page(request, "window/notices.html", {"mails": mails, "told": told, "words": web.sentences})


async def post_resend(request: Request) -> Response:
    """POST /chat/pages/notices/{id}/resend: send one of the shop's mails again."""
    web, visit, number = web_of(request), await visit_of(request), request.path_params["id"]
    limit(request, RESENDS, "resends", visit.conversation_id)
    if number >= 2**63 or await web.services.run(notices.resend, web.desk, visit.conversation_id, number) is None:
        raise Problem("mail_unknown")
    return RedirectResponse(f"{PATH}?sent={number}", status_code=303)


routes = [
    Route(PATH, get_notices, methods=["GET"]),
    Route(f"{PATH}/{{id:int}}/resend", post_resend, methods=["POST"]),
]
