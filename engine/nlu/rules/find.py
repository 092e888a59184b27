"""All rules over one text, in the order in which they may claim its characters."""

import datetime
from typing import List

from engine.nlu.rules.dates import dates
from engine.nlu.rules.identifiers import order_numbers, phone_numbers
from engine.nlu.rules.measures import quantities, sizes
from engine.nlu.rules.span import Span, without_overlaps

ENTITIES = ("order_number", "phone_number", "date", "size", "quantity")


def find_entities(text: str, day: datetime.date) -> List[Span]:
    """Return the entities that rules find in a normalised text on the day of the message."""
    spans: List[Span] = []
    spans.extend(order_numbers(text))
    spans.extend(phone_numbers(text))
    spans.extend(dates(text, day))
    spans.extend(sizes(text))
    spans.extend(quantities(text))
    return without_overlaps(spans)
