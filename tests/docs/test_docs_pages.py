"""Every code block of the README and of docs/ is run; `page_runner` says how, and what stands in for slow commands."""

import doctest
from pathlib import Path

import pytest
from page_runner import ROOT, Story, blocks

import adag.estimator

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
STORIES = [page for page in PAGES if blocks(page.read_text())]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # runpy: imported by an earlier test
@pytest.mark.parametrize("page", STORIES, ids=lambda page: page.stem)
def test_every_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Story(tmp_path, monkeypatch).tell(page.read_text())


def test_guides_have_blocks() -> None:
    assert {"README", "add-a-method", "add-data", "running", "read-results", "pretrain"} <= {p.stem for p in STORIES}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("```ruby\nputs 1\n```", "no runner for a block of ruby"),
        ("```\nplain\n```", "no runner for a block of no language"),
        ("text\n\n    indented code\n", "no runner"),
        ("```python\nimport adag\nadag.ADAG().discover('nowhere.csv')\n```", "nowhere.csv"),
        ("```bash\ncurl example.org\n```", "no way to run"),
        ("```bash\nmake nonsense   # no such target\n```", "non-zero exit status"),
        ("```bash\npython -m adag discover nowhere.csv\n```", "exit code 2"),
        ("```bash\npython benchmarks/run.py --grid small && python benchmarks/run.py --sample 3\n```", "exit code 2"),
        ("```bash\nray start --port=many\n```", "many"),
        ('```toml title="g.toml"\ntitle = "x"\nmethods = []\n[[cells]]\ngraph = "er"\n```', "needs degree, d and n"),
        ('```toml title="g.toml"\nname = 1\n```', "neither a grid"),
        ("```csv\na,b\n1,2\n```", "say what to save it as"),
    ],
)
def test_a_block_that_does_not_work_is_found(
    text: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(tmp_path, monkeypatch)
    with pytest.raises(Exception, match=error):
        story.tell(text)


def test_examples_in_docstrings() -> None:
    """The API page shows them."""
    result = doctest.testmod(adag.estimator)
    assert result.attempted
    assert not result.failed
