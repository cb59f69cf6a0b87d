"""What an archive says of itself: its segments with their positions and hashes, chained from first to last."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

NAME = "manifest.json"
FORM = 1


class ArchiveWrong(Exception):
    """The archive is not what its manifest says; said in English and Chinese."""


class Segment(msgspec.Struct, frozen=True):
    """A closed range of the log in one file.

    `events_sha256` is the digest of the range as /v1/events/digest gives it, `file_sha256` that of the file; `chain` is
    SHA-256 of the chain before and all of these, so that the last one stands for all that the archive has.
    """

    first: int
    last: int
    posts: int
    events_sha256: str
    file_sha256: str
    chain: str = ""

    @property
    def file(self) -> str:
        """The file's name in the folder."""
        return file_of(self.first, self.last)

    @property
    def count(self) -> int:
        """How many events it has: positions are dense."""
        return self.last - self.first + 1

    def after(self, chain: str) -> Segment:
        """The segment as it follows that chain."""
        told = [chain, self.first, self.last, self.posts, self.events_sha256, self.file_sha256]
        return msgspec.structs.replace(self, chain=hashlib.sha256(msgspec.json.encode(told)).hexdigest())


class Manifest(msgspec.Struct, frozen=True):
    """`source` is the ledger's own name, which is part of what is hashed; `secret` the fingerprint of its secret."""

    form: int
    source: str
    secret: str
    segments: tuple[Segment, ...] = ()

    @property
    def head(self) -> int:
        """The last position that is archived."""
        return self.segments[-1].last if self.segments else 0

    @property
    def chain(self) -> str:
        return self.segments[-1].chain if self.segments else ""


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder and its manifest."""

    folder: Path
    manifest: Manifest

    def file(self, segment: Segment) -> Path:
        return self.folder / segment.file

    def add(self, segment: Segment) -> Archive:
        """The archive with one more segment, its manifest written whole or not at all."""
        more = msgspec.structs.replace(self.manifest, segments=(*self.manifest.segments, segment))
        write_whole(self.folder / NAME, msgspec.json.format(msgspec.json.encode(more)) + b"\n")
        return Archive(self.folder, more)


def empty(source: str, secret: str) -> Manifest:
    """The manifest of a ledger of which nothing is archived yet."""
    return Manifest(FORM, source, secret)


def file_of(first: int, last: int) -> str:
    """What the file of these positions is called."""
    return f"events-{first:012}-{last:012}.parquet"


def find(folder: Path) -> Archive | None:
    """The archive in `folder`, if there is one. Raises ArchiveWrong: its manifest must hold together."""
    file = folder / NAME
    if not file.exists():
        return None
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveWrong(f"{file}: {error}. 清单无法读取。") from error
    if manifest.form != FORM:
        raise ArchiveWrong(f"{file}: form {manifest.form} is not known here. 不支持此归档格式。")
    chain, after = "", 0
    for segment in manifest.segments:
        if segment.first != after + 1 or segment.last < segment.first or segment != segment.after(chain):
            raise ArchiveWrong(f"{file}: {segment.file} does not follow the one before. 分段不连续。")
        chain, after = segment.chain, segment.last
    return Archive(folder, manifest)


def opened(folder: Path, chain: str | None = None) -> Archive:
    """The archive in `folder`, each file with the hash that its manifest says. Raises ArchiveWrong.

    `chain` is what its last chain must be, if it is known from elsewhere.
    """
    found = find(folder)
    if found is None or not found.manifest.segments:
        raise ArchiveWrong(f"{folder}: there is no archive. 没有归档。")
    if chain not in (None, found.manifest.chain):
        raise ArchiveWrong(f"The chain is {found.manifest.chain}, not {chain}. 归档的链值不符。")
    must_be_whole(found)
    return found


def must_be_whole(found: Archive) -> None:
    """Raises ArchiveWrong for a file that is missing or another."""
    for segment in found.manifest.segments:
        file = found.file(segment)
        if not file.is_file() or sha256_of(file) != segment.file_sha256:
            raise ArchiveWrong(f"{file}: missing, or not the file that was written. 文件缺失或已改变。")


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    put_in_place(draft, file)


def put_in_place(draft: Path, file: Path) -> None:
    """A draft that is on disk takes its place, and that is on disk too."""
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
