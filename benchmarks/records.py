"""What is kept of a trial, and how a run's folder is read. Called by `store`, `executor`, and all who read results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adag.errors import UsageError
from baselines import method_class
from benchmarks.keys import LATER, TRIAL, Trial
from benchmarks.outcome import Outcome

SCHEMA = pa.schema(
    [
        ("label", pa.string()),  # method with its parameters, as printed
        ("method", pa.string()),
        ("params", pa.string()),
        ("version", pa.string()),
        ("deterministic", pa.bool_()),  # as the method declares: one seed, one answer
        ("given", pa.string()),  # what the method knew of the data set's family: one domain, training domains, ...
        ("graph", pa.string()),
        ("degree", pa.float64()),
        ("d", pa.int64()),
        ("n", pa.int64()),
        ("noise", pa.string()),
        ("variance", pa.string()),
        ("scale", pa.string()),
        ("violation", pa.string()),
        ("threshold", pa.float64()),
        ("domain_family", pa.string()),  # general, order-consistent, heterogeneous
        ("family_seed", pa.int64()),
        ("repeat", pa.int64()),
        ("seed", pa.int64()),
        ("status", pa.string()),  # ok, error, timeout, crash, oom, invalid-output
        ("runtime_s", pa.float64()),  # of a single `discover`
        ("prepare_s", pa.float64()),  # of what was learnt once from the family before it; NaN without
        ("peak_memory_mib", pa.float64()),  # resident in the worker during the trial, its libraries included
        ("batch_runtime_s", pa.float64()),  # a data set's share of one `discover_many`; NaN without
        ("batch_size", pa.int64()),  # data sets in that call; 0 without
        ("timeout_s", pa.float64()),
        ("first_call", pa.bool_()),
        ("threads", pa.int64()),
        ("device", pa.string()),
        ("error", pa.string()),
        ("traceback", pa.string()),
        ("kind", pa.string()),
        ("adjacency", pa.list_(pa.int8())),
        ("weights", pa.list_(pa.float32())),  # seven digits, in half the bytes
        ("confidence", pa.list_(pa.float32())),
    ]
)
ARRAYS = ("adjacency", "weights", "confidence")


def record(trial: Trial, version: str, outcome: Outcome) -> dict[str, Any]:
    """What is kept of a trial: what it was, and what came of it."""
    return {
        "label": str(trial.method),
        "method": trial.method.name,
        "params": trial.method.params_text,
        "version": version,
        "deterministic": method_class(trial.method.name).randomness != "unseeded",  # one seed, one answer
        "given": method_class(trial.method.name).given,
        **vars(trial.dataset),
        "seed": trial.dataset.seed,
        "timeout_s": trial.timeout_s,
        **outcome,
    }


def read_records(folder: Path) -> pd.DataFrame:
    """Every trial of a run, one row each, in the order of `TRIAL`; the latest record of a trial counts."""
    frames = []
    if (folder / "estimates.parquet").exists():
        try:
            frames.append(_filled(pq.read_table(folder / "estimates.parquet", schema=SCHEMA)))
        except pa.ArrowInvalid as e:
            raise UsageError(
                f"'{folder / 'estimates.parquet'}' is damaged ({str(e).splitlines()[0]}): restore it, or delete it "
                "to run its trials again"
            ) from None
    if (folder / "journal.jsonl").exists() and (rows := whole_lines(folder / "journal.jsonl")[0]):
        frames.append(_filled(pa.Table.from_pylist(rows, schema=SCHEMA)))
    if not frames:
        return SCHEMA.empty_table().to_pandas()
    records = pd.concat(frames, ignore_index=True)
    records = records.drop_duplicates(list(TRIAL), keep="last")
    return records.sort_values(list(TRIAL), ignore_index=True)


def _filled(table: pa.Table) -> pd.DataFrame:
    for name, value in LATER.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pc.fill_null(table.column(at), value))
    return table.to_pandas()


def current(records: pd.DataFrame, trials: Sequence[Trial], versions: dict[str, str]) -> set[tuple[Any, ...]]:
    """Keys of the trials whose record stands: by the present version of their method, and of the present limit.

    A time-out under a shorter limit says nothing of the present one, nor does a success that took longer.
    """
    limits = {trial.key: trial.timeout_s for trial in trials}
    ours = records[records["version"] == records["label"].map(versions)]
    return {
        key
        for key, status, seconds, limit in zip(
            ours[list(TRIAL)].itertuples(index=False, name=None),
            ours["status"],
            ours["runtime_s"],
            ours["timeout_s"],
            strict=True,
        )
        if key in limits and (limit >= limits[key] if status == "timeout" else not seconds > limits[key])
    }


def other_versions(records: pd.DataFrame, missing: Sequence[Trial], versions: dict[str, str]) -> list[str]:
    """What a user should know before results of another version of a method are replaced, or stay beside new ones."""
    others = records[records["label"].isin(list(versions)) & (records["version"] != records["label"].map(versions))]
    replaced = {trial.key for trial in missing}
    notes = []
    for (label, version), rows in others.groupby(["label", "version"]):
        keys = rows[list(TRIAL)].itertuples(index=False, name=None)
        again = sum(key in replaced for key in keys)
        stay = f"; {len(rows) - again} outside this plan stay" if again < len(rows) else ""
        notes.append(f"{label} is now {versions[str(label)]}: {again} trials by {version} are run again{stay}")
    return notes


def whole_lines(journal: Path) -> tuple[list[dict[str, Any]], int]:
    """The records of a journal and the bytes they take; a torn last line was never acknowledged."""
    rows, whole = [], 0
    with journal.open("rb") as file:
        lines = file.readlines()
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                break
            rows.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise UsageError(f"line {number} of '{journal}' is damaged: delete that line to go on") from None
            break  # a power cut may leave a last line of zeros
        whole += len(line)
    return rows, whole
