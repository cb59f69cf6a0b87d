"""The configuration: reads the environment, once and only here. Every variable has a working default."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of the service.

    `health_host`, `health_port`: the address of health and metrics alone; port 0 for none. `database_url`: None for the
    embedded PostgreSQL under `home`. `secret`: the key of the digests of API keys and account numbers. `rate`: requests
    per second of each principal. `share`: the percentage of the time that each principal may read while others are at
    work. `check_hours`: hours between automatic checks of the ledger, 0 for never. `oidc`: the configuration file of
    the trusted identity provider. `example`: whether the ledger is the example's; if it is, the console needs no key on
    a loopback address. `refusals`, `refusal_mb`: how many refused posts of each principal are kept, and how many
    megabytes of them. `refusal_days`: for how many days, 0 for ever.
    """

    home: Path
    host: str
    port: int
    database_url: str | None
    secret: bytes
    source: str
    rate: int = 300
    share: int = 25
    check_hours: int = 24
    oidc: Path | None = None
    example: bool = False
    health_host: str = "127.0.0.1"
    health_port: int = 0
    refusals: int = 10_000
    refusal_mb: int = 16
    refusal_days: int = 1_095


ABOUT = {
    "SUYUAN_HOME": "数据文件夹 data directory [var]",
    "DATABASE_URL": "PostgreSQL 连接（不填则用内置的） libpq connection string [embedded server in SUYUAN_HOME]",
    "SUYUAN_SECRET": "密钥摘要所用的秘密 secret key of all digests [file `secret` in SUYUAN_HOME]",
    "SUYUAN_SECRET_FILE": "存有该秘密的文件 file that contains the secret",
    "SUYUAN_SOURCE": "本账簿事件的 source source of the events that this ledger publishes [/suyuan]",
    "HOST": "监听地址 address to listen on [127.0.0.1]",
    "PORT": "监听端口 port to listen on [8000]",
    "HEALTH_HOST": "健康检查和指标的监听地址 address of health and metrics alone [127.0.0.1]",
    "HEALTH_PORT": "健康检查和指标的端口，0 为不设 port of health and metrics alone, 0 for none [PORT + 1]",
    "SUYUAN_RATE": "每个密钥每秒的查询数，及每秒的提交数 reads, and posts, per second of each key [300]",
    "SUYUAN_SHARE": "有他人使用时，每个密钥可用于查询的时间百分比，大批提交亦同"
    " percentage of the time that each key may read, or post much, while others are at work [25]",
    "SUYUAN_REFUSALS": "每个密钥保留的被拒提交数 refusals kept of each key [10000]",
    "SUYUAN_REFUSAL_MB": "每个密钥的被拒提交所占 MB 数 megabytes of the refusals kept of each key [16]",
    "SUYUAN_REFUSAL_DAYS": "被拒提交保留的天数，0 为不限 days that a refusal is kept, 0 for ever [1095]",
    "SUYUAN_CHECK_HOURS": "自动核查的间隔小时数 hours between automatic checks, 0 for never [24]",
    "SUYUAN_OIDC": "身份提供方配置文件 configuration file of the identity provider",
    "SUYUAN_EXAMPLE": "1: 首页无需密钥 the console needs no key",
    "LOGNAME": "授权和导入记录中的经办人 operator in the records of keys and calendars [the system's user]",
}
"""Every environment variable that is read, with its description for the help of the commands."""
OF_LEDGER = ("SUYUAN_HOME", "DATABASE_URL", "SUYUAN_SECRET", "SUYUAN_SECRET_FILE")
"""The variables from which every command that uses the ledger finds the ledger and its secret."""
OF_EVENTS = ("SUYUAN_SOURCE",)
"""The variables that a command reads, in addition to OF_LEDGER, if it hashes events."""
OF_SERVER = (
    "HOST", "PORT", "HEALTH_HOST", "HEALTH_PORT", "SUYUAN_SOURCE", "SUYUAN_RATE", "SUYUAN_SHARE", "SUYUAN_OIDC",
    "SUYUAN_EXAMPLE", "SUYUAN_REFUSALS", "SUYUAN_REFUSAL_MB",
)  # fmt: skip
"""The variables that the web service reads, in addition to OF_LEDGER."""
OF_CHECKER = ("SUYUAN_CHECK_HOURS",)
OF_PROJECTOR = (*OF_CHECKER, "SUYUAN_REFUSAL_DAYS")
"""The variables that the checker and the projector read, in addition to OF_LEDGER."""


