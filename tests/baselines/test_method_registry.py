"""From a name to a method: built in, from another package, and what is not there."""

import importlib
import inspect
import operator
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adag.errors import CheckpointError, UsageError
from baselines import Method, available_methods, get_method, method_class, register
from baselines.registry import built_in_methods, parameters

BUILT_IN = [
    "adag", "adag-adapted", "adag-family", "adag-family-self-taught", "adag-family-supervised", "adag-refined",
    "adag-unsupervised", "bayes-optimal", "boss", "dagma", "direct-lingam", "empty", "flop", "ges", "golem",
    "golem-ev", "golem-nv", "grasp", "ica-lingam", "multi-group-direct-lingam", "notears", "notears-pooled",
    "notears-standardised",
    "notears-torch", "oracle-order-lasso", "oracle-order-ridge", "pc", "pooled-order-lasso", "pooled-order-ridge",
    "r2-sort-regress", "random-sort-regress", "var-sort-regress",
]  # fmt: skip
CPDAGS = {"boss", "flop", "ges", "grasp", "pc"}

OURS = tuple(name for name in BUILT_IN if name.startswith("adag"))
CONTROLS = {"bayes-optimal", "oracle-order-lasso", "oracle-order-ridge", "pooled-order-lasso", "pooled-order-ridge"}
"""Ours, with settings that are nobody's: their prior, the domains that they learn from or are tuned on."""

PUBLISHED = {
    "adag": "adag.estimator:ADAG",
    "adag-adapted": "adag.estimator:ADAG",
    "adag-family": "adag.estimator:ADAG",
    "adag-family-self-taught": "adag.estimator:ADAG",
    "adag-family-supervised": "adag.estimator:ADAG",
    "adag-refined": "adag.estimator:ADAG",
    "adag-unsupervised": "adag.estimator:ADAG",
    "boss": "causallearn.search.PermutationBased.BOSS:boss",
    "dagma": "dagma.linear:DagmaLinear.fit",
    "direct-lingam": "lingam:DirectLiNGAM",
    "flop": "flopsearch:flop",
    "ges": "causallearn.search.ScoreBased.GES:ges",
    "golem": "castle.algorithms:GOLEM",
    "golem-ev": "castle.algorithms:GOLEM",
    "golem-nv": "castle.algorithms:GOLEM",
    "grasp": "causallearn.search.PermutationBased.GRaSP:grasp",
    "ica-lingam": "lingam:ICALiNGAM",
    "notears": "castle.algorithms:Notears",
    "notears-pooled": "castle.algorithms:Notears",
    "notears-standardised": "castle.algorithms:Notears",
    "notears-torch": "notears_pytorch:notears_linear",
    "pc": "causallearn.search.ConstraintBased.PC:pc",
}
"""The library's own class or function, where the method has parameters."""

NOT_IN_THE_SIGNATURE = {
    # Of a benchmarked CPU method: the one deliberate difference.
    **{(name, "device"): "cpu" for name in OURS},
    **{(name, "relabel"): False for name in OURS},  # a control of the benchmark, not of the estimator
    ("adag-adapted", "domains"): 100,  # the caller must choose
    ("notears-pooled", "domains"): 1000,
    ("boss", "lambda_value"): 2,  # in boss's body
    ("ges", "lambda_value"): 0.5,  # in ges's body; its docstring says so
    ("grasp", "lambda_value"): 2,
    ("flop", "lambda_bic"): 2.0,  # its README: "we recommend 2.0 as a default choice"
    ("flop", "restarts"): 20,  # the caller must choose
    ("golem-ev", "device"): "auto",
    ("golem-nv", "device"): "auto",
    ("golem-nv", "lambda_1"): 2e-3,  # gcastle's docstring: "GOLEM-NV: equal_variances=False, lambda_1=2e-3"
    ("notears-torch", "device"): "auto",
}


