"""Every method behind one call: ``get_method("notears").discover(X)`` returns a `CausalGraph`.

One small file a method; `registry` finds them, here and in other packages (entry-point group ``adag.methods``).
Called by `benchmarks`, and by anyone who wants one method on one data set.
"""

from baselines.given import GivenFamily
from baselines.method import Method, ReadyMethod
from baselines.registry import available_methods, get_method, method_class, register
from baselines.spec import MethodSpec, parse_spec, split_specs

__all__ = [
    "GivenFamily",
    "Method",
    "MethodSpec",
    "ReadyMethod",
    "available_methods",
    "get_method",
    "method_class",
    "parse_spec",
    "register",
    "split_specs",
]
