"""Bounds what answers hold that their clients do not read: bytes per sender and in total, and seconds without progress.

The web server keeps an answer in memory until its client has read it, and has no limit of its own.
"""

from __future__ import annotations

import os
import socket

import psutil

STALLED_SECONDS = 30
"""A connection whose client reads nothing, or does not confirm what it was sent, is closed after this time."""
SEND_BUFFER_BYTES = 256 * 1024
"""How much of an answer the kernel takes at a time. The kernel reserves twice as much, and without this limit several
MiB for each connection."""
SMALL_ANSWER_BYTES = 128 * 1024
"""A larger answer is a large answer. Its connection is closed after it, by which the gateway learns that it was read.
"""
MAX_UNREAD_PER_SENDER, MAX_UNREAD = 16 * 1024 * 1024, 64 * 1024 * 1024
"""Maximum number of bytes in the large answers that were not read yet, per sender and in total."""


def limit_connections() -> None:
    """Set the limits of the connections that this process accepts from now on, on each socket on which it listens.

    Accepted sockets have the options of the listening one. Granian opens this itself and has no settings for them.
    """
    for each in psutil.Process().net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN:
            with socket.socket(fileno=os.dup(each.fd)) as listening:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1_000)
