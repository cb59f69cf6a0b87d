"""An archive's manifest: its segments with their positions and hashes, in a hash chain from first to last."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from service.calendar.imports import Import

NAME = "manifest.json"
FORM, WITH_CALENDARS = 1, 2
"""The versions of the archive's format: without calendars, and with calendars. An archive with calendars has a version
of its own, so that a program that does not know calendars does not open it."""


class ArchiveWrong(Exception):
    """The archive cannot be used, or does not match its manifest. The message is in English and Chinese."""


class Segment(msgspec.Struct, frozen=True):
    """A range of the log, from position `first` to `last`, in one file.

    `posts` is the number of posts in the range. `events_sha256` is the digest of the range, as /v1/events/digest
    returns it; `file_sha256` is the digest of the file. `calendars` are the calendars that came into force since the
    last event of the previous segment. `chain` is the SHA-256 of the previous segment's chain and of this segment's
    other fields. The last chain therefore covers the whole archive.
    """

    first: int
    last: int
    posts: int
    events_sha256: str
    file_sha256: str
    chain: str = ""
    calendars: tuple[Import, ...] = ()

    @property
    def file(self) -> str:
        """The name of the segment's file in the archive's folder."""
        return file_of(self.first, self.last)

    @property
    def count(self) -> int:
        """The number of events in the segment. It follows from the positions, because they have no gaps."""
        return self.last - self.first + 1

    def after(self, chain: str) -> Segment:
        """A copy of the segment with its chain hash. `chain` is the chain hash of the previous segment."""
        fields = [chain, self.first, self.last, self.posts, self.events_sha256, self.file_sha256, *self.calendars]
        return msgspec.structs.replace(self, chain=hashlib.sha256(msgspec.json.encode(fields)).hexdigest())


class Manifest(msgspec.Struct, frozen=True):
    """An archive's manifest. `source` is the ledger's name, which is part of every event's hash.

    `secret` is the fingerprint of the ledger's secret.
    """

    form: int
    source: str
    secret: str
    segments: tuple[Segment, ...] = ()

    @property
    def head(self) -> int:
        """The last archived position."""
        return self.segments[-1].last if self.segments else 0

    @property
    def chain(self) -> str:
        return self.segments[-1].chain if self.segments else ""


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive: its folder and its manifest."""

    folder: Path
    manifest: Manifest

    def file(self, segment: Segment) -> Path:
        return self.folder / segment.file

    def add(self, segment: Segment) -> Archive:
        """Add `segment` to the archive: replace the manifest file atomically, and return the extended archive."""
        form = WITH_CALENDARS if segment.calendars else self.manifest.form
        extended = msgspec.structs.replace(self.manifest, form=form, segments=(*self.manifest.segments, segment))
        write_atomically(self.folder / NAME, msgspec.json.format(msgspec.json.encode(extended)) + b"\n")
        return Archive(self.folder, extended)


def empty(source: str, secret: str) -> Manifest:
    """The manifest of a ledger that has no archived events yet."""
    return Manifest(FORM, source, secret)


def file_of(first: int, last: int) -> str:
    """The name of the file with the events from position `first` to `last`."""
    return f"events-{first:012}-{last:012}.parquet"


def find(folder: Path) -> Archive | None:
    """The archive in `folder`; None if the folder has no manifest.

    Raises ArchiveWrong if the manifest is unreadable, inconsistent, or of an unknown format.
    """
    file = folder / NAME
    if not file.exists():
        return None
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveWrong(f"{file}: {error}. 清单无法读取。") from error
    if manifest.form not in (FORM, WITH_CALENDARS):
        raise ArchiveWrong(f"{file}: format {manifest.form} is not supported. 不支持此归档格式。")
    chain, after = "", 0
    for segment in manifest.segments:
        if segment.first != after + 1 or segment.last < segment.first or segment != segment.after(chain):
            raise ArchiveWrong(f"{file}: {segment.file} does not follow the segment before it. 分段不连续。")
        chain, after = segment.chain, segment.last
    return Archive(folder, manifest)


def opened(folder: Path, chain: str | None = None) -> Archive:
    """The archive in `folder`, after its files are checked against its manifest.

    `chain`: the chain hash that the last segment must have; None if the caller does not know it. Raises ArchiveWrong if
    there is no archive, if the chain hash of the last segment is not `chain`, or if a file is missing or does not match
    its hash in the manifest.
    """
    archive = find(folder)
    if archive is None or not archive.manifest.segments:
        raise ArchiveWrong(f"{folder}: there is no archive. 没有归档。")
    if chain not in (None, archive.manifest.chain):
        raise ArchiveWrong(f"The chain is {archive.manifest.chain}, not {chain}. 归档的链值不符。")
    check_files(archive)
    return archive


def check_files(archive: Archive) -> None:
    """Raises ArchiveWrong if a file is missing or does not match its hash in the manifest."""
    for segment in archive.manifest.segments:
        file = archive.file(segment)
        if not file.is_file() or sha256_of(file) != segment.file_sha256:
            raise ArchiveWrong(f"{file}: missing, or not the file that was written. 文件缺失或已改变。")


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(file: Path, content: bytes) -> None:
    """Write a file completely or not at all, and flush it to disk."""
    draft = file.with_name(f"{file.name}.new")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    rename_durably(draft, file)


def rename_durably(draft: Path, file: Path) -> None:
    """Rename `draft` to `file` and flush the rename to disk.

    The caller must have flushed the content of `draft` to disk already.
    """
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
