"""The evaluation's page: one file of HTML with its pictures in it."""

from __future__ import annotations

from html import escape
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from engine.curve import drawn, read_curve
from engine.scores import Score, Scores, calibration, calibration_error, risk_coverage

_STYLE = """
body { font: 15px/1.6 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse } td, th { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, td.text { text-align: left } figure { display: inline-block; margin: 0 2rem 0 0 }
.low { background: #fde8e8 } .near { color: #666; font-size: .9em } .scroll { overflow-x: auto }
.matrix td { padding: .1rem .35rem; border: 1px solid #eee; font-size: .75rem }
.matrix th { font-size: .7rem; font-weight: normal; white-space: nowrap }
.matrix thead th { writing-mode: vertical-rl; text-align: left }
"""
_SIDE = 280
_LOW = 0.88


def page(scores: Scores, nearest: Mapping[str, Sequence[Mapping[str, Any]]], since: Optional[Dict[str, Any]]) -> str:
    """Return the whole page."""
    parts = [
        "<!doctype html><html lang='ja'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>理解の評価</title><style>{_STYLE}</style><h1>理解の評価</h1>",
        _figures(scores),
        _since(since),
        "<h2>信頼度</h2>",
        _calibration_plot(scores),
        _risk_plot(scores),
        drawn(read_curve()),
        "<h2>意図</h2>",
        _score_table(scores.intents),
        "<h2>エンティティ</h2>",
        _score_table(scores.entities),
        "<h2>取り違え</h2>",
        _confusion(scores),
        "<h2>誤りと、近い学習例</h2>",
        _wrong(scores, nearest),
        "</html>",
    ]
    return "\n".join(parts)


def _figures(scores: Scores) -> str:
    figures = [
        ("発言の数", str(len(scores.messages))),
        ("意図の正解率", f"{scores.accuracy:.3f}"),
        ("マクロF1", f"{scores.macro_f1:.3f}"),
        ("聞き返しの割合", f"{scores.fallback_rate:.3f}"),
        ("較正誤差", f"{calibration_error(scores.messages):.3f}"),
    ]
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in figures)
    return f"<table>{rows}</table>"


def _since(since: Optional[Dict[str, Any]]) -> str:
    if since is None:
        return "<p>前回の報告はまだありません。</p>"
    accuracy, macro = since["accuracy"], since["macro_f1"]
    rows = [
        "<h2>前回の報告との違い</h2>",
        f"<p>正解率 {accuracy[0]:.3f} → {accuracy[1]:.3f}、マクロF1 {macro[0]:.3f} → {macro[1]:.3f}、",
        f"新しい発言 {since['new']} 件</p>",
    ]
    for name, title in (("better", "良くなったもの"), ("worse", "悪くなったもの")):
        rows.append(f"<h3>{title} ({len(since[name])})</h3><ul>")
        rows.extend(f"<li>「{escape(new['text'])}」 {_told(old)} → {_told(new)}</li>" for old, new in since[name])
        rows.append("</ul>")
    return "".join(rows)


def _told(message: Mapping[str, Any]) -> str:
    faults = [f"{sign}{each}" for key, sign in (("missed", "−"), ("spurious", "＋")) for each in message[key]]
    return escape(" ".join([str(message["predicted"]), *faults]))


def _score_table(scores: Mapping[str, Score]) -> str:
    head = "<tr><th>名前</th><th>適合率</th><th>再現率</th><th>F1</th><th>件数</th></tr>"
    rows = [
        f"<tr{' class=low' if each.f1 < _LOW else ''}><td>{escape(name)}</td><td>{each.precision:.3f}</td>"
        f"<td>{each.recall:.3f}</td><td>{each.f1:.3f}</td><td>{each.hits + each.missed}</td></tr>"
        for name, each in scores.items()
    ]
    return f"<table>{head}{''.join(rows)}</table>"


