"""What torch says of arguments that fit none of a function's several signatures. Loaded for such an error."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from .arguments import type_name

# The functions that have several signatures, and these. A method takes those in which its tensor is the `input`; of a
# name with a dot, which is only a method, it does not stand there.
SIGNATURES = """
addmm
    Tensor input, Tensor mat1, Tensor mat2, *, Number beta = 1, Number alpha = 1, Tensor out = None
    Tensor input, Tensor mat1, Tensor mat2, torch.dtype out_dtype, *, Number beta = 1, Number alpha = 1, Tensor out = None
all any
    Tensor input, *, Tensor out = None
    Tensor input, tuple of ints dim = None, bool keepdim = False, *, Tensor out = None
    Tensor input, int dim, bool keepdim = False, *, Tensor out = None
arange
    Number end, *, Tensor out = None, …
    Number start, Number end, *, …
    Number start, Number end, Number step = 1, *, Tensor out = None, …
argsort
    Tensor input, *, bool stable, int dim = -1, bool descending = False, Tensor out = None
    Tensor input, int dim = -1, bool descending = False
baddbmm
    Tensor input, Tensor batch1, Tensor batch2, *, Number beta = 1, Number alpha = 1, Tensor out = None
    Tensor input, Tensor batch1, Tensor batch2, torch.dtype out_dtype, *, Number beta = 1, Number alpha = 1, Tensor out = None
bernoulli
    Tensor input, *, torch.Generator generator = None, Tensor out = None
    Tensor input, float p, *, torch.Generator generator = None
.bernoulli_
    Tensor p, *, torch.Generator generator = None
    float p = 0.5, *, torch.Generator generator = None
bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor remainder
    Tensor input, Tensor other, *, Tensor out = None
    Number self, Tensor other
    Tensor input, Number other, *, Tensor out = None
bmm mm
    Tensor input, Tensor mat2, *, Tensor out = None
    Tensor input, Tensor mat2, torch.dtype out_dtype, *, Tensor out = None
bucketize
    Tensor input, Tensor boundaries, *, bool out_int32 = False, bool right = False, Tensor out = None
    Number self, Tensor boundaries, *, bool out_int32 = False, bool right = False
clamp clip
    Tensor input, Tensor min = None, Tensor max = None, *, Tensor out = None
    Tensor input, Number min = None, Number max = None, *, Tensor out = None
clamp_max
    Tensor input, Tensor max, *, Tensor out = None
    Tensor input, Number max, *, Tensor out = None
clamp_min
    Tensor input, Tensor min, *, Tensor out = None
    Tensor input, Number min, *, Tensor out = None
copysign
    Tensor input, Tensor other, *, Tensor out = None
    Tensor input, Number other, *, Tensor out = None
count_nonzero
    Tensor input, int dim = None
    Tensor input, tuple of ints dim
cumulative_trapezoid trapezoid
    Tensor y, Tensor x, *, int dim = -1
    Tensor y, *, Number dx = 1, int dim = -1
div
    Tensor input, Tensor other, *, Tensor out = None
    Tensor input, Tensor other, *, str rounding_mode, Tensor out = None
    Tensor input, Number other, *, str rounding_mode
divide
    Tensor input, Tensor other, *, Tensor out = None
    Tensor input, Tensor other, *, str rounding_mode, Tensor out = None
    Tensor input, Number other
    Tensor input, Number other, *, str rounding_mode
eq fmod ge greater greater_equal gt le less less_equal lt ne not_equal
    Tensor input, Tensor other, *, Tensor out = None
    Tensor input, Number other, *, Tensor out = None
eye
    int n, *, Tensor out = None, …
    int n, int m, *, Tensor out = None, …
fill
    Tensor input, Tensor value
    Tensor input, Number value
float_power
    Tensor input, Tensor exponent, *, Tensor out = None
    Number self, Tensor exponent, *, Tensor out = None
    Tensor input, Number exponent, *, Tensor out = None
floor_divide multiply true_divide
    Tensor input, Tensor other, *, Tensor out = None
    Tensor input, Number other
dsplit hsplit vsplit
    Tensor input, int sections
    Tensor input, tuple of ints indices
