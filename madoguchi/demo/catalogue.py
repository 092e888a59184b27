"""The demo shop's catalogue: read from data/demo/catalogue.yml, turned into products and variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from madoguchi.demo.files import read
from madoguchi.demo.rows import Rows
from madoguchi.store import Product, Variant


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Listed(_Section):
    """One product as the catalogue's file names it; prices in yen, stock in pieces."""

    ref: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    words: tuple[str, ...] = ()
    price: int = Field(gt=0)
    image: str
    stock: int = 20
    sizes: dict[str, int] = Field(default_factory=dict)
    color: str | None = None
    marketplace: bool = False
    final_sale: bool = False


class Category(_Section):
    """One category of the catalogue."""

    name: str
    kind: Literal["article", "digital", "membership"] = "article"
    final_sale: bool = False
    products: tuple[Listed, ...]


class CatalogueFile(_Section):
    """The whole file."""

    categories: dict[str, Category]


@dataclass(frozen=True)
class Article:
    """One orderable thing: a product in one of its forms."""

    product: Product
    variant: Variant
    marketplace: bool = False


@dataclass(frozen=True)
class Catalogue:
    """The products as rows, by reference, each with its variants in the file's order."""

    articles: Mapping[str, Sequence[Article]]
    _fitting: dict[tuple[str, tuple[str, ...], bool, bool], list[Article]] = field(default_factory=dict)

    def pick(self, ref: str, size: str | None = None) -> Article:
        """Return one form of a product: the size named, else the first; KeyError where there is none."""
        for article in self.articles[ref]:
            if size is None or article.variant.size == size:
                return article
        raise KeyError(f"{ref} in size {size}")

    def some(
        self,
        rng: Random,
        *,
        kind: str = "article",
        categories: Sequence[str] = (),
        seller: bool = False,
        final_sale: bool = False,
    ) -> Article:
        """Return any article that fits; categories: any of these, or any at all. IndexError where none does."""
        wanted = (kind, tuple(categories), seller, final_sale)
        if wanted not in self._fitting:
            self._fitting[wanted] = [
                article
                for forms in self.articles.values()
                for article in forms
                if (article.product.kind, article.marketplace, article.product.final_sale) == (kind, seller, final_sale)
                and (not categories or article.product.category in categories)
            ]
        return rng.choice(self._fitting[wanted])


@cache
def listing() -> CatalogueFile:
    """Return the catalogue's file, checked."""
    return CatalogueFile.model_validate(read("catalogue.yml"))


def listed(ref: str) -> tuple[str, Category, Listed]:
    """Return a product of the file with its category's code; KeyError for an unknown reference."""
    for code, category in listing().categories.items():
        for product in category.products:
            if product.ref == ref:
                return code, category, product
    raise KeyError(ref)


def stock_up(rows: Rows) -> Catalogue:
    """Put every product of the file on sale."""
    products = [product.ref for category in listing().categories.values() for product in category.products]
    return Catalogue({ref: put_on_sale(rows, ref) for ref in products})


def put_on_sale(rows: Rows, ref: str) -> tuple[Article, ...]:
    """Write one product of the file with all its variants."""
    code, category, wanted = listed(ref)
    product = rows.add(
        Product(
            reference=wanted.ref,
            title=wanted.title,
            category=code,
            kind=category.kind,
            final_sale=category.final_sale or wanted.final_sale,
            image=f"{wanted.image}.svg",
            words=list(wanted.words),
        )
    )
    forms: list[tuple[str | None, int]] = [*wanted.sizes.items()] or [(None, wanted.stock)]
    return tuple(
        Article(product, _variant(rows, product, wanted, size, stock), wanted.marketplace) for size, stock in forms
    )


def _variant(rows: Rows, product: Product, wanted: Listed, size: str | None, stock: int) -> Variant:
    return rows.add(
        Variant(
            reference=f"{wanted.ref}-{size.lower()}" if size else wanted.ref,
            product_id=product.id,
            size=size,
            options={"色": wanted.color} if wanted.color else {},
            price=wanted.price,
            stock=stock,
        )
    )