def published(name: str) -> Any:
    module, _, attribute = PUBLISHED[name].partition(":")
    return operator.attrgetter(attribute)(importlib.import_module(module))


@pytest.fixture
def as_before_castle() -> Any:
    """Importing gcastle here must not change the process for the tests that follow."""
    import torch

    from baselines.isolation import contained

    dtype = torch.get_default_dtype()
    with contained():
        import castle.algorithms  # noqa: F401
    assert torch.get_default_dtype() == dtype


def test_every_method_is_there() -> None:
    assert set(available_methods()) >= set(BUILT_IN)
    assert [cls.name for cls in built_in_methods()] == BUILT_IN, "a new method: say here what it is"


@pytest.mark.parametrize("name", PUBLISHED)
def test_defaults_are_the_published_ones(name: str, as_before_castle: None) -> None:
    theirs = inspect.signature(published(name)).parameters
    ours = parameters(method_class(name))
    assert ours, "a method without a parameter cannot be tuned by a user"
    for key, value in ours.items():
        expected = NOT_IN_THE_SIGNATURE[name, key] if (name, key) in NOT_IN_THE_SIGNATURE else theirs[key].default
        assert value == expected, key


def test_the_sort_regressions_and_the_empty_graph_have_nothing_to_set() -> None:
    for name in {*BUILT_IN} - {*PUBLISHED} - CONTROLS - {"multi-group-direct-lingam"}:
        assert parameters(method_class(name)) == {}, name


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_listing_can_describe_every_method(name: str) -> None:
    cls = method_class(name)
    assert cls.name == name
    assert (cls.__doc__ or "").strip()
    assert cls.kind == ("cpdag" if name in CPDAGS else "dag")
    assert cls.cpus > 0
    assert cls.gpus == (name in {"golem-ev", "golem-nv", "notears-torch"})
    assert get_method(name).version.startswith(f"{cls.package} {version(cls.package)}")


def test_listing_imports_no_library() -> None:
    code = (
        "import sys; from baselines import available_methods, get_method\n"
        "available_methods(); [get_method(name) for name in available_methods()]\n"
        "print([m for m in ('castle', 'causallearn', 'lingam', 'sklearn', 'dagma', 'CausalDisco', 'flopsearch', "
        "'notears_pytorch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "[]"
    assert out.stderr == ""


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("notear", ["'notear'", "did you mean 'notears'", "direct-lingam"]),
        ("direct_lingam", ["'direct_lingam'", "did you mean 'direct-lingam'"]),
        ("zzz", ["'zzz'", *BUILT_IN]),
        ("golem[num_itr=5]", ["'golem'", "'num_itr'", "did you mean 'num_iter'", "lambda_1"]),
        ("golem[seed=5]", ["'golem'", "'seed'", "lambda_1"]),
        ("golem[num_iter=abc]", ["'num_iter'", "'golem'", "'abc'", "float"]),
        ("pc[stable=1]", ["'stable'", "'pc'", "bool"]),
        ("notears[max_iter=1.5]", ["'max_iter'", "'notears'", "1.5", "int"]),
        ("golem[num_iter=none]", ["'num_iter'", "'golem'", "None"]),
        ("golem[num_iter={1}]", ["'num_iter'", "'golem'", "{1}"]),
        ("direct-lingam[measure=nonsense]", ["'measure'", "'nonsense'", "pwling, kernel"]),
        ("notears[lambda1=true]", ["'lambda1'", "'notears'", "True", "float"]),
    ],
)
def test_what_is_unknown_is_named_with_the_mend(spec: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        get_method(spec)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_parameters_by_text_and_by_keyword_are_the_same() -> None:
    by_text, by_keyword = get_method("golem[num_iter=7]"), get_method("golem", num_iter=7)
    assert by_text.spec == by_keyword.spec
    assert str(by_keyword.spec) == "golem[num_iter=7]"
    assert get_method(by_text.spec).spec == by_text.spec
    assert get_method("golem[num_iter=7]", num_iter=9).spec == get_method("golem[num_iter=9]").spec


def test_parameters_reach_the_library() -> None:
    X = np.random.default_rng(0).normal(size=(30, 4))
    lax, strict = get_method("pc[alpha=0.999]").discover(X), get_method("pc[alpha=1e-9]").discover(X)
    assert len(lax.edges()) > len(strict.edges())
    few, more = get_method("golem[num_iter=5]").discover(X), get_method("golem[num_iter=50]").discover(X)
    assert not np.allclose(few.confidence, more.confidence)
    strong = get_method("notears[lambda1=100]").discover(X)
    assert not strong.adjacency.any()


def test_a_missing_checkpoint_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"nowhere/x\.safetensors"):
        get_method("adag[checkpoint=nowhere/x.safetensors]").warm_up()


