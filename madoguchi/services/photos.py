"""Photos of a defect: what comes is decoded and drawn anew with nothing but its pixels, and only that is kept.

A file is taken for what its content is, whatever its name or its sender calls it. The new drawing is a JPEG of a
moderate size: no metadata (where it was taken, with what), no second file hidden behind the first, no script.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps
from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from madoguchi.services import audit, conversations, incoming
from madoguchi.services.desk import Desk
from madoguchi.services.talk import Refusal, Reply, Stored
from madoguchi.store import Case, Conversation, Message, Photo

LARGEST_FILE = 8 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""More than the cameras of phones give; decoded, three bytes each."""
LONGEST_EDGE = 1600
QUALITY = 82
PER_CONVERSATION = 30
FORMATS = ("JPEG", "PNG", "WEBP")
_AT_ONCE = threading.BoundedSemaphore(2)
"""Decoding takes much memory; so many at once, the others wait."""


class NotTaken(StrEnum):
    """Why a file was not taken."""

    TOO_LARGE = "photo_too_large"
    TOO_MANY_PIXELS = "photo_too_many_pixels"
    NO_PHOTO = "no_photo"  # no JPEG, PNG or WebP, or a broken one
    TOO_MANY = "too_many_photos"


@dataclass(frozen=True)
class Drawn:
    """A picture drawn anew: JPEG bytes and its size in pixels."""

    content: bytes
    width: int
    height: int


def take(desk: Desk, conversation_id: str, client_id: str, raw: bytes, thanks: str) -> Stored | Refusal | NotTaken:
    """Keep a photo as a customer's message, once per client-made id; the bot says `thanks` for the first of several."""
    fingerprint = hashlib.sha256(raw).hexdigest()
    drawn = redraw(raw)
    if isinstance(drawn, NotTaken):
        return drawn
    with desk.store.writing() as session:
        talk = session.get_one(Conversation, conversation_id, with_for_update=True)
        known = session.scalar(
            select(Message).where(Message.conversation_id == conversation_id, Message.client_id == client_id)
        )
        if known is not None:
            return _again(session, known, fingerprint)
        kept = session.scalar(select(func.count()).where(Photo.conversation_id == conversation_id)) or 0
        if kept >= PER_CONVERSATION:
            return NotTaken.TOO_MANY
        photo = Photo(
            id=secrets.token_hex(16),
            conversation_id=conversation_id,
            case_id=_case(session, conversation_id),
            width=drawn.width,
            height=drawn.height,
            fingerprint=fingerprint,
            content=drawn.content,
            sent_at=desk.clock(),
        )
        session.add(photo)
        content = {"photo": {"id": photo.id, "width": photo.width, "height": photo.height}}
        reply = None if _said_thanks(session, conversation_id) else Reply(thanks, {"about": "photo"})
        audit.note(session, desk.clock(), "customer", "photo_sent", f"conversation:{conversation_id}", {"id": photo.id})
        return incoming.add_picture(session, talk, client_id, content, reply, desk.clock())


def read(desk: Desk, photo_id: str) -> Photo | None:
    """Return a photo with its content, for the staff, whose door has let them in."""
    with desk.store.reading() as session:
        return _whole(session, photo_id)


def read_own(desk: Desk, conversation_id: str, photo_id: str) -> Photo | None:
    """Return a photo with its content to whose conversation it is in; None for anybody else's."""
    with desk.store.reading() as session:
        photo = _whole(session, photo_id)
        if photo is None or photo.conversation_id == conversation_id:
            return photo
        here, there = (session.get_one(Conversation, each) for each in (conversation_id, photo.conversation_id))
        return photo if here.customer_id is not None and here.customer_id == there.customer_id else None


def redraw(raw: bytes) -> Drawn | NotTaken:
    """Return the picture in a file, drawn anew and upright, or why there is none."""
    if len(raw) > LARGEST_FILE:
        return NotTaken.TOO_LARGE
    try:
        with _AT_ONCE, Image.open(BytesIO(raw), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return NotTaken.TOO_MANY_PIXELS
            return _draw(picture)
    except Image.DecompressionBombError:
        return NotTaken.TOO_MANY_PIXELS
    except Exception:  # noqa: BLE001 - a decoder may raise anything over a hostile file, and then it is no photo
        return NotTaken.NO_PHOTO


def _draw(picture: Image.Image) -> Drawn:
    picture.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))  # a large JPEG is decoded at a fraction of its size
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    clear = upright.convert("RGBA") if upright.has_transparency_data else upright.convert("RGB")
    clear.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    # A new canvas: what is pasted on it are pixels, nothing else that the file may have held comes along.
    canvas = Image.new("RGB", clear.size, "white")
    canvas.paste(clear, mask=clear.getchannel("A") if clear.mode == "RGBA" else None)
    content = BytesIO()
    canvas.save(content, "JPEG", quality=QUALITY, optimize=True)
    return Drawn(content.getvalue(), *canvas.size)


def _again(session: Session, known: Message, fingerprint: str) -> Stored | Refusal:
    held: dict[str, Any] = known.content.get("photo") or {}
    photo = session.get(Photo, held.get("id", ""))
    if photo is None or photo.fingerprint != fingerprint:
        return Refusal.CHANGED
    return Stored(conversations.view(known), new=False)


def _said_thanks(session: Session, conversation_id: str) -> bool:
    """Whether the last word was about a photo already, or a human is there to say it."""
    newest = select(Message).where(Message.conversation_id == conversation_id, Message.author != "note")
    last = session.scalar(newest.order_by(Message.id.desc()).limit(1))
    return last is not None and ("photo" in last.content or last.content.get("about") == "photo")


def _case(session: Session, conversation_id: str) -> int | None:
    open_one = select(Case.id).where(Case.conversation_id == conversation_id, Case.state != "closed")
    return session.scalar(open_one.order_by(Case.id.desc()).limit(1))


def _whole(session: Session, photo_id: str) -> Photo | None:
    return session.get(Photo, photo_id, options=[undefer(Photo.content)])