gradient
    Tensor input, *, tuple of ints dim, int edge_order = 1
    Tensor input, *, Number spacing, tuple of ints dim, int edge_order = 1
    Tensor input, *, Number spacing = None, int dim = None, int edge_order = 1
    Tensor input, *, tuple of Scalars spacing, int dim = None, int edge_order = 1
    Tensor input, *, tuple of Scalars spacing, tuple of ints dim, int edge_order = 1
    Tensor input, *, tuple of Tensors spacing, int dim = None, int edge_order = 1
    Tensor input, *, tuple of Tensors spacing, tuple of ints dim, int edge_order = 1
histogram
    Tensor input, Tensor bins, *, Tensor weight = None, bool density = False, tuple of Tensors out = None
    Tensor input, int bins = 100, *, tuple of floats range = None, Tensor weight = None, bool density = False, tuple of Tensors out = None
histogramdd
    Tensor input, int bins, tuple of floats range = None, Tensor weight = None, bool density = False
    Tensor input, tuple of ints bins, tuple of floats range = None, Tensor weight = None, bool density = False
    Tensor input, tuple of Tensors bins, tuple of floats range = None, Tensor weight = None, bool density = False
index_fill
    Tensor input, int dim, Tensor index, Tensor value
    Tensor input, int dim, Tensor index, Number value
isin
    Tensor elements, Tensor test_elements, *, bool assume_unique = False, bool invert = False, Tensor out = None
    Number element, Tensor test_elements, *, bool assume_unique = False, bool invert = False, Tensor out = None
    Tensor elements, Number test_element, *, bool assume_unique = False, bool invert = False, Tensor out = None
lerp
    Tensor input, Tensor end, Tensor weight, *, Tensor out = None
    Tensor input, Tensor end, Number weight, *, Tensor out = None
linspace
    Tensor start, Tensor end, int steps, *, Tensor out = None, …
    Number start, Tensor end, int steps, *, Tensor out = None, …
    Tensor start, Number end, int steps, *, Tensor out = None, …
    Number start, Number end, int steps, *, Tensor out = None, …
logspace
    Tensor start, Tensor end, int steps, float base = 10.0, *, Tensor out = None, …
    Number start, Tensor end, int steps, float base = 10.0, *, Tensor out = None, …
    Tensor start, Number end, int steps, float base = 10.0, *, Tensor out = None, …
    Number start, Number end, int steps, float base = 10.0, *, Tensor out = None, …
masked_fill
    Tensor input, Tensor mask, Tensor value
    Tensor input, Tensor mask, Number value
max min
    Tensor input, *, Tensor out = None
    Tensor input, Tensor other, *, Tensor out = None
    Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None
mean
    Tensor input, *, torch.dtype dtype = None, Tensor out = None
    Tensor input, tuple of ints dim, bool keepdim = False, *, torch.dtype dtype = None, Tensor out = None
median
    Tensor input
    Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None
moveaxis movedim
    Tensor input, int source, int destination
    Tensor input, tuple of ints source, tuple of ints destination
nanmedian
    Tensor input
    Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None
nanquantile quantile
    Tensor input, Tensor q, int dim = None, bool keepdim = False, *, str interpolation = "linear", Tensor out = None
    Tensor input, float q, int dim = None, bool keepdim = False, *, str interpolation = "linear", Tensor out = None
narrow
    Tensor input, int dim, Tensor start, int length
    Tensor input, int dim, int start, int length
.nonzero
    -
    *, bool as_tuple
normal
    Tensor mean, Tensor std, *, torch.Generator generator = None, Tensor out = None
    Tensor mean, float std = 1, *, torch.Generator generator = None, Tensor out = None
    float mean, Tensor std, *, torch.Generator generator = None, Tensor out = None
    float mean, float std, tuple of ints size, *, torch.Generator generator = None, Tensor out = None, …
nuclear_norm
    Tensor input, tuple of ints dim, bool keepdim = False, *, Tensor out = None
    Tensor input, bool keepdim = False, *, Tensor out = None
pow
    Tensor input, Tensor exponent, *, Tensor out = None
    Number self, Tensor exponent, *, Tensor out = None
    Tensor input, Number exponent, *, Tensor out = None
prod
    Tensor input, *, torch.dtype dtype = None
    Tensor input, int dim, bool keepdim = False, *, torch.dtype dtype = None, Tensor out = None
rand randn
    tuple of ints size, *, torch.Generator generator, Tensor out = None, …
    tuple of ints size, *, Tensor out = None, …
rand_like randn_like
    Tensor input, *, torch.Generator generator, torch.memory_format memory_format = None, …
    Tensor input, *, torch.memory_format memory_format = None, …
