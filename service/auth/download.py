"""Writes the document at a URL to standard output, without following redirects. Run as a program of its own.

It is started by its path, and imports only the standard library.
"""

from __future__ import annotations

import signal
import sys
import urllib.request
from typing import Any

MAX_BYTES = 1_000_000
ORPHAN_SECONDS = 60
"""The program ends after this time, even if the process that started it has been killed."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, because it could lead to any address inside our network. urllib then raises HTTPError."""

    def redirect_request(self, *_: Any) -> None:
        return None


def main(uri: str) -> None:
    """Write the document at `uri`, at most one byte more than MAX_BYTES. On any error, write it to standard error."""
    signal.alarm(ORPHAN_SECONDS)
    try:
        with urllib.request.build_opener(_NoRedirects).open(uri, timeout=ORPHAN_SECONDS) as response:
            content = response.read(MAX_BYTES + 1)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller logs it
        sys.exit(repr(error))
    sys.stdout.buffer.write(content)


if __name__ == "__main__":
    main(sys.argv[1])
