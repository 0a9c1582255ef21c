"""The speed command: ratios are of its own seconds, beside their targets."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmarks import speed


def test_ratios_are_those_of_the_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # NOTEARS needs many seconds; the command's own arithmetic does not need NOTEARS.
    real = speed.single_calls
    monkeypatch.setattr(speed, "single_calls", lambda names, few: real(names[:2], few) | {"notears": 100.0})
    speed.run(out=tmp_path, sets=10, few=2, rows=2000)
    table = pd.read_csv(tmp_path / "speed.csv").set_index("quantity")
    assert (table["seconds"].drop("the same less its constant") > 0).all()
    for quantity in (speed.MANY, speed.HALVED):
        many = table.loc[quantity]
        assert many["ratio"] == pytest.approx(100.0 / many["seconds"], rel=1e-3)
        assert many["target"] == ">= 5000"
    table = table.fillna("")
    long = table.loc[speed.TABLE]
    assert long["ratio"] == pytest.approx(long["seconds"] / table.loc[speed.PRODUCT, "seconds"], rel=1e-3)
    environment = json.loads((tmp_path / "environment.json").read_text())
    assert environment["command"].startswith("python benchmarks/speed.py")
    stream = io.StringIO()
    speed.show(pd.read_csv(tmp_path / "speed.csv", keep_default_na=False, na_values={"ratio": ""}),
               Console(file=stream, width=120))  # fmt: skip
    assert ">= 5000" in stream.getvalue()
    assert "nan" not in stream.getvalue()


def test_data_sets_are_the_same_each_time() -> None:
    np.testing.assert_array_equal(speed.samples(2, 10), speed.samples(2, 10))
