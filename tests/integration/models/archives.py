"""Twenty archives that must never be unpacked, each hostile or broken in its own way."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

OUTSIDE = "hostile-was-here"


def _member(name: str, **more: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(member, key, value)
    return member


def archive_with(*members: tuple[tarfile.TarInfo, bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with tarfile.open(path, "w:gz") as archive:
            good = _member("metadata.json", size=2)
            archive.addfile(good, io.BytesIO(b"{}"))
            for member, content in members:
                member.size = len(content) if member.isreg() else 0
                archive.addfile(member, io.BytesIO(content) if member.isreg() else None)

    return write


def _file(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return _member(name), b"x"


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return _member(name, type=kind, linkname=target), b""


def _bomb(path: Path) -> None:
    """Says that it unpacks to three gigabytes; whoever goes on reading after that has lost already."""
    header = _member("components/zeros", size=3 * 1024**3).tobuf()
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(_member("metadata.json", size=0).tobuf() + header)
        file.write(bytes(1024 * 1024))


def _many(path: Path) -> None:
    archive_with(*[_file(f"components/{number}") for number in range(5001)])(path)


def _cut(path: Path) -> None:
    archive_with(*[(_member(f"components/{number}"), bytes(range(256)) * 40) for number in range(20)])(path)
    path.write_bytes(path.read_bytes()[:-200])


HOSTILE: dict[str, Callable[[Path], None]] = {
    "parent": archive_with(_file(f"../{OUTSIDE}")),
    "parents": archive_with(_file(f"../../../../../../../../tmp/{OUTSIDE}")),
    "parent in the middle": archive_with(_file(f"components/../../{OUTSIDE}")),
    "absolute": archive_with(_file(f"/tmp/{OUTSIDE}")),
    "two slashes": archive_with(_file(f"//tmp/{OUTSIDE}")),
    "windows parent": archive_with(_file(f"..\\{OUTSIDE}")),
    "windows drive": archive_with(_file(f"C:\\{OUTSIDE}")),
    "link to a file": archive_with(_link("components/link", "/etc/passwd")),
    "link to the folder above": archive_with(_link("components/up", ".."), _file(f"components/up/{OUTSIDE}")),
    "link to the root": archive_with(_link("root", "/"), _file(f"root/tmp/{OUTSIDE}")),
    "link inside": archive_with(_link("components/link", "metadata.json")),
    "hard link": archive_with(_link("components/hard", "/etc/passwd", tarfile.LNKTYPE)),
    "hard link inside": archive_with(_link("components/hard", "metadata.json", tarfile.LNKTYPE)),
    "character device": archive_with((_member("components/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), b"")),
    "block device": archive_with((_member("components/disk", type=tarfile.BLKTYPE, devmajor=8), b"")),
    "named pipe": archive_with((_member("components/pipe", type=tarfile.FIFOTYPE), b"")),
    "bomb": _bomb,
    "too many files": _many,
    "cut short": _cut,
    "no archive": lambda path: path.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR."),
}
