"""The part of torch.special that microtorch has: the special functions, and other names for functions of torch."""

from __future__ import annotations

import sys
from typing import Any

from .arguments import wrong_type
from .lacking import lacking
from .op import FUNCTIONS, REGISTRY, renamed, unpublished
from .tensor import Tensor

# Functions of torch that are here as well, under the name on the left.
ALSO = ("digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p", "log_softmax", "logit", "logsumexp")
SAME = dict(zip(ALSO, ALSO, strict=True)) | {
    "expit": "sigmoid",
    "gammaln": "lgamma",
    "multigammaln": "mvlgamma",
    "polygamma": "polygamma",
    "psi": "digamma",
    "sinc": "sinc",
    "softmax": "softmax",
    "xlogy": "xlogy",
}
OWN = ("entr", "i0e", "i1", "i1e", "xlog1py", "zeta")  # operations of their own


@unpublished
def special_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The part of a standard normal distribution below x, ½·(1 + erf(x/√2))."""
    from .ops.special import normal_below

    return normal_below(input, out)


@unpublished
def special_round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """x rounded to `decimals` places after the point, halves to even."""
    if not isinstance(input, Tensor):
        raise wrong_type("input", 1, "Tensor", input)
    return FUNCTIONS["round"](input, decimals=decimals, out=out)


def __getattr__(name: str) -> Any:
    if name in SAME:
        found = renamed(FUNCTIONS[SAME[name]], f"special_{name}", 1)
    elif name in OWN:
        FUNCTIONS["erf"]  # the module of both
        found = renamed(REGISTRY[f"special_{name}"].function, f"special_{name}", 1)
    elif name in ("ndtr", "round"):
        found = globals()[f"special_{name}"]
    else:
        raise lacking("torch.special", name)
    setattr(sys.modules[__name__], name, found)
    return found


def __dir__() -> list[str]:
    return sorted({*SAME, *OWN, "ndtr", "round"})
