"""``environment.json`` of a folder that several calls have filled."""

import json
from pathlib import Path

from benchmarks import environment


def test_the_commands_and_checkpoints_of_earlier_calls_are_kept(tmp_path: Path) -> None:
    for methods in ("all", "adag", "all", "adag"):
        environment.write(tmp_path, 1, ["--methods", methods], {methods: f"what {methods} saw"})
    kept = json.loads((tmp_path / "environment.json").read_text())
    assert kept["command"] == "python benchmarks/run.py --methods adag"
    assert kept["earlier_commands"] == ["python benchmarks/run.py --methods all"]
    assert environment.pretrained(tmp_path) == {"all": "what all saw", "adag": "what adag saw"}
