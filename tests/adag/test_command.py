"""``python -m adag`` as an analyst types it: results, messages and exit codes."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from adag.__main__ import main
from adag.acyclicity import is_acyclic
from adag.sem import simulate
from benchmarks.sachs import observational


@pytest.fixture(scope="module")
def sachs_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sachs") / "sachs.csv"
    observational().to_csv(path, index=False)
    return path


def test_sachs_edge_list_and_drawing(command, sachs_csv: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "edges.csv", tmp_path / "graph.png"
    done = command("-m", "adag", "discover", sachs_csv, "--out", out, "--plot", plot)
    assert done.returncode == 0, done.stderr
    edges = pd.read_csv(out)
    assert list(edges.columns) == ["source", "target", "kind", "weight", "confidence"]
    names = list(observational().columns)
    assert set(edges["source"]) | set(edges["target"]) <= set(names)
    A = np.zeros((11, 11))
    for source, target in zip(edges["source"], edges["target"], strict=True):
        A[names.index(source), names.index(target)] = 1
    assert is_acyclic(A)
    assert A.sum() >= 5
    with Image.open(plot) as image:
        assert min(image.size) > 300


BAD = {
    "nan": ("a,b\n1,2\n3,\n4,5\n", "column 'b' has missing values"),
    "inf": ("a,b\n1,2\n3,inf\n4,5\n", "column 'b' has infinite values"),
    "constant": ("a,b\n1,2\n3,2\n4,2\n", "column 'b' is constant: drop it"),
    "copy": ("a,b,c\n1,2,1\n3,7,3\n4,5,4\n", "columns 'a' and 'c' are identical"),
    "text": ("a,b\n1,x\n3,y\n4,z\n", "column 'b' is not numeric"),
    "row": ("a,b\n1,2\n", "1 row"),
    "column": ("a\n1\n2\n", "1 column"),
    "empty": ("", "is empty"),
    "header": ("1,2\n3,4\n5,7\n", "no header row"),
}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """The command without a process of its own, which costs seconds each: (exit code, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["adag", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        code = stopped.value.code
        return (int(code or 0), *capfd.readouterr())

    return call


@pytest.mark.parametrize("case", BAD)
def test_bad_csv_is_one_line_and_exit_code_2(in_process, case: str, tmp_path: Path) -> None:
    text, words = BAD[case]
    path = tmp_path / "data.csv"
    path.write_text(text)
    code, out, err = in_process("discover", path)
    assert code == 2
    assert words in err
    assert err.strip().count("\n") == 0
    assert out == ""


def test_a_mistake_ends_the_real_process_too(command, tmp_path: Path) -> None:
    done = command("-m", "adag", "discover", tmp_path / "none.csv")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no file")
    assert done.stderr.strip().count("\n") == 0


def test_other_mistakes(in_process, sachs_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"junk")
    for arguments, words in [
        (["discover", sachs_csv, "--checkpoint", tmp_path / "bad.safetensors"], "damaged"),
        (["discover", sachs_csv, "--out", tmp_path / "no" / "folder.csv"], "cannot write"),
        (["discover", sachs_csv, "--plot", tmp_path / "graph.doc"], "end the name in .png"),
        (["pretrain", "--config", tmp_path / "none.toml"], "no training configuration"),
    ]:
        code, _, err = in_process(*arguments)
        assert code == 2, err
        assert words in err
        assert "Traceback" not in err


def test_fewer_samples_than_variables_works(in_process, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    pd.DataFrame(np.random.default_rng(0).normal(size=(4, 9))).add_prefix("v").to_csv(path, index=False)
    assert in_process("discover", path)[0] == 0


def test_info_shows_the_card(in_process) -> None:
    code, out, _ = in_process("info")
    assert code == 0
    assert "adag-foundation" in out
    assert "validation_shd" in out


@pytest.mark.ray
def test_a_table_in_several_files_of_two_kinds(in_process, tmp_path: Path) -> None:
    table = observational()
    table[:300].to_csv(tmp_path / "a.csv", index=False)
    table[300:][list(reversed(table.columns))].to_parquet(tmp_path / "b.parquet")
    table.to_csv(tmp_path / "whole.csv", index=False)
    parts = in_process("discover", tmp_path / "a.csv", tmp_path / "b.parquet", "--out", tmp_path / "parts.csv")
    whole = in_process("discover", tmp_path / "whole.csv", "--out", tmp_path / "whole_edges.csv")
    assert parts[0] == whole[0] == 0, parts[2]
    assert f"{len(table)} samples" in parts[1]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "parts.csv"), pd.read_csv(tmp_path / "whole_edges.csv"))


def test_refined_and_standardised_answers_are_others(in_process, tmp_path: Path) -> None:
    X = simulate(1, 40, 30, degree=2, generator=torch.Generator().manual_seed(2))[1][0].numpy()
    pd.DataFrame(X, columns=[f"v{j}" for j in range(40)]).to_csv(tmp_path / "wide.csv", index=False)
    edges = []
    for options in ([], ["--refine"], ["--standardise"]):
        code, _, err = in_process("discover", tmp_path / "wide.csv", "--out", tmp_path / "e.csv", *options)
        assert code == 0, err
        edges.append(pd.read_csv(tmp_path / "e.csv"))
    assert not edges[0].equals(edges[1])
    assert edges[2]["weight"].abs().median() < edges[0]["weight"].abs().median()


def test_adapt_writes_a_checkpoint_that_discover_reads(in_process, tmp_path: Path) -> None:
    folder, out = tmp_path / "plants", tmp_path / "mine.safetensors"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(6):
        a = rng.normal(size=12)
        b = 1.5 * a + rng.normal(size=12)
        columns = {"a": a, "b": b, "c": rng.normal(size=12) - b}
        pd.DataFrame(columns)[["c", "a", "b"] if k % 2 else ["a", "b", "c"]].to_csv(folder / f"{k}.csv", index=False)
    code, said, complaint = in_process("adapt", folder, "--out", out, "--checkpoint", "adag-small")
    assert code == 0, complaint
    assert "6 data sets of 12 rows, 3 variables" in said
    code, said, complaint = in_process("discover", folder / "3.csv", "--checkpoint", out)
    assert code == 0, complaint
    assert "among 3 variables" in said


def test_adapt_names_what_it_cannot_read(in_process, tmp_path: Path) -> None:
    out = tmp_path / "mine.safetensors"
    code, _, complaint = in_process("adapt", tmp_path / "nowhere", "--out", out)
    assert code == 2
    assert "no folder" in complaint
    code, _, complaint = in_process("adapt", tmp_path, "--out", out)
    assert code == 2
    assert "has no .csv or .parquet file" in complaint
    (tmp_path / "a.csv").write_text("p,q\n1,2\n3,5\n4,4\n")
    (tmp_path / "b.csv").write_text("p,r\n1,2\n3,5\n4,4\n")
    code, _, complaint = in_process("adapt", tmp_path, "--out", out)
    assert code == 2
    assert "b.csv': column 'q' of '" in complaint
    assert "is missing" in complaint
    (tmp_path / "b.csv").write_text("p,q,r\n1,2,0\n3,5,1\n4,4,7\n")
    code, _, complaint = in_process("adapt", tmp_path, "--out", out)
    assert (code, "b.csv': column 'r' is not among those of '" in complaint) == (2, True)
    (tmp_path / "b.csv").write_text("q,p\n1,2\n3,\n4,4\n")
    code, _, complaint = in_process("adapt", tmp_path, "--out", out)
    assert (code, "b.csv': column 'p' has missing values (NaN): 1 of 3 rows" in complaint) == (2, True)
    (tmp_path / "b.csv").write_text("1,2\n3,5\n4,4\n")
    code, _, complaint = in_process("adapt", tmp_path, "--out", out)
    assert (code, "b.csv' has no header row" in complaint) == (2, True)
    assert complaint.count("b.csv") == 1
    assert not out.exists()


def test_adapt_to_a_single_file_says_that_it_learns_nothing(in_process, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "one").mkdir()
    pd.DataFrame(rng.normal(size=(12, 3)), columns=list("abc")).to_csv(tmp_path / "one" / "a.csv", index=False)
    out = tmp_path / "mine.safetensors"
    code, said, complaint = in_process("adapt", tmp_path / "one", "--out", out, "--checkpoint", "adag-small")
    assert code == 0, complaint
    assert "1 data set of 12 rows, 3 variables" in said
    assert "one has no other to share with: the checkpoint answers as before, with --refine" in said
    assert out.exists()
