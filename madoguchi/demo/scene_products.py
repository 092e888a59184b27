"""The shelf of a scene: products named in it, taken from the catalogue, or made up on the way by a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from madoguchi.demo.catalogue import Article, listing, put_on_sale
from madoguchi.demo.rows import Rows
from madoguchi.demo.scene_format import LineScene, MembershipScene, ProductScene, SceneError
from madoguchi.policy.vocabulary import LineKind
from madoguchi.store import Product, Variant

CATEGORY = {"article": "appliance", "digital": "digital", "membership": "membership"}
"""The category of a product that names none, by its kind."""
STOCK = 5


class Shelf:
    """The products of one scene, by name, each with its variants by size."""

    def __init__(self, rows: Rows, wanted: Mapping[str, ProductScene]) -> None:
        self._rows = rows
        self._wanted = wanted
        self._products: dict[str, dict[str | None, Article]] = {}

    def stock(self) -> None:
        """Put the products that the scene names on the shelf."""
        for name, wanted in self._wanted.items():
            if wanted.catalogue is not None:
                self._of_catalogue(name, f"products.{name}.catalogue", wanted.catalogue, wanted.stock)
            else:
                self._own(name, wanted, f"scene-{name}")

    def article(self, place: str, line: LineScene) -> Article:
        """Return what a line orders, made up where it is not on the shelf yet; SceneError for an unknown name."""
        size = line.size
        if line.product is not None:
            if line.product not in self._products:
                known = ", ".join(self._products) or "none"
                raise SceneError(f"{place}.product: there is nothing named {line.product}; products are {known}")
            return self._sized(place, line.product, size)
        if line.catalogue is not None:
            name = f"catalogue {line.catalogue}"
            if name not in self._products:
                self._of_catalogue(name, f"{place}.catalogue", line.catalogue, line.stock)
            return self._sized(place, name, size)
        return self._made_up(line)

    def membership(self, place: str, wanted: MembershipScene) -> Article:
        """Return what a membership is of."""
        if wanted.catalogue is not None:
            return self.article(place, LineScene(catalogue=wanted.catalogue))
        made = LineScene(title=wanted.title, price=wanted.price, kind=LineKind.MEMBERSHIP)
        return self.article(place, made)

    def names(self) -> dict[str, dict[str, Any]]:
        """Return products and variants by their names; a variant's is the product's with its size."""
        products = {name: next(iter(forms.values())).product.id for name, forms in self._products.items()}
        variants = {
            f"{name} {size}" if size else name: article.variant.reference
            for name, forms in self._products.items()
            for size, article in forms.items()
        }
        return {"products": products, "variants": variants}

    def _sized(self, place: str, name: str, size: str | None) -> Article:
        forms = self._products[name]
        if size is None:
            return next(iter(forms.values()))
        if size not in forms:
            known = ", ".join(str(each) for each in forms if each) or "none"
            raise SceneError(f"{place}.size: {name} has no size {size}; sizes are {known}")
        return forms[size]

    def _of_catalogue(self, name: str, place: str, ref: str, stock: int | None) -> None:
        known = [product.ref for category in listing().categories.values() for product in category.products]
        if ref not in known:
            raise SceneError(f"{place}: the catalogue has no {ref}")
        articles = self._there_already(ref) or put_on_sale(self._rows, ref)
        for article in articles:
            article.variant.stock = article.variant.stock if stock is None else stock
        self._products[name] = {article.variant.size: article for article in articles}

    def _there_already(self, ref: str) -> tuple[Article, ...]:
        product = self._rows.session.scalar(select(Product).where(Product.reference == ref))
        return tuple(Article(product, variant) for variant in product.variants) if product else ()

    def _made_up(self, line: LineScene) -> Article:
        kind = str(line.kind or "article")
        name = line.title or ("見本の品" if kind == "article" else "見本のコンテンツ")
        if name not in self._products:
            wanted = ProductScene.model_validate(
                {
                    "title": name,
                    "category": line.category or ("clothing" if line.size else None),
                    "kind": kind,
                    "price": 3000 if line.price is None else line.price,
                    "stock": line.stock,
                    "sizes": [line.size] if line.size else [],
                }
            )
            self._own(name, wanted, f"scene-{self._rows.letters(8).lower()}")
        forms = self._products[name]
        if line.size not in forms:
            sample = next(iter(forms.values()))
            forms[line.size] = Article(
                sample.product, self._variant(sample.product, line.size, sample.variant.price, line.stock)
            )
        return forms[line.size]

    def _own(self, name: str, wanted: ProductScene, reference: str) -> None:
        taken = select(Product.id).where(Product.reference == reference)
        if self._rows.session.scalar(taken) is not None:
            reference = f"{reference}-{self._rows.letters(6).lower()}"
        kind = str(wanted.kind)
        product = self._rows.add(
            Product(
                reference=reference,
                title=wanted.title or name,
                category=wanted.category or CATEGORY[kind],
                kind=kind,
                final_sale=wanted.final_sale,
                image=None,
                words=list(wanted.words),
            )
        )
        sizes = wanted.sizes if isinstance(wanted.sizes, dict) else dict.fromkeys(wanted.sizes, wanted.stock)
        forms: list[tuple[str | None, int | None]] = [*sizes.items()] or [(None, wanted.stock)]
        self._products[name] = {
            size: Article(product, self._variant(product, size, wanted.price, stock)) for size, stock in forms
        }

    def _variant(self, product: Product, size: str | None, price: int, stock: int | None) -> Variant:
        return self._rows.add(
            Variant(
                reference=f"{product.reference}-{size.lower()}" if size else product.reference,
                product_id=product.id,
                size=size,
                options={},
                price=price,
                stock=STOCK if stock is None else stock,
            )
        )
