"""The command line: one module per command."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Run `suyuan`. An interrupt during the imports prints no traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the shell closed it (`>&-`)
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end
    from service.cli.commands import run_command  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_command()
