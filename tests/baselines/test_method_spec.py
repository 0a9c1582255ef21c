"""Method specs as text: what users type, what tables print."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adag.errors import UsageError
from baselines import MethodSpec, parse_spec, split_specs

names = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
values = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
)
params = st.dictionaries(keys, values, max_size=4).map(lambda p: tuple(sorted(p.items())))
specs = st.builds(MethodSpec, names, params)


@given(specs)
def test_a_printed_spec_reads_back_as_itself(spec: MethodSpec) -> None:
    back = parse_spec(str(spec))
    assert back == spec
    assert hash(back) == hash(spec)
    assert [type(v) for _, v in back.params] == [type(v) for _, v in spec.params]
    assert pickle.loads(pickle.dumps(spec)) == spec


@given(st.lists(specs, min_size=1, max_size=4))
def test_lists_split_outside_brackets_only(several: list[MethodSpec]) -> None:
    assert split_specs(",".join(map(str, several))) == several


def test_what_users_type() -> None:
    assert parse_spec("notears") == MethodSpec("notears")
    spec = parse_spec(" golem[ num_iter=2000, lambda_1=0.02 ,equal_variances=false] ")
    assert dict(spec.params) == {"num_iter": 2000, "lambda_1": 0.02, "equal_variances": False}
    assert str(parse_spec("golem[num_iter=2000]")) == "golem[num_iter=2000]"
    assert str(parse_spec("golem[num_iter=2e3]")) == "golem[num_iter=2000]", "one setting, one label"
    assert hash(parse_spec("adag[checkpoint={1}]")) is not None, "only numbers, text, true, false and none are values"
    assert parse_spec("golem[b=1,a=2]") == parse_spec("golem[a=2,b=1]")
    assert [str(s) for s in split_specs("adag, golem[a=1,b=2] ,pc")] == ["adag", "golem[a=1,b=2]", "pc"]
    assert dict(parse_spec("golem[a=1]").with_defaults(a=5, b=6).params) == {"a": 1, "b": 6}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("golem[num_iter]", "num_iter"),
        ("golem[num_iter=]", "num_iter="),
        ("golem[=3]", "=3"),
        ("golem[a=1,a=2]", "'a'"),
        ("golem[", "golem["),
        ("golem]a=1[", "golem]a=1["),
        ("golem[a=1]x", "golem[a=1]x"),
        ("go lem", "go lem"),
        ("[a=1]", "[a=1]"),
        ("", "''"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, named: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_spec(text)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_an_empty_list_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no method given"):
        split_specs(text)
