"""Fetches a document of the token issuer in a process of its own: by a deadline, up to a size, without redirects.

A process can be ended whatever it waits for: the address of a name, a handshake, or a body that comes a byte at a time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from service.auth import download
from service.auth.download import MAX_BYTES
from service.config import without_secrets

SCHEMES = ("https://", "http://")


def fetch(uri: str, deadline: float) -> dict[str, Any]:
    """The JSON object at `uri`, fetched before `deadline`, which is a time of time.monotonic().

    Raises OSError if it is not available by then, or is redirected; ValueError if it is larger than MAX_BYTES, or is
    not a JSON object.
    """
    if not uri.startswith(SCHEMES):
        raise ValueError(uri)
    seconds = deadline - time.monotonic()
    command = [sys.executable, "-I", download.__file__, uri]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=without_secrets(),
            timeout=max(seconds, 0),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{uri}: no complete answer within {seconds:.1f} s") from error
    if done.returncode:
        raise OSError(f"{uri}: {done.stderr.decode(errors='replace').strip()[-500:]}")
    if len(done.stdout) > MAX_BYTES:
        raise ValueError(f"{uri}: more than {MAX_BYTES} bytes")
    document = json.loads(done.stdout)
    if not isinstance(document, dict):
        raise ValueError(f"{uri}: not a JSON object")  # noqa: TRY004 - it is the content that is wrong
    return document
