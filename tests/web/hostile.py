"""Files that mean harm, made here: each with what must become of it, "refused" or "redrawn" without what it carried."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, PngImagePlugin

SECRET = b"HIDDEN-CARGO"
"""What a redrawn picture must not hold any more."""


@dataclass(frozen=True)
class Hostile:
    """One file: its bytes, what its sender calls it, and what must become of it."""

    name: str
    content: bytes
    claims: str
    fate: str


def photo(width: int = 640, height: int = 480, kind: str = "JPEG", **options: object) -> bytes:
    """Return an honest picture."""
    made = BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(made, kind, **options)
    return made.getvalue()


def located() -> bytes:
    """Return a photo that says where and by whom it was taken, lying on its side."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x9286] = SECRET.decode(), 6, SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (35.0, 39.0, 31.0), 3: "E", 4: (139.0, 44.0, 43.0)})
    return photo(exif=exif.tobytes(), comment=SECRET)


def hostile_files() -> list[Hostile]:
    """Return the table."""
    return [
        Hostile(
            "an SVG with a script", b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', SVG, REFUSED
        ),
        Hostile("an SVG that calls itself a JPEG", b'<?xml version="1.0"?><svg onload="alert(1)"/>', JPEG, REFUSED),
        Hostile("a page that calls itself a PNG", b"<!doctype html><script>alert(1)</script>", PNG, REFUSED),
        Hostile("a program renamed", b"MZ\x90\x00\x03" + bytes(4000), JPEG, REFUSED),
        Hostile("an ELF program", b"\x7fELF\x02\x01\x01" + bytes(4000), PNG, REFUSED),
        Hostile("a PDF with a script", b"%PDF-1.7\n1 0 obj<</S/JavaScript/JS(app.alert(1))>>", JPEG, REFUSED),
        Hostile("a PostScript file", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage", JPEG, REFUSED),
        Hostile("a GIF", photo(kind="GIF"), "image/gif", REFUSED),
        Hostile("a TIFF", photo(kind="TIFF"), "image/tiff", REFUSED),
        Hostile("a BMP that calls itself a JPEG", photo(kind="BMP"), JPEG, REFUSED),
        Hostile("nothing at all", b"", JPEG, REFUSED),
        Hostile("only the first bytes of a JPEG", b"\xff\xd8\xff\xe0\x00\x10JFIF", JPEG, REFUSED),
        Hostile("a truncated JPEG", photo()[:3000], JPEG, REFUSED),
        Hostile("a truncated PNG", photo(kind="PNG")[:-200], PNG, REFUSED),
        Hostile("a PNG of 50,000 x 50,000 in a few bytes", png_claiming(50_000, 50_000), PNG, REFUSED),
        Hostile("a PNG just over the cap", png_claiming(8_000, 6_251), PNG, REFUSED),
        Hostile("a PNG with a text that unpacks to 200 MB", text_bomb(), PNG, REFUSED),
        Hostile("a PNG of no size", png_claiming(0, 0), PNG, REFUSED),
        Hostile("a packed bomb", gzip.compress(bytes(20_000_000)), JPEG, REFUSED),
        Hostile("a JPEG whose markers lie about their length", photo()[:4] + b"\xff\xff" + photo()[6:], JPEG, REFUSED),
        Hostile("more than 8 MB", photo() + bytes(8 * 1024 * 1024), JPEG, REFUSED),
        Hostile("a JPEG with a page behind it", photo() + b"<html><script>" + SECRET, JPEG, REDRAWN),
        Hostile("a JPEG with a ZIP behind it", photo() + zipped(), JPEG, REDRAWN),
        Hostile("a JPEG with a script in its comment", photo(comment=b"*/=alert(1)/*" + SECRET), JPEG, REDRAWN),
        Hostile("a photo that says where it was taken", located(), JPEG, REDRAWN),
        Hostile("a PNG with a text chunk and PHP", png_with_text(), PNG, REDRAWN),
        Hostile("a JPEG that calls itself a page", photo() + SECRET, "text/html", REDRAWN),
        Hostile("a WebP with metadata", photo(kind="WEBP", xmp=b"<x>" + SECRET + b"</x>"), "image/webp", REDRAWN),
    ]


SVG, JPEG, PNG = "image/svg+xml", "image/jpeg", "image/png"
REFUSED, REDRAWN = "refused", "redrawn"


def png_claiming(width: int, height: int) -> bytes:
    """Return a PNG whose head claims a size that its few bytes do not hold."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _png(_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(bytes(3000))), _chunk(b"IEND", b""))


def text_bomb() -> bytes:
    """Return a PNG with a packed text of 200 MB before its picture."""
    packed = zlib.compressobj(9)
    bomb = b"".join(packed.compress(bytes(1_000_000)) for _ in range(200)) + packed.flush()
    head = struct.pack(">IIBBBBB", 10, 10, 8, 2, 0, 0, 0)
    return _png(_chunk(b"IHDR", head), _chunk(b"zTXt", b"k\x00\x00" + bomb), _chunk(b"IEND", b""))


def png_with_text() -> bytes:
    """Return an honest PNG that carries words."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "<?php system($_GET[0]); ?>" + SECRET.decode())
    return photo(kind="PNG", pnginfo=text)


def zipped() -> bytes:
    """Return an archive with a page in it, stored as it is."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("index.html", b"<script>" + SECRET + b"</script>")
    return made.getvalue()


def _png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
