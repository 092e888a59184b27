"""The curve that the fallback's threshold was read from, as `bench.threshold` wrote it, drawn for the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

CURVE = Path("docs/evaluation/threshold.json")
_SIDE = 280
_LINES: Tuple[Tuple[str, str, str], ...] = (
    ("asked_again", "#2a6f97", "聞き返した発言の割合"),
    ("wrong_among_answered", "#b5446e", "答えたうちの誤りの割合"),
    ("babble_answered", "#6a994e", "無意味な文字列に答えた割合"),
)


def read_curve(path: Path = CURVE) -> Optional[Dict[str, Any]]:
    """Return the curve, None where none was measured."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def drawn(curve: Optional[Dict[str, Any]]) -> str:
    """Return the curve as a picture with its figures, for the report's page."""
    if curve is None:
        return "<p>聞き返しのしきい値は、まだ測られていません。</p>"
    lines = "".join(_line(curve["points"], name, colour) for name, colour, _ in _LINES)
    legend = "、".join(f"<span style='color: {colour}'>■</span> {title}" for _, colour, title in _LINES)
    frame = f"<rect width='{_SIDE}' height='{_SIDE}' fill='none' stroke='#999'/>"
    below = f"y='{_SIDE + 16}' font-size='12'"
    ends = f"<text {below}>0</text><text {below} x='{_SIDE - 8}'>1</text>"
    label = "しきい値と割合: 横がしきい値、縦が割合"
    picture = (
        f"<svg viewBox='-10 -10 {_SIDE + 20} {_SIDE + 34}' width='{_SIDE + 20}' role='img' aria-label='{label}'>"
        f"{frame}{lines}{ends}</svg>"
    )
    caption = f"{label} (交差検証 {curve['folds']} 分割、発言 {curve['messages']} 件、正解率 {curve['accuracy']:.3f})"
    return f"<figure>{picture}<figcaption>{caption}<br>{legend}</figcaption></figure>"


def _line(points: Sequence[Dict[str, float]], name: str, colour: str) -> str:
    places = " ".join(f"{each['threshold'] * _SIDE:.1f},{(1 - each[name]) * _SIDE:.1f}" for each in points)
    return f"<polyline points='{places}' fill='none' stroke='{colour}' stroke-width='2'/>"