SECRETS = ("SUYUAN_SECRET", "DATABASE_URL", "PGPASSWORD")
"""The environment variables that may hold a secret or a password. A child process gets them by hand_over(), not in its
environment, which other programs can read in /proc/PID/environ."""
HANDED_OVER = "SUYUAN_HANDED_OVER"
"""The environment variable with the number of the file descriptor from which a child process reads these variables."""

MIN_SECRET = 32
"""The minimum number of characters of the ledger's secret."""


class ExitCode(IntEnum):
    """The exit codes of the commands; docs/operations.md explains them to operators."""

    DONE = 0
    """The command is done, or was stopped as intended."""
    DIFFERS = 1
    """The command found differences, and its findings name them."""
    NOT_DONE = 2
    """The command could not run, or could not finish."""
    PERMANENT = 3
    """The command could not run. If it were started again, it would fail again."""
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    """The process that read the command's output has ended."""


class OperatorError(Exception):
    """An error that the operator can fix. The command line prints its message, in both languages, and no traceback."""

    exit_code = ExitCode.NOT_DONE


class TemporaryError(OperatorError):
    """An error that may not recur when the command is run again."""


class ConfigWrong(OperatorError):
    """An environment variable is missing or invalid; the message says which one to set."""


def _no_ledger(home: Path) -> ConfigWrong:
    """The error for a home directory without a ledger."""
    return ConfigWrong(
        f"{home} 中没有账簿：请设置 SUYUAN_HOME 或 DATABASE_URL；确要新建的，用 --new\n"
        f"there is no ledger in {home}: set SUYUAN_HOME or DATABASE_URL; to create one: --new"
    )


def from_environment(
    env: Mapping[str, str] = os.environ, *, new: bool = False, variables: Collection[str] = OF_SERVER + OF_PROJECTOR
) -> Config:
    """The configuration from the environment.

    `new`: create the home directory and the secret if they are missing. `variables`: the variables that the command
    uses, besides those of the ledger; all others are ignored. The secret is removed from the environment of this
    process, so that it is not passed to child processes.

    Raises ConfigWrong if a variable is invalid. Without `new`, also raises it if there is no secret, or if DATABASE_URL
    is not set and the home directory has no ledger. With `new`, also raises it if the home directory has a ledger but
    there is no secret.
    """
    home = _home(env)
    url = _database_url(env)
    if url is None and new:
        home.mkdir(parents=True, exist_ok=True)
    elif url is None and not (home / "postgres").exists():
        raise _no_ledger(home)
    given = {name: env.get(name) for name in variables}
    port = _number(given, "PORT", 8000, 65_535)
    config = Config(
        home=home,
        host=given.get("HOST") or "127.0.0.1",
        port=port,
        database_url=url,
        secret=_secret(home, env, new=new),
        source=given.get("SUYUAN_SOURCE") or "/suyuan",
        rate=_number(given, "SUYUAN_RATE", 300, 1_000_000),
        share=_number(given, "SUYUAN_SHARE", 25, 10_000),
        check_hours=_number(given, "SUYUAN_CHECK_HOURS", 24, 8_760, minimum=0),
        oidc=Path(oidc) if (oidc := given.get("SUYUAN_OIDC")) else None,
        example=given.get("SUYUAN_EXAMPLE") == "1",
        health_host=given.get("HEALTH_HOST") or "127.0.0.1",
        health_port=_number(given, "HEALTH_PORT", (port + 1) % 65_536, 65_535, minimum=0),
        refusals=_number(given, "SUYUAN_REFUSALS", 10_000, 10_000_000, minimum=2_000),
        refusal_mb=_number(given, "SUYUAN_REFUSAL_MB", 16, 100_000, minimum=16),
        refusal_days=_number(given, "SUYUAN_REFUSAL_DAYS", 1_095, 36_500, minimum=0),
    )
    if env is os.environ:
        os.environ.pop("SUYUAN_SECRET", None)
    return config


