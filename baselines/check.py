"""The command ``python -m baselines.check NAME``: a method against the contract, with what to mend.

For authors of methods; thin over `conformance`. Exits with 1 where a check is broken, 2 where there is no such method.
"""

import argparse
import sys

from adag.errors import UsageError
from baselines.conformance import examine
from baselines.spec import split_specs


def main() -> int:
    """Print a table for every method named; the exit code says whether all conform."""
    parser = argparse.ArgumentParser(
        prog="python -m baselines.check", description="Check methods against the contract."
    )
    parser.add_argument("methods", help='comma-separated, e.g. notears,"golem[num_iter=400]"')
    arguments = parser.parse_args()

    from rich.console import Console
    from rich.table import Table

    console, errors = Console(), Console(stderr=True)
    broken = 0
    try:
        for spec in split_specs(arguments.methods):
            verdicts = examine(str(spec))
            table = Table(title=str(spec).replace("[", "\\["), title_justify="left")
            for heading in ("check", "result", "what to mend, or a remark"):
                table.add_column(heading, no_wrap=heading != "what to mend, or a remark")
            for verdict in verdicts:
                table.add_row(
                    verdict.check, verdict.status, verdict.text.replace("[", "\\["),
                    style="red" if verdict.status == "broken" else "",
                )  # fmt: skip
            console.print(table)
            broken += sum(verdict.status == "broken" for verdict in verdicts)
    except UsageError as e:
        errors.print(f"error: {e}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    console.print(f"{broken} broken" if broken else "conforms to the contract", highlight=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
