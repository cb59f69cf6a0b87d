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
    errno.EADDRINUSE: (PortTaken, "端口被占用，请设置 {port}; the port is taken: set {port}"),
    errno.EACCES: (ConfigWrong, "端口不允许使用，请设置 {port}; the port is not permitted: set {port}"),
    errno.EADDRNOTAVAIL: (ConfigWrong, "不是本机地址，请设置 {host}; not an address of this machine: set {host}"),
}
"""Maps each error number to the exception to raise, and why the service cannot listen on the address.

`{host}` and `{port}` are the variables that set it.
"""
OTHERWISE = (ConfigWrong, "无法监听，请设置 {host}; cannot be listened on: set {host}")


def checked(config: Config) -> Config:
    """The configuration with HOST and HEALTH_HOST resolved to IP addresses, because the web server needs addresses.

    Raises ConfigWrong, PortTaken or TokenFileWrong if the service cannot start with this configuration.
    """
    if config.oidc:
        tokens.read(config.oidc)
    host = _resolved(config.host, config.port, host="HOST", port="PORT")
    if not config.health_port:
        return replace(config, host=host)
    if config.health_port == config.port:
        raise ConfigWrong(f"HEALTH_PORT={config.port}: 不能与 PORT 相同 it must not be the port of PORT")
    health_host = _resolved(config.health_host, config.health_port, host="HEALTH_HOST", port="HEALTH_PORT")
    return replace(config, host=host, health_host=health_host)


def _resolved(address: str, port_number: int, **variables: str) -> str:
    """The IP address of `address`. `variables`: the names of the variables `host` and `port` that set the two.

    Raises ConfigWrong or PortTaken if the service cannot listen there.
    """
    try:
        [(family, _, _, _, found), *_] = socket.getaddrinfo(
            address, port_number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        host = variables["host"]
        raise ConfigWrong(
            f"{host}={address}: 无法解析，请设置 {host}; cannot be resolved: set {host} ({error})"
        ) from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(found)
        except OSError as error:
            kind, reason = REASONS.get(error.errno or 0, OTHERWISE)
            raise kind(f"{address}:{port_number} {reason.format(**variables)} ({error.strerror})") from error
    return str(found[0])