def _confusion(scores: Scores) -> str:
    """Return the matrix of meant and predicted intents, the wrong ones coloured by how many they are."""
    names = sorted({m.intent for m in scores.messages} | {str(m.predicted) for m in scores.messages})
    counts: Dict[Tuple[str, str], int] = {}
    for message in scores.messages:
        pair = message.intent, str(message.predicted)
        counts[pair] = counts.get(pair, 0) + 1
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = []
    for meant in names:
        cells = "".join(_cell(counts.get((meant, said), 0), meant == said) for said in names)
        rows.append(f"<tr><th>{escape(meant)}</th>{cells}</tr>")
    table = f"<table class='matrix'><thead><tr><th></th>{head}</tr></thead>{''.join(rows)}</table>"
    return f"<p>行が正しい意図、列が判定です。</p><div class='scroll'>{table}</div>"


def _cell(count: int, right: bool) -> str:
    if not count:
        return "<td></td>"
    hue, strength = (140 if right else 0), min(90, 20 + 5 * count if right else 25 + 15 * count)
    return f"<td style='background: hsl({hue} 60% {100 - strength / 2:.0f}%)'>{count}</td>"


def _calibration_plot(scores: Scores) -> str:
    points = calibration(scores.messages)
    dots = "".join(
        f"<circle cx='{said * _SIDE:.1f}' cy='{(1 - true) * _SIDE:.1f}' r='{2 + min(10, count**0.4):.1f}' "
        f"fill='#2a6f97' fill-opacity='.7'><title>{said:.2f} / {true:.2f} ({count})</title></circle>"
        for said, true, count in points
    )
    diagonal = f"<line x1='0' y1='{_SIDE}' x2='{_SIDE}' y2='0' stroke='#bbb' stroke-dasharray='4'/>"
    return _plot(diagonal + dots, "較正: 横が信頼度、縦が正解率", "0", "1", "1")


def _risk_plot(scores: Scores) -> str:
    points = risk_coverage(scores.messages)
    top = max([risk for _, risk in points] + [0.05])
    line = " ".join(f"{covered * _SIDE:.1f},{(1 - risk / top) * _SIDE:.1f}" for covered, risk in points)
    curve = f"<polyline points='{line}' fill='none' stroke='#b5446e' stroke-width='2'/>"
    return _plot(curve, "リスクと網羅率: 横が答えた割合、縦が誤りの割合", "0", "1", f"{top:.2f}")


def _plot(inner: str, caption: str, left: str, right: str, top: str) -> str:
    frame = f"<rect width='{_SIDE}' height='{_SIDE}' fill='none' stroke='#999'/>"
    labels = (
        f"<text x='0' y='{_SIDE + 16}' font-size='12'>{left}</text>"
        f"<text x='{_SIDE}' y='{_SIDE + 16}' font-size='12' text-anchor='end'>{right}</text>"
        f"<text x='-6' y='10' font-size='12' text-anchor='end'>{top}</text>"
    )
    box = f"-40 -10 {_SIDE + 60} {_SIDE + 34}"
    svg = f"<svg viewBox='{box}' width='{_SIDE + 60}' role='img' aria-label='{caption}'>{frame}{labels}{inner}</svg>"
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _wrong(scores: Scores, nearest: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    rows: List[str] = []
    for each in scores.messages:
        if each.right and not each.missed and not each.spurious:
            continue
        faults = [*(f"見落とし {m}" for m in each.missed), *(f"余分 {s}" for s in each.spurious)]
        near = "<br>".join(f"「{escape(n['text'])}」 {escape(n['intent'])}" for n in nearest.get(each.text, ()))
        said = "" if each.right else f"{escape(str(each.predicted))} ({each.confidence:.2f})"
        rows.append(
            f"<tr><td class='text'>{escape(each.text)}<div class='near'>{near}</div></td>"
            f"<td>{escape(each.intent)}</td><td>{said}</td><td class='text'>{escape('、'.join(faults))}</td></tr>"
        )
    head = "<tr><th>発言</th><th>正しい意図</th><th>判定</th><th>エンティティ</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>" if rows else "<p>誤りはありません。</p>"
