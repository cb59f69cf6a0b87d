"""The command line: one module per command."""

from __future__ import annotations

import signal


def main() -> None:
    """Run `suyuan`. An interrupt during the imports prints no traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from service.cli.commands import run_command  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_command()