randint
    int high, tuple of ints size, *, torch.Generator generator, Tensor out = None, …
    int high, tuple of ints size, *, Tensor out = None, …
    int low, int high, tuple of ints size, *, torch.Generator generator, Tensor out = None, …
    int low, int high, tuple of ints size, *, Tensor out = None, …
randint_like
    Tensor input, int low, int high, *, torch.Generator generator, torch.memory_format memory_format = None, …
    Tensor input, int low, int high, *, torch.memory_format memory_format = None, …
    Tensor input, Tensor high, *, torch.Generator generator, torch.memory_format memory_format = None, …
    Tensor input, Tensor high, *, torch.memory_format memory_format = None, …
    Tensor input, int high, *, torch.Generator generator, torch.memory_format memory_format = None, …
    Tensor input, int high, *, torch.memory_format memory_format = None, …
.random_
    *, torch.Generator generator = None
    int from, int to, *, torch.Generator generator = None
    int to, *, torch.Generator generator = None
randperm
    int n, *, torch.Generator generator, Tensor out = None, …
    int n, *, Tensor out = None, …
repeat_interleave
    Tensor input, Tensor repeats, int dim = None, *, int output_size = None
    Tensor repeats, *, int output_size = None
    Tensor input, int repeats, int dim = None, *, int output_size = None
result_type
    Tensor tensor, Tensor other
    Number scalar, Tensor tensor
    Tensor tensor, Number other
    Number scalar1, Number scalar2
round
    Tensor input, *, Tensor out = None
    Tensor input, *, int decimals, Tensor out = None
rsub
    Tensor input, Tensor other, *, Number alpha = 1
    Tensor input, Number other, Number alpha = 1
scatter
    Tensor input, int dim, Tensor index, Tensor src, *, Tensor out = None
    Tensor input, int dim, Tensor index, Tensor src, *, str reduce, Tensor out = None
    Tensor input, int dim, Tensor index, Number value, *, Tensor out = None
    Tensor input, int dim, Tensor index, Number value, *, str reduce, Tensor out = None
searchsorted
    Tensor sorted_sequence, Tensor input, *, bool out_int32 = False, bool right = False, str side = None, Tensor sorter = None, Tensor out = None
    Tensor sorted_sequence, Number self, *, bool out_int32 = False, bool right = False, str side = None, Tensor sorter = None, Tensor out = None
.set_
    -
    torch.Storage source
    torch.Storage source, int storage_offset, tuple of ints size, tuple of ints stride = None
    Tensor source
    Tensor source, int storage_offset, tuple of ints size, tuple of ints stride = None
sort
    Tensor input, *, bool stable, int dim = -1, bool descending = False, tuple of Tensors out = None
    Tensor input, int dim = -1, bool descending = False, *, tuple of Tensors out = None
squeeze
    Tensor input
    Tensor input, int dim
    Tensor input, tuple of ints dim
squeeze_copy
    Tensor input, *, Tensor out = None
    Tensor input, int dim, *, Tensor out = None
    Tensor input, tuple of ints dim, *, Tensor out = None
std var
    Tensor input, tuple of ints dim, bool unbiased = True, bool keepdim = False, *, Tensor out = None
    Tensor input, tuple of ints dim = None, *, Number correction = None, bool keepdim = False, Tensor out = None
    Tensor input, bool unbiased = True
std_mean var_mean
    Tensor input, tuple of ints dim, bool unbiased = True, bool keepdim = False
    Tensor input, tuple of ints dim = None, *, Number correction = None, bool keepdim = False
    Tensor input, bool unbiased = True
subtract
    Tensor input, Tensor other, *, Number alpha = 1, Tensor out = None
    Tensor input, Number other, Number alpha = 1
sum
    Tensor input, *, torch.dtype dtype = None
    Tensor input, tuple of ints dim, bool keepdim = False, *, torch.dtype dtype = None, Tensor out = None
tensor_split
    Tensor input, tuple of ints indices, int dim = 0
    Tensor input, Tensor tensor_indices_or_sections, int dim = 0
    Tensor input, int sections, int dim = 0
trapz
    Tensor y, *, float dx = 1, int dim = -1
    Tensor y, Tensor x, *, int dim = -1
view_copy
    Tensor input, torch.dtype dtype, *, Tensor out = None
    Tensor input, tuple of ints size, *, Tensor out = None
