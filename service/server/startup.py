"""Checks the web service's address and the file of its identity provider before the service starts."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace

from service.auth import tokens
from service.config import Config, ConfigWrong, TemporaryError


class PortTaken(TemporaryError):
    """Another process listens on the port, for example a worker process that is left over from a killed server."""


REASONS = {
    errno.EADDRINUSE: (PortTaken, "端口被占用，请设置 PORT; the port is taken: set PORT"),
    errno.EACCES: (ConfigWrong, "端口不允许使用，请设置 PORT; the port is not permitted: set PORT"),
    errno.EADDRNOTAVAIL: (ConfigWrong, "不是本机地址，请设置 HOST; not an address of this machine: set HOST"),
}
"""Maps each error number to the exception to raise, and why the service cannot listen on the address."""
OTHERWISE = (ConfigWrong, "无法监听，请设置 HOST; cannot be listened on: set HOST")


def checked(config: Config) -> Config:
    """The configuration with HOST resolved to an IP address, because the web server needs an address.

    Raises ConfigWrong, PortTaken or TokenFileWrong if the service cannot start with this configuration.
    """
    if config.oidc:
        tokens.read(config.oidc)
    return replace(config, host=_resolved(config.host, config.port))


def _resolved(host: str, port: int) -> str:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise ConfigWrong(f"HOST={host}: 无法解析，请设置 HOST; cannot be resolved: set HOST ({error})") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            kind, reason = REASONS.get(error.errno or 0, OTHERWISE)
            raise kind(f"{host}:{port} {reason} ({error.strerror})") from error
    return str(address[0])