def without_secrets() -> dict[str, str]:
    """The environment of this process, without the variables that may hold a secret: the one for child processes."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


def hand_over(config: Config) -> int:
    """A file descriptor from which a child process reads its variables of SECRETS. The caller closes it.

    It is the end of a pipe, which holds them: they are much shorter than a pipe's capacity. A secret that is not text
    can only come from the file in the home directory, where the child process finds it too.
    """
    variables = {"DATABASE_URL": config.database_url or "", "PGPASSWORD": os.environ.get("PGPASSWORD")}
    with suppress(UnicodeDecodeError):
        variables["SUYUAN_SECRET"] = config.secret.decode()
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        json.dump({name: value for name, value in variables.items() if value is not None}, stream)
    return reading


def accept_handed_over() -> None:
    """Set the variables that the parent process has handed over, if it has.

    What is set while a process runs does not show in /proc/PID/environ.
    """
    if descriptor := os.environ.pop(HANDED_OVER, None):
        with os.fdopen(int(descriptor), encoding="utf-8") as stream:
            os.environ.update(json.load(stream))


def _home(env: Mapping[str, str]) -> Path:
    try:
        return Path(os.path.realpath(env.get("SUYUAN_HOME") or "var"))  # Path.resolve fails on a loop of links
    except FileNotFoundError as error:
        raise ConfigWrong("当前文件夹已被删除 the current folder has been deleted: cd, or set SUYUAN_HOME") from error


def _database_url(env: Mapping[str, str]) -> str | None:
    url = env.get("DATABASE_URL") or None
    try:
        timeout_from_conninfo(conninfo_to_dict(url or ""))
    except ProgrammingError as error:  # the message must not repeat the URL: it may contain a password
        raise ConfigWrong("DATABASE_URL 格式错误 is malformed: postgresql://USER@HOST:PORT/DATABASE") from error
    return url


def _number(given: Mapping[str, str | None], name: str, default: int, maximum: int, minimum: int = 1) -> int:
    text = given.get(name) or str(default)
    if not (re.fullmatch("[0-9]{1,9}", text) and minimum <= int(text) <= maximum):
        raise ConfigWrong(
            f"{name} 须为 {minimum} 至 {maximum} 的整数。"
            f" {name} must be a number from {minimum} to {maximum}, not {text[:40]!r}."
        )
    return int(text)


def configured_secret(env: Mapping[str, str] = os.environ) -> bytes | None:
    """The secret from the environment, else from the file in the home directory; None if there is none yet.

    Raises ConfigWrong if the secret is shorter than MIN_SECRET, or SUYUAN_SECRET_FILE cannot be read.
    """
    given, file = _given_secret(env), _home(env) / "secret"
    if given is not None:
        if len(given) < MIN_SECRET:
            raise ConfigWrong(f"SUYUAN_SECRET 至少 {MIN_SECRET} 个字符 must have at least {MIN_SECRET} characters")
        return given.encode()
    if not file.exists():
        return None
    kept = file.read_bytes().strip()
    if len(kept) < MIN_SECRET:
        raise ConfigWrong(f"{file} 至少 {MIN_SECRET} 个字符 must have at least {MIN_SECRET} characters")
    return kept


def _given_secret(env: Mapping[str, str]) -> str | None:
    given = env.get("SUYUAN_SECRET")
    if given is not None or not (named := env.get("SUYUAN_SECRET_FILE")):
        return given
    try:
        return Path(named).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigWrong(f"SUYUAN_SECRET_FILE 无法读取 cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigWrong(f"SUYUAN_SECRET_FILE={named} 不是 UTF-8 文本 is not UTF-8 text") from error


def _secret(home: Path, env: Mapping[str, str], *, new: bool) -> bytes:
    """The configured secret. If there is none and `new` is true, creates one in `home`.

    If there is no secret, raises ConfigWrong in two cases: `new` is false, or `home` already has a ledger. A new secret
    would not be the secret of this ledger.
    """
    secret = configured_secret(env)
    if secret is not None:
        return secret
    file = home / "secret"
    if not new or (home / "postgres").exists():  # a new secret would not be that of an existing ledger
        raise ConfigWrong(
            f"没有 {file}：请设置 SUYUAN_SECRET、SUYUAN_SECRET_FILE 或 SUYUAN_HOME\n"
            f"there is no {file}: set SUYUAN_SECRET, SUYUAN_SECRET_FILE or SUYUAN_HOME"
        )
    home.mkdir(parents=True, exist_ok=True)
    made = secrets.token_hex(32)
    write_private(file, made)
    return made.encode()


def write_private(file: Path, text: str) -> None:
    """Write a file atomically, readable only by its owner."""
    draft = file.with_name(file.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
