"""The demo shop: an invented catalogue, invented people, and orders in every state the policy knows."""

from madoguchi.demo.filling import fill_once
from madoguchi.demo.named import NAMED, NamedCustomer

__all__ = ["NAMED", "NamedCustomer", "fill_once"]
