"""The tables of the attacks: typed commands, look-alike origins, scripts; made from parts, the same each time."""

from __future__ import annotations

import os
from itertools import islice, product
from pathlib import Path

from ruamel.yaml import YAML

PROVE = bool(os.environ.get("MADOGUCHI_PROVE"))
ROOT = Path(__file__).parents[3]

_SLASHES = (
    "/", " /", "\u3000/", "\n/", "\t/", "//", "///", "／", "∕", "⁄", "⧸", "╱", "\\", "\\/", "%2F", "&#47;", "\u200b/",
    "\ufeff/", "\u200d/", "\u202e/", "/ ", "/\u200b", "/\u3000", "/\n", '"/', "`/", "EXTERNAL: /", "> /", "１/", "/./",
)  # fmt: skip
_ENDINGS = (
    "", "{}", '{"order_number": "250-0000001-0000001"}', '{"amount": 999999}', '{"requested_slot": null}', "@0.99",
    "@1.0{}", "{'a': 1}", '{"a": "${HOME}"}', "{{}}", " ", "\u200b", ";/affirm", "\n/affirm", "[]", "{", "}",
)  # fmt: skip


def typed_commands() -> list[tuple[str, str]]:
    """Return 500 ways to dress an intent's name up as a command: what stands before and after it."""
    return list(islice(product(_SLASHES, _ENDINGS), 500))


def intents() -> list[str]:
    """Return every intent of the domain, and the words that mean something to Rasa itself."""
    domain = YAML(typ="safe").load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    named = [each if isinstance(each, str) else next(iter(each)) for each in domain["intents"]]
    return [*named, "restart", "session_start", "back", "nlu_fallback"]


LOOK_ALIKES = (
    "https://shop.example.jp.evil.example", "https://evil.example/https://shop.example.jp", "https://evilshop.example.jp",
    "https://sub.shop.example.jp", "http://shop.example.jp", "https://shop.example.jp:8443", "https://shop.example.jp:443",
    "https://SHOP.example.jp", "HTTPS://shop.example.jp", "https://shop.example.jp/", "https://shop.example.jp?",
    "https://shop.example.jp#", "https://shop-example.jp", "https://shopxexample.jp", "https://shop.examplexjp",
    "https://shop.example.jp\u200b", "https://ѕhop.example.jp", "https://shop.еxample.jp", "https://xn--hop-kwc.example.jp",
    "https://user@shop.example.jp", "https://shop.example.jp@evil.example", "https://shop.example.jp%00.evil.example",
    "https://shop.example.jp%2eevil.example", "https://shop.example.jp\\.evil.example", "https://shop.example.jp_.evil.example",
    "https://shop.example.jp,https://evil.example", "https://shop.example.jp https://evil.example", "https://.shop.example.jp",
    "https://shop..example.jp", "https://shop.example.jp.", "https://shop.example.j", "https://shop.example.jpn",
    "https://hop.example.jp", "https://example.jp", "https://jp", "https://[::1]", "https://127.0.0.1", "http://localhost",
    "//shop.example.jp", "shop.example.jp", "https:shop.example.jp", "https:///shop.example.jp", "wss://shop.example.jp",
    "file://shop.example.jp", "data:text/html,x", "chrome-extension://shop.example.jp", "null", "*", "undefined",
    "https://shop.example.jp|evil.example", "https://shop%2Eexample.jp", "https://shop。example.jp",
)  # fmt: skip

_FRAMES = (
    "{}", '">{}', "'>{}", "</textarea>{}", "</title>{}", "</script>{}", "--><!-- {} -->", "{}\u2028", "]]>{}",
    "＜b＞{}",
)  # fmt: skip
_CORES = (
    "<script>window.ran=1</script>", "<img src=x onerror=window.ran=1>", "<svg onload=window.ran=1>",
    "<svg><script>window.ran=1</script></svg>", "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<a href='javascript:window.ran=1' autofocus onfocus=window.ran=1>x</a>", "<details open ontoggle=window.ran=1>",
    "<input autofocus onfocus=window.ran=1>", "<body onload=window.ran=1>",
    "<video><source onerror=window.ran=1></video>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.ran=1>", "<base href='https://evil.example/'>",
    "<form action='https://evil.example'><button>x</button></form>", "<link rel=stylesheet href='https://evil.example/x'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<object data='javascript:window.ran=1'></object>",
    "<div hx-get=/desk/logout hx-trigger=load hx-on:load=window.ran=1>x</div>", "{{ 7*7 }}{% raw %}${window.ran=1}",
    "<scr<script>ipt>window.ran=1</scr</script>ipt>",
    "<IMG SRC=JaVaScRiPt:window.ran=1 OnErRoR=window.ran=1>",
)  # fmt: skip
FORBIDDEN_ATTRIBUTES = ("onerror", "onload", "onfocus", "ontoggle", "srcdoc", "hx-on:load")


def scripts() -> list[str]:
    """Return 200 texts that want to be run, each with a mark of its own to be found by."""
    made = (frame.format("\0").replace("\0", core) for frame, core in product(_FRAMES, _CORES))
    return [f"mark{number:03} {text}" for number, text in enumerate(made)]
