"""The named demo customers: each signs in with one trouble of their own, beside a believable past."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from madoguchi.demo import people
from madoguchi.demo.buying import Shop, buy, buy_digital, buy_from_seller
from madoguchi.demo.mail import send
from madoguchi.demo.marketplace import ask_to_cancel, say_sold_out
from madoguchi.demo.purchases import Item, Pay, Purchase, fund_gift
from madoguchi.demo.rows import Rows
from madoguchi.demo.subscriptions import MAIN, join, tell_joined
from madoguchi.store import Customer


@dataclass(frozen=True)
class NamedCustomer:
    """A demo customer one can sign in as; `situation` is one Japanese sentence for the demo page."""

    reference: str
    name: str
    situation: str


@dataclass(frozen=True)
class _Person:
    kana: str
    mail: str
    phone: str
    live: Callable[[Shop, Customer], None]


NAMED: tuple[NamedCustomer, ...] = (
    NamedCustomer("c-0001", "佐伯 美和子", "3日前に届いた振動マシン（9,800円）の電源が入りません。"),
    NamedCustomer("c-0002", "大友 健太", "2日前、まちがえて見放題プランに登録しました。会員（月490円）は続けます。"),
    NamedCustomer("c-0003", "三島 陽菜", "5日前に届いたハーフパンツ（Lサイズ）が小さくて入りません。"),
    NamedCustomer("c-0004", "北条 隆", "148,000円のミラーレス一眼カメラが品切れだと、出品者から連絡がありました。"),
    NamedCustomer("c-0005", "藤村 さくら", "発送前・準備中・3点まとめ買いの注文のうち、取り消したいものがあります。"),
    NamedCustomer("c-0006", "野田 誠", "取り消したはずの注文に、出品者から発送のメールが届きました。"),
    NamedCustomer("c-0007", "井上 文乃", "きのう配達済みになった荷物が見当たりません。"),
    NamedCustomer("c-0008", "秋山 千尋", "コンビニで支払った座椅子を、発送前に取り消したいと思っています。"),
)
"""Whom one can sign in as, in the order of the demo page."""


def people_first(rows: Rows) -> list[Customer]:
    """Write the named customers themselves; they are the shop's first."""
    return [
        people.named(rows, each.reference, each.name, person.kana, person.mail, person.phone)
        for each, person in zip(NAMED, _PEOPLE, strict=True)
    ]


def live(shop: Shop, customers: Sequence[Customer]) -> None:
    """Write each one's past and trouble."""
    for customer, person in zip(customers, _PEOPLE, strict=True):
        person.live(shop, customer)


def _machine(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("rice-5kg", 48), ("coffee-maker", 96), ("cookbook", 160), ("curtains", 240)))
    _bought(shop, customer, "delivered", 3, "vibration-machine")


def _by_mistake(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("comic-1", 52), ("desk-light", 130), ("tshirt-heavy", 210)))
    main = shop.catalogue.pick(MAIN)
    joined_at = shop.ago(430)
    tell_joined(shop.rows, join(shop.rows, customer, main, joined_at, main=True, used_at=shop.ago(6)))
    tell_joined(shop.rows, join(shop.rows, customer, shop.catalogue.pick("content-plan"), shop.ago(2)))


def _half_pants(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("running-shoes", 61), ("baked-sweets", 88), ("picture-book", 150), ("pillow", 230)))
    _bought(shop, customer, "delivered", 5, "half-pants", size="L")


def _camera(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("memory-card", 70), ("photo-book", 140), ("down-jacket", 290)))
    purchase = _of_seller(shop, customer, 2, "mirrorless-camera")
    say_sold_out(shop.rows, purchase, shop.now - timedelta(hours=5))


def _cancellations(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("shampoo-set", 45), ("blouse", 120), ("shoe-rack", 200)))
    _bought(shop, customer, "placed", 0, "air-purifier")
    _bought(shop, customer, "preparing", 1, "office-chair")
    three = [Item(shop.catalogue.pick(ref, size)) for ref, size in _THREE]
    buy(shop, "placed", 1, customer=customer, items=three, payments=(Pay(),), plain=True)


def _conflict(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("udon-10", 55), ("hiking-shoes", 110), ("novel-mystery", 190)))
    purchase = _of_seller(shop, customer, 5, "headphones-nc")
    asked, number, values = shop.now - timedelta(hours=30), purchase.order.number, purchase.values
    say_sold_out(shop.rows, purchase, asked - timedelta(hours=4))
    ask_to_cancel(shop.rows, purchase, asked)
    send(shop.rows, customer, "seller_canceled", asked + timedelta(hours=9), order_number=number, **values)
    send(shop.rows, customer, "seller_shipped", shop.now - timedelta(hours=3), order_number=number, **values)


def _not_there(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("sencha", 58), ("lambswool", 125), ("bookshelf", 260)))
    _bought(shop, customer, "delivered", 1, "hair-dryer")


def _convenience_store(shop: Shop, customer: Customer) -> None:
    _past(shop, customer, (("lotion", 50), ("slip-on", 115)))
    fund_gift(shop.rows, customer, 1500, shop.ago(90))
    buy_digital(shop, 75, used=True, customer=customer, article=shop.catalogue.pick("film-harbor"))
    _bought(shop, customer, "placed", 1, "floor-chair", pay="convenience_store")


def _past(shop: Shop, customer: Customer, bought: Sequence[tuple[str, int]]) -> None:
    """Write orders that went well, delivered so many days ago: all older than the return window."""
    for ref, days in bought:
        _bought(shop, customer, "delivered", days, ref)


def _of_seller(shop: Shop, customer: Customer, days: int, ref: str) -> Purchase:
    return buy_from_seller(shop, "placed", days, customer=customer, article=shop.catalogue.pick(ref))


def _bought(
    shop: Shop,
    customer: Customer,
    state: str,
    days: int,
    ref: str,
    *,
    size: str | None = None,
    pay: str = "card",
) -> Purchase:
    return buy(
        shop,
        state,
        days,
        customer=customer,
        items=[Item(shop.catalogue.pick(ref, size))],
        payments=(Pay(pay),),
        plain=True,
    )


_THREE = (("tshirt-border", "M"), ("kettle-08", None), ("map-book", None))

_PEOPLE = (
    _Person("サエキ ミワコ", "miwako.saeki", "+819012340001", _machine),
    _Person("オオトモ ケンタ", "kenta.otomo", "+819012340002", _by_mistake),
    _Person("ミシマ ハルナ", "haruna.mishima", "+819012340003", _half_pants),
    _Person("ホウジョウ タカシ", "takashi.hojo", "+819012340004", _camera),
    _Person("フジムラ サクラ", "sakura.fujimura", "+819012340005", _cancellations),
    _Person("ノダ マコト", "makoto.noda", "+819012340006", _conflict),
    _Person("イノウエ フミノ", "fumino.inoue", "+819012340007", _not_there),
    _Person("アキヤマ チヒロ", "chihiro.akiyama", "+819012340008", _convenience_store),
)
