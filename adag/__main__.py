"""The command: ``python -m adag discover | adapt | pretrain | info``. Thin: parsing, progress and one-line errors."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from adag.errors import UsageError

app = typer.Typer(
    help="Zero-shot causal structure learning with a pre-trained attention network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console, errors = Console(), Console(stderr=True)


@app.command()
def discover(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="CSV file (a header row with the variable names, one row per sample), Parquet file, or folder of "
            "Parquet files; several files are parts of one table, read in parallel."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Write the edge list to this CSV file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the graph to this file (.png, .svg or .pdf).")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="A shipped name or a file; see 'info'.")] = None,
    standardise: Annotated[
        bool,
        typer.Option(help="Divide every column by its standard deviation first: for columns in unlike units."),
    ] = False,
    refine: Annotated[
        bool | None,
        typer.Option(
            "--refine/--no-refine",
            help="Search on from the network's graph under the likelihood: for many rows or columns. "
            "Default: as the checkpoint says (only adapted ones do).",
            show_default=False,
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Ray cluster that reads several files; default: this machine.")
    ] = None,
) -> None:
    """Estimate the causal graph of a table: print its edges, and write or draw them."""
    from adag.estimator import ADAG
    from adag.streaming import sums_of, sums_of_files

    sums = sums_of(data[0]) if len(data) == 1 else sums_of_files(data, address=address)
    graph = ADAG(checkpoint, refine=refine).discover_sums(sums, standardise=standardise)
    edges = graph.edges()
    table = Table(title=f"{len(edges)} edges among {graph.d} variables, {sums.n} samples")
    for column, align in (("source", "left"), ("target", "left"), ("weight", "right"), ("confidence", "right")):
        table.add_column(column, justify=align)  # type: ignore[arg-type]
    for source, target, weight, confidence in edges[["source", "target", "weight", "confidence"]].to_numpy():
        table.add_row(source, target, f"{weight:.3g}", f"{confidence:.2f}")
    console.print(table)
    if out:
        _writing(out, lambda: edges.to_csv(out, index=False))
        console.print(f"edge list: {out}")
    if plot:
        from adag.drawing import draw_graph

        name = data[0].name if len(data) == 1 else f"{len(data)} files"
        _writing(plot, lambda: draw_graph(graph, plot, title=f"{name}: {sums.n} samples, by ADAG"))
        console.print(f"drawing: {plot}")


@app.command()
def adapt(
    folder: Annotated[Path, typer.Argument(help="Folder of CSV or Parquet files, a data set (domain) each.")],
    out: Annotated[Path, typer.Option(help="Checkpoint to write, e.g. mine.safetensors.")],
    checkpoint: Annotated[str | None, typer.Option(help="What to adapt: a shipped name or a file; see 'info'.")] = None,
) -> None:
    """Learn what data sets over the same variables share; then 'discover --checkpoint OUT' on any of their kind."""
    from rich.progress import Progress

    from adag.estimator import ADAG

    if not folder.is_dir():
        raise UsageError(f"no folder '{folder}': give a folder of CSV or Parquet files over the same variables")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".parquet"))
    if not files:
        raise UsageError(f"'{folder}' has no .csv or .parquet file: put one file a data set there")
    start = ADAG(checkpoint)
    with Progress(console=console) as progress:
        bar = progress.add_task("data sets", total=len(files))
        adapted = start.adapt(files, on_domain=lambda done: progress.update(bar, completed=done))
    _writing(out, lambda: adapted.save(out))
    learned = adapted.card["adapted"]
    rows = " to ".join(str(n) for n in sorted(set(learned["rows"])))
    count = f"{learned['domains']} data set{'s' if learned['domains'] > 1 else ''}"
    console.print(f"{count} of {rows} rows, {len(adapted.variables or [])} variables")
    if learned["gain"] > 0:
        console.print(f"what they share foretells a new one: {learned['gain']:.3f} nats a pair of variables")
    else:
        alone = learned["domains"] == 1
        why = "one has no other to share with" if alone else "they share nothing that can be told from them"
        console.print(f"{why}: the checkpoint answers as before, with --refine", soft_wrap=True)
    console.print(f"checkpoint: {out}", soft_wrap=True)


@app.command()
def pretrain(
    config: Annotated[Path, typer.Option(help="Training configuration (TOML).")] = Path("adag/configs/small.toml"),
    out: Annotated[Path | None, typer.Option(help="Checkpoint to write; default: runs/NAME.safetensors.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="CPU threads; default: all cores.")] = None,
) -> None:
    """Train a checkpoint on simulated tasks; run again to resume after an interruption."""
    import torch
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from adag import pretrain as training
    from adag.training_config import load_config

    settings = load_config(config)
    out = out or Path("runs") / f"{settings.name}.safetensors"
    if threads:
        torch.set_num_threads(threads)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(settings.name, total=settings.steps)

        def on_step(step: int, loss: float, validation: dict[str, float] | None) -> None:
            progress.update(bar, completed=step, description=f"{settings.name} loss {loss:.3f}")
            if validation:
                cells = "  ".join(f"{cell}: {shd:.2f}" for cell, shd in validation.items())
                progress.console.print(f"step {step}  SHD  {cells}")

        training.pretrain(settings, out, device=device, on_step=on_step)
    console.print(f"checkpoint: {out}")


@app.command()
def info(
    checkpoint: Annotated[
        str | None, typer.Argument(help="A shipped name or a file; default: the shipped ones.")
    ] = None,
) -> None:
    """Show what a checkpoint is and what it was trained on."""
    from adag import checkpoint as checkpoints

    for name in [checkpoint] if checkpoint else list(checkpoints.shipped()):
        loaded = checkpoints.load(name)
        size = sum(p.numel() for p in loaded.model.parameters())
        console.print(f"[bold]{loaded.card['name']}[/bold]: {size:,} parameters")
        console.print_json(json.dumps(loaded.card))


def _writing(path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as e:
        raise UsageError(
            f"cannot write '{path}' ({e.strerror or e}): choose another place or free some space"
        ) from None


def main() -> None:
    """Run the command; a mistake of the user's is one line on stderr and exit code 2."""
    try:
        app()
    except UsageError as e:
        errors.print(f"error: {e}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
