"""What the environment sets, read once. Everything has a default that works on an empty machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """`database_url` None: the embedded PostgreSQL under `home`. `secret` keys the digests of API keys and accounts."""

    home: Path
    host: str
    port: int
    database_url: str | None
    secret: bytes
    source: str
    example: bool = False


def from_environment(env: Mapping[str, str] = os.environ) -> Config:
    """The configuration that SUYUAN_HOME, HOST, PORT, DATABASE_URL, SUYUAN_SECRET and SUYUAN_SOURCE give."""
    home = Path(env.get("SUYUAN_HOME") or "var").resolve()
    home.mkdir(parents=True, exist_ok=True)
    port = env.get("PORT") or "8000"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise SystemExit(f"PORT must be a port number, not {port!r}. PORT 须为端口号。")
    return Config(
        home=home,
        host=env.get("HOST") or "127.0.0.1",
        port=int(port),
        database_url=env.get("DATABASE_URL") or None,
        secret=_secret(home, env.get("SUYUAN_SECRET")),
        source=env.get("SUYUAN_SOURCE") or "/suyuan",
        example=env.get("SUYUAN_EXAMPLE") == "1",
    )


def _secret(home: Path, given: str | None) -> bytes:
    """The given secret, or the home's own, made once and readable by its owner only."""
    if given is not None:
        if len(given) < 32:
            raise SystemExit("SUYUAN_SECRET must have at least 32 characters. SUYUAN_SECRET 至少 32 个字符。")
        return given.encode()
    file = home / "secret"
    if not file.exists():
        write_private(file, secrets.token_hex(32))
    return file.read_text(encoding="ascii").strip().encode()


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = file.with_name(file.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
