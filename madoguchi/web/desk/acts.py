"""Acting from a conversation: choose, look at the plan, do it; and the second person's word where one is needed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.vocabulary import Condition, InspectionResult, RefundMethod, SellerAnswer
from madoguchi.services import acting, agents, inbox, offering, timeline
from madoguchi.services.acting import Changed, Performed, Preview, Waiting
from madoguchi.services.agents import May, Person
from madoguchi.services.planning import Act
from madoguchi.services.timeline import Talk
from madoguchi.web.context import web_of
from madoguchi.web.desk.doors import Door, fields, lists, missing, number
from madoguchi.web.desk.live import live_of
from madoguchi.web.desk.rendering import show

_ACT: TypeAdapter[Act] = TypeAdapter(Act)


async def act_form(request: Request, _person: Person) -> Response:
    """GET /desk/c/{id}/act?order=&kind=: the fields that this act needs."""
    web, query = web_of(request), request.query_params
    talk = await web.services.run(timeline.read, web.desk, request.path_params["id"])
    values = None if talk is None else _form(talk, query)
    return missing(request) if values is None else show(request, "_act.html", values)


async def act_preview(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/act/preview: what would be done."""
    web, name = web_of(request), request.path_params["id"]
    given = await lists(request)
    act = _entered(given)
    shown = await web.services.run(acting.preview, web.desk, person, name, act)
    talk = await web.services.run(timeline.read, web.desk, name)
    form = None if talk is None else _form(talk, {key: values[-1] for key, values in given.items()})
    if form is None:
        return missing(request)
    return show(request, "_plan.html", form | _plan(shown, act))


async def act_do(request: Request, person: Person) -> Response:
    """POST /desk/c/{id}/act: do exactly what was shown."""
    web, given, name = web_of(request), await fields(request), request.path_params["id"]
    try:
        act = _ACT.validate_json(given.get("act", ""))
    except ValidationError:
        return missing(request)
    key, print_ = given.get("key", "")[:64], given.get("fingerprint", "")[:64]
    done = await web.services.run(acting.do, web.desk, person, name, f"desk-{key}"[:64], act, print_)
    live_of(request).announce()
    refused = not isinstance(done, Performed | Waiting)
    values = {"id": name, "done": done, "act": act, "kind_of": type(done).__name__}
    if isinstance(done, Changed):
        values |= _plan(done.after, act)
    return show(request, "_done.html", values, status=409 if refused else 200)


async def approvals_page(request: Request, person: Person) -> Response:
    """GET /desk/approvals: what waits for a second person."""
    return await _approvals(request, person)


async def approve(request: Request, person: Person) -> Response:
    """POST /desk/approvals/{approval}: agree, or don't."""
    web, given = web_of(request), await fields(request)
    agree = given.get("agree") == "1"
    done = await web.services.run(
        acting.decide_approval,
        web.desk,
        person,
        request.path_params["approval"],
        agree=agree,
        words=given.get("words", "")[:1000],
    )
    live_of(request).announce()
    return await _approvals(request, person, done, status=200 if isinstance(done, Performed) else 409)


async def _approvals(request: Request, person: Person, done: object = None, status: int = 200) -> Response:
    web = web_of(request)
    waiting = await web.services.run(acting.waiting_approvals, web.desk)
    names = {each.id: each.name for each in await web.services.run(agents.everybody, web.desk)}
    counts = await web.services.run(inbox.counts, web.desk, person)
    values = {"waiting": waiting, "names": names, "counts": counts, "done": done, "view": None}
    return show(request, "approvals.html", values | {"kind_of": type(done).__name__}, status=status)


def _form(talk: Talk, query: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the form shows: the subject, the kinds that make sense, the fields of the chosen one."""
    order = next((each for each in talk.orders if each.number == query.get("order")), None)
    wanted = number(query.get("membership"))
    membership = next((each for each in talk.memberships if each.id == wanted), None)
    if order is None and membership is None:
        return None
    kinds = offering.for_order(order) if order is not None else offering.for_membership()
    known = [kind for group in kinds.values() for kind in group]
    kind = query.get("kind", "") if query.get("kind") in known else ""
    return {
        "id": talk.conversation.id,
        "order": order,
        "membership": membership,
        "kinds": kinds,
        "kind": kind,
        "asks": offering.asks_for(kind),
        "conditions": tuple(Condition),
        "methods": tuple(each for each in RefundMethod if each is not RefundMethod.OTHER_CARD),
        "answers": tuple(SellerAnswer),
        "results": tuple(InspectionResult),
        "given": dict(query),
    }


def _plan(shown: object, act: Act) -> dict[str, Any]:
    return {
        "shown": shown,
        "shown_kind": type(shown).__name__,
        "act": act,
        "act_json": _ACT.dump_json(act).decode(),
        "key": uuid.uuid4().hex,
        "fingerprint": shown.fingerprint if isinstance(shown, Preview) else "",
    }


def _entered(given: Mapping[str, list[str]]) -> Act:
    """Return the act that a form holds; words it does not know are left out."""
    one = {name: values[-1].strip() for name, values in given.items()}
    counts = {name: number(value) for name, value in one.items() if name.startswith("count:")}
    chosen = [line for line in given.get("line", []) if number(line) is not None]
    return Act(
        kind=one.get("kind") or "close_case",
        order_number=one.get("order") or None,
        membership_id=number(one.get("membership")),
        lines=tuple(LineQuantity(line, counts.get(f"count:{line}") or 1) for line in chosen),
        condition=Condition(one["condition"]) if one.get("condition") in set(Condition) else None,
        refund_method=RefundMethod(one["method"]) if one.get("method") in set(RefundMethod) else None,
        end_at_once={"1": True, "0": False}.get(one.get("at_once", "")),
        amount=number(one.get("amount", "").replace(",", "")),
        answer=SellerAnswer(one["answer"]) if one.get("answer") in set(SellerAnswer) else None,
        rma=one.get("rma", "").upper() or None,
        result=InspectionResult(one["result"]) if one.get("result") in set(InspectionResult) else None,
        text=one.get("text", "")[:2000],
        reason=one.get("reason", "")[:2000],
        exception=one.get("exception") == "1",
    )


doors = (
    Door("/c/{id}/act", act_form, May.ACT),
    Door("/c/{id}/act/preview", act_preview, May.ACT, "POST"),
    Door("/c/{id}/act", act_do, May.ACT, "POST"),
    Door("/approvals", approvals_page, May.APPROVE),
    Door("/approvals/{approval:int}", approve, May.APPROVE, "POST"),
)