where
    Tensor condition
    Tensor condition, Tensor input, Tensor other, *, Tensor out = None
    Tensor condition, Number self, Tensor other
    Tensor condition, Tensor input, Number other
    Tensor condition, Number self, Number other
special_xlog1py special_xlogy special_zeta xlogy
    Tensor input, Tensor other, *, Tensor out = None
    Number self, Tensor other, *, Tensor out = None
    Tensor input, Number other, *, Tensor out = None
"""
NEW = (
    "torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool pin_memory = False, "
    "bool requires_grad = False"
)


@cache
def _table() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    names: list[str] = []
    for line in SIGNATURES.strip().split("\n"):
        if line.startswith(" "):
            signature = line.strip().replace("…", NEW).removeprefix("-")
            found.update((name, (*found.get(name, ()), signature)) for name in names)
        else:
            names = line.split(" ")
    return found


def signatures_of(name: str, is_method: bool) -> tuple[str, ...]:
    """The signatures of a function, or of a method without the tensor itself; none if there is but one."""
    table = _table()
    if not is_method:
        over = () if name in table or not name.endswith("_") else table.get(name[:-1], ())
        return table.get(name, ()) or tuple(
            _without_out(s.split(", ")) for s in over if "Tensor input" in s.split(", ")
        )
    found = table.get("." + name)
    if found is None:
        whole = [s.split(", ") for s in table.get(name, table.get(name.removesuffix("_"), ()))]
        found = tuple(_of_method(parts) for parts in whole if "Tensor input" in parts)
    return found


def _of_method(parts: list[str]) -> str:
    return _without_out([part for part in parts if part != "Tensor input"])


def _without_out(parts: list[str]) -> str:
    kept = [part for part in parts if not part.endswith(" out = None")]
    return ", ".join(kept[:-1] if kept[-1:] == ["*"] else kept)


def fits_none(name: str, signatures: Sequence[str], args: Sequence[Any], named: dict[str, Any]) -> TypeError | None:
    """The error that lists all signatures; None if just one takes this number of arguments, which says more."""
    count = len(args) + len(named)
    plausible = 0
    for signature in signatures:
        parameters = [part for part in signature.split(", ") if part not in ("", "*")]
        plausible += sum(" = " not in part for part in parameters) <= count <= len(parameters)
    return None if plausible == 1 else listed(name, signatures, args, named)


def listed(name: str, signatures: Sequence[str], args: Sequence[Any], named: dict[str, Any]) -> TypeError:
    """The error that lists all signatures, and marks the arguments in those that have as many (torch counts the `*`).

    torch keeps named arguments in a table that gives the last one first.
    """
    named = dict(reversed(named.items()))
    given = [*map(type_name, args), *(f"{k}={type_name(v)}" for k, v in named.items())]
    lines = [
        f"{name}() received an invalid combination of arguments - got ({', '.join(given)}{', ' * (not args and bool(named))}), "
        "but expected one of:"
    ]
    for signature in signatures:
        lines.append(f" * ({signature})")
        parts = [part.rpartition(" ") for part in signature.split(", ")]
        if len(parts) != len(given):
            continue
        unknown = [k for k in named if k not in [last for _, _, last in parts[len(parts) - len(named) :]]]
        if unknown:
            lines.append(f"      didn't match because some of the keywords were incorrect: {', '.join(unknown)}")
        else:
            shown = [_marked(value, kind) for value, (kind, _, _) in zip(args, parts, strict=False)]
            shown += [_marked(named[last], kind, last + "=") for kind, _, last in parts[len(args) :]]
            comma = "" if args else ", "
            lines.append(
                f"      didn't match because some of the arguments have invalid types: ({', '.join(shown)}{comma})"
            )
    return TypeError("\n".join(lines) + "\n")


_MATCHES = {
    "int": ("int",),
    "float": ("float", "int"),
}  # by the name of the type alone, which is all that torch looks at


def _marked(value: Any, expected: str, name: str = "") -> str:
    """The type of an argument, between exclamation marks unless its name is that of the expected one."""
    kind = type_name(value)
    fits = kind in _MATCHES.get(expected, (expected,))
    if isinstance(value, (tuple, list)):
        kinds = ", ".join(map(type_name, value))
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        kind = f"tuple of ({kinds}{comma})" if isinstance(value, tuple) else f"list of [{kinds}]"
    return name + kind if fits else f"!{name}{kind}!"
