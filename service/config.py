"""What the environment sets, read once. Everything has a default that works on an empty machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """`database_url` None: the embedded PostgreSQL under `home`. `secret` keys the digests of API keys and accounts.

    `rate`: requests a second that each principal may send. `check_hours`: how often the projector checks the ledger, 0
    for never by itself. `oidc`: the file that says whose tokens are taken.
    """

    home: Path
    host: str
    port: int
    database_url: str | None
    secret: bytes
    source: str
    rate: int = 300
    check_hours: int = 24
    oidc: Path | None = None
    example: bool = False


VARIABLES = (
    "SUYUAN_HOME", "HOST", "PORT", "DATABASE_URL", "SUYUAN_SECRET", "SUYUAN_SECRET_FILE", "SUYUAN_SOURCE",
    "SUYUAN_RATE", "SUYUAN_CHECK_HOURS", "SUYUAN_OIDC", "SUYUAN_EXAMPLE",
)  # fmt: skip
"""All that is read."""


def from_environment(env: Mapping[str, str] = os.environ) -> Config:
    """The configuration that the VARIABLES give. Writes nothing where a database and a secret are given."""
    home = Path(env.get("SUYUAN_HOME") or "var").resolve()
    url = env.get("DATABASE_URL") or None
    if url is None:
        home.mkdir(parents=True, exist_ok=True)
    return Config(
        home=home,
        host=env.get("HOST") or "127.0.0.1",
        port=_number(env, "PORT", 8000, 65_535),
        database_url=url,
        secret=_secret(home, env),
        source=env.get("SUYUAN_SOURCE") or "/suyuan",
        rate=_number(env, "SUYUAN_RATE", 300, 1_000_000),
        check_hours=_number(env, "SUYUAN_CHECK_HOURS", 24, 8_760, least=0),
        oidc=Path(env["SUYUAN_OIDC"]) if env.get("SUYUAN_OIDC") else None,
        example=env.get("SUYUAN_EXAMPLE") == "1",
    )


def _number(env: Mapping[str, str], name: str, default: int, most: int, least: int = 1) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SystemExit(
            f"{name} must be a number from {least} to {most}, not {text!r}. {name} 须为 {least} 至 {most} 的整数。"
        )
    return int(text)


def _secret(home: Path, env: Mapping[str, str]) -> bytes:
    """The given secret, or the home's own, made once and readable by its owner only."""
    given = env.get("SUYUAN_SECRET")
    if given is None and env.get("SUYUAN_SECRET_FILE"):
        given = Path(env["SUYUAN_SECRET_FILE"]).read_text(encoding="utf-8").strip()
    if given is not None:
        if len(given) < 32:
            raise SystemExit("SUYUAN_SECRET must have at least 32 characters. SUYUAN_SECRET 至少 32 个字符。")
        return given.encode()
    file = home / "secret"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
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
