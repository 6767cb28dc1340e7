"""The part of torch.special that microtorch has: the special functions, and other names for functions of torch."""

from __future__ import annotations

import sys
from typing import Any

from .op import FUNCTIONS, REGISTRY, renamed, unpublished
from .tensor import Tensor

LACKS = "microtorch does not have torch.special.{}"

# Functions of torch that are here as well, under the name on the left.
SAME = {
    name: name
    for name in [
        "digamma",
        "erf",
        "erfc",
        "erfinv",
        "exp2",
        "expm1",
        "i0",
        "log1p",
        "logit",
        "polygamma",
        "round",
        "sinc",
        "xlogy",
    ]
} | {
    "expit": "sigmoid",
    "gammaln": "lgamma",
    "log_softmax": "log_softmax",
    "logsumexp": "logsumexp",
    "multigammaln": "mvlgamma",
    "psi": "digamma",
    "softmax": "softmax",
}
OWN = ("entr", "i0e", "i1", "i1e", "xlog1py", "zeta")  # operations of their own


@unpublished
def special_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The part of a standard normal distribution below x, ½·(1 + erf(x/√2))."""
    from .ops.special import normal_below

    return normal_below(input, out)


def __getattr__(name: str) -> Any:
    if name in SAME:
        found = renamed(FUNCTIONS[SAME[name]], f"special_{name}", 1)
    elif name in OWN:
        FUNCTIONS["erf"]  # the module of both
        found = REGISTRY[f"special_{name}"].function
    elif name == "ndtr":
        found = special_ndtr
    else:
        raise AttributeError(LACKS.format(name))
    setattr(sys.modules[__name__], name, found)
    return found


def __dir__() -> list[str]:
    return sorted({*SAME, *OWN, "ndtr"})
