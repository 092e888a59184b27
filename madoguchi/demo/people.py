"""The people of the demo shop, all invented: customers by Faker, and marketplace sellers."""

from __future__ import annotations

from faker import Faker

from madoguchi.demo.rows import Rows
from madoguchi.store import Customer, Seller

_DOMAINS = ("example.jp", "mail.example.jp", "post.example.jp")
_TRADES = {
    "カメラ": ("camera",),
    "デジタル館": ("appliance", "camera"),
    "アパレル": ("clothing",),
    "靴店": ("shoes",),
    "青果": ("food",),
    "古書店": ("book",),
    "くらし堂": ("furniture",),
    "商店": ("food", "clothing"),
    "でんき": ("appliance",),
    "工芸": ("furniture", "shoes"),
}
"""What a seller is called by its trade, and the categories of the catalogue it sells."""
_PLACES = ("みなと", "さくら通り", "北三条", "あおい坂", "石畳", "白川", "ひばりが丘", "七福", "若葉", "海風")


def customers(rows: Rows, count: int, *, first: int, seed: int) -> list[Customer]:
    """Write so many customers, their references counted up from `first` (c-0001 ...)."""
    fake = Faker("ja_JP")
    fake.seed_instance(seed)
    return [_customer(rows, fake, number) for number in range(first, first + count)]


def named(rows: Rows, reference: str, name: str, kana: str, mail: str, phone: str) -> Customer:
    """Write one customer we name ourselves; `mail` is the part before the @."""
    return rows.add(
        Customer(reference=reference, name=name, kana=kana, email=f"{mail}@example.jp", phone=phone, erased_at=None)
    )


def sellers(rows: Rows, count: int) -> list[Seller]:
    """Write so many marketplace sellers, up to a hundred of different names."""
    made, trades = [], list(_TRADES)
    for number in range(count):
        trade, place = trades[number % len(trades)], _PLACES[(number * 3 + number // len(trades)) % len(_PLACES)]
        made.append(rows.add(Seller(name=f"{place}{trade}", email=f"seller{number + 1:02}@example.jp")))
    return made


def sells(seller: Seller, category: str) -> bool:
    """Return whether a seller's trade is in this category."""
    return any(seller.name.endswith(trade) and category in categories for trade, categories in _TRADES.items())


def _customer(rows: Rows, fake: Faker, number: int) -> Customer:
    family, given = fake.last_name_pair(), fake.first_name_pair()
    domain = _DOMAINS[number % len(_DOMAINS)]
    return rows.add(
        Customer(
            reference=f"c-{number:04}",
            name=f"{family[0]} {given[0]}",
            kana=f"{family[1]} {given[1]}",
            email=f"{given[2]}.{family[2]}{number}@{domain}".lower(),
            phone=f"+81{fake.random_element(('70', '80', '90'))}{fake.random_int(10_000_000, 99_999_999)}",
            erased_at=None,
        )
    )