def test_registering_is_one_decorated_class(clean_registry: None) -> None:
    @register
    class Mine(Method):
        name = "mine"
        package = "adag"

        def discover(self, X: Any, *, seed: int) -> Any:
            return method_class("pc")().discover(X, seed=seed)

    assert "mine" in available_methods()
    assert get_method("mine").discover(np.random.default_rng(0).normal(size=(50, 3))).d == 3
    with pytest.raises(UsageError, match="no parameter 'a'"):
        get_method("mine[a=1]")

    class Thief(Method):
        name = "pc"

    with pytest.raises(UsageError, match="two methods are named 'pc'"):
        register(Thief)
    with pytest.raises(TypeError, match="needs a class attribute 'name'"):
        register(type("Nameless", (), {}))
    assert method_class("pc").__module__ == "baselines.pc"


def test_a_third_party_method_is_found_by_its_entry_point(
    tiny_package: Path, clean_registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(available_methods())
    assert "tiny-sort" not in before
    monkeypatch.syspath_prepend(tiny_package)
    assert set(available_methods()) == {*before, "tiny-sort"}
    assert "tiny_method" not in sys.modules, "listing must import no third-party package"
    method = get_method("tiny-sort[scale=1.0]")
    assert method.version == "tiny-method 0.3"
    X = np.random.default_rng(0).normal(size=(500, 2))
    X[:, 0] += 2 * X[:, 1]
    assert method.discover(X).adjacency.tolist() == [[0, 0], [1, 0]]


def test_a_third_party_method_is_found_through_pythonpath(tiny_package: Path) -> None:
    code = "from baselines import get_method; import numpy as np; print(get_method('tiny-sort').discover(np.eye(3)).d)"
    environment = os.environ | {"PYTHONPATH": str(tiny_package)}
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60, env=environment
    )
    assert out.stdout.strip() == "3"


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("import a_package_that_is_not_there", "broken_method:Broken", ["ModuleNotFoundError", "not_there"]),
        ("1 / 0", "broken_method:Broken", ["ZeroDivisionError"]),
        ("x = 1", "broken_method:Broken", ["AttributeError", "Broken"]),
        ("x = 1", "broken_method", ["does not register a method named 'broken'"]),
    ],
)
def test_a_broken_package_breaks_nothing_else(
    source: str,
    target: str,
    words: list[str],
    make_package: Any,
    tiny_package: Path,
    clean_registry: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(make_package("broken-method", source, {"broken": target}))
    monkeypatch.syspath_prepend(tiny_package)
    assert set(available_methods()) >= {*BUILT_IN, "broken", "tiny-sort"}
    with pytest.raises(UsageError) as error:
        get_method("broken")
    assert all(word in str(error.value) for word in ["broken", target, *words]), str(error.value)
    assert get_method("tiny-sort").discover(np.random.default_rng(0).normal(size=(20, 3))).d == 3
    assert get_method("pc").discover(np.random.default_rng(0).normal(size=(20, 3))).d == 3
    sys.modules.pop("broken_method", None)
