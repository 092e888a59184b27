"""A case's progress in words, as the window and the order history show it."""

from __future__ import annotations

from typing import Any

from madoguchi.services.progress import Progress
from madoguchi.services.steps import DONE, STOPPED
from madoguchi.web.dates import day, moment
from madoguchi.web.sentences import Sentences

AT_ONCE = "gift_balance"


def card(found: Progress, sentences: Sentences) -> dict[str, Any]:
    """Return everything a card shows, as plain JSON values."""
    words = sentences.progress
    return {
        "case": found.case,
        "title": words.kinds[found.kind],
        "article": found.article,
        "image": found.image,
        "order": found.order_number,
        "now": words.now[_now(found)],
        "over": found.over,
        "steps": [
            {"label": words.steps[step.code], "state": step.state, "at": day(step.at, sentences) if step.at else ""}
            for step in found.steps
        ],
        "rows": [{"label": words.rows[name], "value": value} for name, value in _rows(found, sentences) if value],
        "clocks": _clocks(found, sentences),
        "deadline": found.deadline.isoformat() if found.deadline else None,
        "account": found.needs_account,
        "score": found.asks_score,
    }


def _now(found: Progress) -> str:
    if found.over:
        return "over"
    if found.now.state == STOPPED:
        return STOPPED
    return "account" if found.needs_account and found.now.code == "refunded" else found.now.code


def _rows(found: Progress, sentences: Sentences) -> list[tuple[str, str]]:
    words = sentences.progress
    label = f"（{found.method_label}）" if found.method_label else ""
    waiting = found.rma is not None and found.now.code in ("sent_back", "refused_at_door")
    return [
        ("amount", f"{found.amount.amount:,}円" if found.amount.amount else ""),
        ("way", words.ways[found.method] + label if found.amount.amount else ""),
        ("account", f"****{found.account_end}" if found.account_end else ""),
        ("rma", found.rma or ""),
        ("expires", day(found.expires_at, sentences) if waiting and found.expires_at else ""),
        ("payer", words.payers[found.payer] if waiting and found.payer else ""),
        ("seller", found.seller if found.deadline else ""),
        ("deadline", moment(found.deadline, sentences) if found.deadline else ""),
        ("order", found.order_number or ""),
    ]


def _clocks(found: Progress, sentences: Sentences) -> list[dict[str, Any]]:
    """Return both clocks while the money is still to come: gift balance at once, anything else in business days."""
    if found.over or not found.amount.amount:
        return []
    words, clocks = sentences.progress.clocks, found.clocks
    sent = any(step.code == "refunded" and step.state == DONE for step in found.steps)
    ready = sent or (found.now.code == "refunded" and not found.needs_account)
    days = {"from": clocks.days_from, "to": clocks.days_to}
    dates = {"by_from": day(clocks.by_from, sentences), "by_to": day(clocks.by_to, sentences)}
    gift = {"label": words["gift"], "value": words["gift_now" if ready else "gift_before"]}
    told = words["other_now" if ready else "other_before"].format(**days, **dates)
    other = {"label": words["other"], "value": told}
    split = found.method == "split"
    return [
        {**gift, "chosen": split or found.method == AT_ONCE},
        {**other, "chosen": split or found.method != AT_ONCE},
    ]
