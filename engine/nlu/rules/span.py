"""What a rule finds: a labelled stretch of the normalised text with its normalised value."""

from dataclasses import dataclass
from typing import Iterable, List


@dataclass(frozen=True)
class Span:
    """An entity in the normalised text, `end` exclusive."""

    entity: str
    start: int
    end: int
    value: str

    def overlaps(self, other: "Span") -> bool:
        """Say whether two spans share a character."""
        return self.start < other.end and other.start < self.end


def without_overlaps(spans: Iterable[Span]) -> List[Span]:
    """Keep each span that no earlier one overlaps, in the order of the text."""
    kept: List[Span] = []
    for span in spans:
        if not any(span.overlaps(other) for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
