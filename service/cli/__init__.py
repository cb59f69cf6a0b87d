"""The command line: one module per command."""

from __future__ import annotations

import sys
from _signal import SIG_DFL, SIGINT, signal  # type: ignore[import-not-found] # the module signal takes 10 ms to load


def main() -> None:
    """Run the program `suyuan`. Ctrl-C ends it without a traceback, even while modules are still being imported."""
    signal(SIGINT, SIG_DFL)  # first of all
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the shell closed it (`>&-`)
            setattr(sys, name, open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open until the end
    from service.cli.commands import run_command  # noqa: PLC0415 - see above

    run_command()
