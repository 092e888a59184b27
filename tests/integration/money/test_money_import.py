"""A shop's own orders come in whole, once, and what cannot come in is said by line and reason."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from money_shop import Shop, violations

from madoguchi.services import importing, resolve
from madoguchi.services.importing import Refused, Report
from madoguchi.services.wishes import Tell, Wish


def order(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "number": f"250-0000000-{number:07}",
        "customer": {"reference": f"c{number % 3}", "name": "山田", "email": "a@example.jp", "phone": "+819000000001"},
        "state": "delivered",
        "placed_at": "2026-06-01T10:00:00+09:00",
        "shipped_at": "2026-06-02T10:00:00+09:00",
        "delivered_at": "2026-06-03T10:00:00+09:00",
        "shipping_fee": 500,
        "lines": [{"sku": f"s{number % 5}", "title": "加湿器", "unit_price": 1_000, "quantity": 2}],
        "payments": [{"reference": f"p{number}", "method": "card", "amount": 2_500, "account": f"card:c{number % 3}"}],
        **changes,
    }


def write(folder: Path, *orders: Any) -> Path:
    path = folder / "orders.jsonl"
    lines = (each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in orders)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(shop: Shop, path: Path) -> tuple[Report, list[Refused]]:
    refused: list[Refused] = []
    return importing.load(shop.store, path, on_refused=refused.append), refused


def test_orders_come_in_and_can_be_returned(shop: Shop, tmp_path: Path) -> None:
    report, refused = load(shop, write(tmp_path, *(order(number) for number in range(2_500))))

    assert (report, refused) == (Report(taken=2_500), [])
    assert shop.value("SELECT COUNT(*) FROM customers") == 3
    assert shop.value("SELECT COUNT(*) FROM variants") == 5
    assert shop.value("SELECT SUM(captured) FROM payments") == 2_500 * 2_500
    assert violations(shop) == []


def test_a_broken_import_goes_on_where_it_stopped(shop: Shop, tmp_path: Path) -> None:
    orders = [order(number) for number in range(1_500)]
    load(shop, write(tmp_path, *orders[:1_100]))

    report, refused = load(shop, write(tmp_path, *orders))

    assert (report.taken, report.there, refused) == (400, 1_100, [])
    assert shop.value("SELECT COUNT(*) FROM order_lines") == 1_500


REFUSED: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "this is not readable"),
    "no object": ("[1]", "an order is an object, not list"),
    "an unknown key": (order(1, colour="red"), "colour: Extra inputs"),
    "no lines": (order(1, lines=[]), "lines: "),
    "a wrong sum": (order(1, shipping_fee=501), "the payments come to 2500, lines, postage and discount to 2501"),
    "a negative price": (order(1, lines=[{"sku": "a", "title": "a", "unit_price": -1}]), "lines.0.unit_price"),
    "a fraction of a yen": (order(1, shipping_fee=0.5), "shipping_fee"),
    "no time zone": (order(1, placed_at="2026-06-01T10:00:00"), "placed_at"),
    "an unknown state": (order(1, state="lost"), "state"),
    "delivered, nobody knows when": (order(1, delivered_at=None), "a delivered order needs delivered_at"),
    "a cancellation under way": (order(1, state="cancel_requested"), "in the middle of it"),
    "canceled, refunded or not": (order(1, state="canceled"), "must say what was refunded"),
    "an account of somebody else": (
        order(1, payments=[{"reference": "x", "method": "card", "amount": 2_500, "account": "card:c0"}]),
        "another customer's",
    ),
    "a payment used before": (
        order(1, payments=[{"reference": "p0", "method": "card", "amount": 2_500}]),
        "a reference is used twice",
    ),
    "the same number again": (order(0, payments=[{"reference": "y", "method": "card", "amount": 2_500}]), "twice"),
}


@pytest.mark.parametrize(("row", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_row_that_cannot_come_in_is_named_and_holds_nothing_up(
    shop: Shop, tmp_path: Path, row: Any, reason: str
) -> None:
    report, refused = load(shop, write(tmp_path, order(0), row, order(2)))

    assert (report.taken, report.refused) == (2, 1)
    assert refused[0].line == 2
    assert reason in refused[0].reason


def test_what_was_refunded_before_is_never_refunded_again(shop: Shop, tmp_path: Path) -> None:
    paid = [{"reference": "p0", "method": "card", "amount": 2_500, "refunded": 2_500, "account": "card:c0"}]
    load(shop, write(tmp_path, order(0, state="canceled", payments=paid)))
    with shop.store.writing() as session:
        from madoguchi.store import Conversation

        customer = shop.value("SELECT id FROM customers")
        session.add(Conversation(id="t", customer_id=customer, opened_at=shop.clock.now, last_at=shop.clock.now))

    answer = resolve.consider(shop.desk, "t", Wish(kind="refund_again", order_number="250-0000000-0000000"))

    assert isinstance(answer, Tell)
    assert answer.reply == "declined_already_canceled_and_refunded"
    assert violations(shop) == []


def test_a_table_with_a_row_a_line(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    head = ["number", "state", "placed_at", "customer_reference", "customer_name", "customer_email", "sku", "title",
            "unit_price", "quantity", "payment_method", "shipping_fee"]  # fmt: skip
    first = ["1", "placed", "2026-06-01T10:00:00+09:00", "c", "山田", "a@example.jp"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(head)
        table.writerow([*first, "a", "加湿器", "1000", "2", "card", "500"])
        table.writerow([*first, "b", "本、\n改行つき", "300", "", "card", "500"])
        table.writerow(["2", *first[1:], "a", "加湿器", "x", "1", "card", "0"])

    report, refused = load(shop, path)

    assert (report.taken, report.refused) == (1, 1)
    assert refused[0].reason == "this is not readable"
    assert shop.rows("SELECT title, unit_price, quantity FROM order_lines ORDER BY id") == [
        ("加湿器", 1_000, 2),
        ("本、\n改行つき", 300, 1),
    ]
    assert shop.value("SELECT captured FROM payments") == 2_800
