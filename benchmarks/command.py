"""How the smaller commands of this room end. Called by `ablation`, `calibration` and `speed`."""

import sys
from collections.abc import Callable

from adag.errors import UsageError


def run_command(command: Callable[[], object]) -> None:
    """Run it; what a user can mend is one line on stderr and exit code 2."""
    try:
        command()
    except (UsageError, OSError) as e:
        print(f"error: {e}", file=sys.stderr)
        raise SystemExit(2) from None
