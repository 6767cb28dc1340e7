"""The functions of one operation, written out for its own parameters, with the usual case first.

Tensors are small here, so that what Python does around a kernel is most of the cost. What a declaration says is known
once: the code that follows from it is written as text and compiled, when it is first called.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from .operation import Op
from .text import Text, listed
from .traits import FLOAT, KEEP, MANY

FACTORS = ("alpha", "beta", "value")  # with the default 1; a tensor may stand for the number
SYNONYMS = {"dim": "axis", "keepdim": "keepdims"}  # numpy's names, which torch takes for its own


def function_text(op: Op) -> Text:
    """The function that is called."""
    signature, namespace, lines = _head(op)
    lines.insert(0, f"def {op.name}({signature}):")
    values, extras = listed(op.tensors), listed(op.others)
    if op.traits.out and not op.view:
        lines += ["    if out is not None:", f"        return _op.into(out, {values}, {extras}, _name)"]
    arrays = ", ".join(f"a{i}" for i in range(len(op.tensors)))
    if op.promotion == KEEP:
        lines += _operands_as_they_are(op, arrays)
    else:
        lines += _operands_of_one_dtype(op)
        lines.append(f"    if not usual: return _general({values}, {extras}, _name, _first)")
    lines += [
        "    try:",
        f"        result = _forward({_arguments(op)})",
        "    except ValueError as error:",
        f"        raise _broadcast_error(error, _order({arrays}) or [{arrays}]) from None",
    ]
    if op.promotion != KEEP and len(op.tensors) > 1:
        ordered = [f"type(a{i}) is not _ndarray or a{i}.flags.c_contiguous" for i in range(len(op.tensors))]
        if op.number_argument is not None:
            ordered[1] = f"is_number or {ordered[1]}"
        lines.append(f"    if result.ndim > 1 and not (({') and ('.join(ordered)})):")
        lines.append(f"        result = _arranged(result, _order({arrays}))")
    recorded = f"    if required and _mode.flags & _GRAD: _op.record({{}}, {values}, {extras})"
    if op.outputs:
        lines += ["    out = _result_type(*[_wrap(_asarray(r)) for r in result])", recorded.format("out")]
    elif op.view == MANY:
        lines += [
            "    out = tuple([_wrap(r) for r in result])",
            f"    for o in out: _make_view(o, {op.tensors[0]}, _MULTI_OUTPUT)",
            recorded.format("out"),
        ]
    else:
        lines += _VIEW.format(op.tensors[0]).split("\n") if op.view else _FRESH
        if _is_differentiable(op) and op.unrolled.record is None:
            lines.append(recorded.format("(out,)"))
        elif _is_differentiable(op):
            record = "(_record_number if is_number else _record)" if op.unrolled.record_number else "_record"
            usual = " and not is_number" if op.unrolled.record_number else ""
            lines += [
                "    if required:",
                f"        if flags == _GRAD: {record}(out, {', '.join(op.names)})",
                f"        elif flags == _IN_FORMULA{usual}: _record(out, {', '.join(op.names)})",
                f"        elif flags & _GRAD: _op.record((out,), {values}, {extras})  # somebody watches",
            ]
    lines.append("    return out")
    return lines, namespace | _names(op)


# What `wrap` does, without the call.
_FRESH = [
    "    flags = _mode.flags",
    "    out = _new(_Tensor)",
    "    out._array = result if type(result) is _ndarray else _asarray(result)",
    "    out._counter = _InferenceCounter((0,)) if flags & _INFERENCE else [0]",
    "    out._edge = out._view = out._autograd = None",
    "    out._requires_grad = False",
]
# What `make_view` does, for the usual case without the call.
_VIEW = """\
    flags = _mode.flags
    out = _new(_Tensor)
    out._array = result
    out._counter = counter = {0}._counter
    out._edge = out._view = out._autograd = None
    out._requires_grad = False
    if flags == _GRAD and {0}._view is None and type(counter) is list:
        out._view = view = _new(_View)
        view.base, view.origin, view.version = {0}, None, counter[0]
    else: _make_view(out, {0})"""


def _operands_as_they_are(op: Op, arrays: str) -> list[str]:
    """The arrays of the operands, and whether one of these requires a gradient."""
    values = listed(op.tensors)
    if op.takes_list:
        return [f"    {arrays}, = _op.arrays({values}, _name)", f"    required = {_any_requires_grad(op)}"]
    return [
        "    try:",
        *[f"        a{i} = {_array(op, name)}" for i, name in enumerate(op.tensors)],
        f"        required = {_one_requires_grad(op)}",
        "    except AttributeError:",
        f"        {arrays}, = _op.arrays({values}, _name, _first)",
        f"        required = {_any_requires_grad(op)}",
    ]


def _array(op: Op, name: str) -> str:
    """The array of an operand."""
    return f"None if {name} is None else {name}._array" if name in op.optional else f"{name}._array"


def _operands_of_one_dtype(op: Op) -> list[str]:
    """The same where all must be of one dtype, or come to it by promotion, which is the unusual case."""
    promoted = [i for i, kept in enumerate(op.kept) if not kept]
    dtype = f"a{promoted[0]}.dtype"
    conditions = [f"a{i}.dtype is dtype" for i in promoted[1:]]
    known = _dtypes(op, "fd" if op.promotion == FLOAT else "fdbhilB")
    conditions.append(f'(dtype is _float32 or dtype.char in "{known}")' if "f" in known else f'dtype.char in "{known}"')
    tensors = [
        *[f"a{i} = {name}._array" for i, name in enumerate(op.tensors)],
        f"dtype = {dtype}",
        f"usual = {' and '.join(conditions)}",
        f"required = {_one_requires_grad(op)}",
    ]
    lines = ["    try:"]
    number = op.number_argument
    if number is None:
        lines += [f"        {line}" for line in tensors]
    else:  # x·2: the number gives way to the array's type, as it does for numpy
        as_array = number  # numpy computes faster with an array; 0 has a sign, which is no key
        if op.traits.wraps_numbers:
            as_array = f"_number({number}, char) if {number} else {number}"
        x = op.tensors[0]
        lines += [
            f"        kind = type({number})",
            "        is_number = kind is float or kind is int",
            "        if is_number:",
            f"            a0 = {x}._array",
            "            dtype = a0.dtype",
            "            char = dtype.char",
            f'            usual = char in "{_dtypes(op, "fd")}"',
            f"            if usual: a1 = {as_array}",
            f"            required = {_one_requires_grad(op, number)}",
            "        else:",
            *[f"            {line}" for line in tensors],
        ]
    return [*lines, "    except AttributeError: usual = False"]


def _is_differentiable(op: Op) -> bool:
    return bool(op.differentiable) and not op.traits.gives_bool


def _one_requires_grad(op: Op, number: str = "") -> str:
    """The condition that one of the inputs, all tensors but a number, requires a gradient."""
    own = "{0}._requires_grad or ({0}._view is not None and {0}.requires_grad)"
    names = [name for name in op.differentiable if name != number] if _is_differentiable(op) else []
    there = {name: f"{name} is not None and ({own})" if name in op.optional else own for name in names}
    return " or ".join(there[name].format(name) for name in names) or "False"


def _any_requires_grad(op: Op) -> str:
    """The same of inputs that may be anything."""
    names = op.differentiable if _is_differentiable(op) else []
    return " or ".join(f"_requires_grad({name})" for name in names) or "False"


def in_place_text(op: Op) -> Text:
    """The function with `_`: where nothing is recorded and no memory is shared, the result is copied over the tensor."""
    signature, namespace = _signature(op.parameters)
    name = op.name + "_"
    lines = [f"def {name}({signature}):", *_factors(op)]
    checked = op.traits.check is not None or op.traits.check_in_place is not None
    if op.promotion != KEEP and op.traits.check_in_place is None and len(op.tensors) <= 2:
        lines += _operands_of_one_dtype(op)
        lines += _written_over(op, f'usual and dtype.char in "{_dtypes(op, "fd")}"')
    elif op.promotion == KEEP and not (checked or any(op.numbers) or op.takes_list):
        lines += [
            "    try:",
            *[f"        a{i} = {_array(op, name)}" for i, name in enumerate(op.tensors)],
            f"        required = {_one_requires_grad(op)}",
            "        usual = True",
            "    except AttributeError: usual = False",
            *_written_over(op, "usual"),
        ]
    lines.append(f"    return _in_place({listed(op.tensors)}, {listed(op.others)}, _name, _first)")
    return lines, namespace | _names(op)


def _written_over(op: Op, usual: str) -> list[str]:
    """The result copied over the first operand's array, if all is as usual and every array has its own memory."""
    x = op.tensors[0]
    own = ["(a0.base is None or a0.flags.c_contiguous)"]
    for i in range(1, len(op.tensors)):
        own.append(f"(type(a{i}) is not _ndarray or a0.base is a{i}.base is None or not _may_share_memory(a0, a{i}))")
        if op.traits.apart:
            own.append(f"a{i} is not a0")
    return [
        f"    if {' and '.join([usual, *own])}"
        f" and not (required and _mode.flags & _GRAD) and type({x}._counter) is list:",
        "        try:",
        f"            result = _forward({_arguments(op)})",
        "        except ValueError: result = None",
        "        if result is not None and result.shape == a0.shape and result.dtype is a0.dtype:",
        "            _copyto(a0, result)",
        f"            {x}._counter[0] += 1",
        f"            return {x}",
    ]


def _names(op: Op) -> dict[str, Any]:
    """What the text of an operation calls by name."""
    return {
        "_op": op,
        "_forward": op.forward,
        "_order": op.order,
        "_general": op.general,
        "_in_place": op.in_place,
        "_record": op.unrolled.record,
        "_record_number": op.unrolled.record_number,
        "_result_type": op.result_type,
        "_missing": _missing,
        "__name__": op.forward.__module__,  # where numpy's warnings are said to come from
    }


# -- pieces of text ----------------------------------------------------------------------------------------------------


def _head(op: Op) -> tuple[str, dict[str, Any], list[str]]:
    """The parameters of a function, its defaults, and the lines that bring the synonyms of parameters to them."""
    parameters = op.parameters
    optional = [p for p in parameters if p.default is not p.empty or p.name == "dim"]
    synonyms = [(p, SYNONYMS[p]) for p in op.others if p in SYNONYMS and not op.view]
    if parameters[-len(optional) :] != optional:
        synonyms = []  # an operation that is called from here alone
    required = [p.name for p in parameters if p.name == "dim" and p.default is p.empty and synonyms]
    parameters = [p.replace(default=None) if p.name in required else p for p in parameters]
    out = ["out=None"] if op.traits.out and not op.view else []
    signature, namespace = _signature(parameters, *out, *[f"{synonym}=None" for _, synonym in synonyms])
    lines = [f"    if {synonym} is not None: {p} = {synonym}" for p, synonym in synonyms]
    lines += [f"    if {p} is None: raise _missing(_name, {p!r})" for p in required]
    return signature, namespace, lines + _factors(op)


def _factors(op: Op) -> list[str]:
    """The lines that make numbers of what may be tensors."""
    names = [p.name for p in op.parameters if p.name in FACTORS and p.default == 1]
    return [f"    if type({n}) not in _NUMBER: {n} = _to_number({n!r}, 0, {n})" for n in names]


def _signature(parameters: Sequence[inspect.Parameter], *more: str) -> tuple[str, dict[str, Any]]:
    """The text of a parameter list, and the defaults it refers to."""
    defaults = {f"_default_{p.name}": p.default for p in parameters if p.default is not p.empty}
    text, starred = [], False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not starred:
            text.append("*")
            starred = True
        text.append(p.name if p.default is p.empty else f"{p.name}=_default_{p.name}")
    if more:
        text += more if starred else ["*", *more]
    return ", ".join(text), defaults


def _missing(name: str, argument: str) -> TypeError:
    return TypeError(f'{name}() missing 1 required positional arguments: "{argument}"')


def _arguments(op: Op) -> str:
    """The arguments of the forward: arrays for the tensors, a0, a1 …"""
    return ", ".join(
        ("" if p.kind is not p.KEYWORD_ONLY else f"{p.name}=")
        + (f"a{op.tensors.index(p.name)}" if p.name in op.tensors else p.name)
        for p in op.parameters
    )


def _dtypes(op: Op, characters: str) -> str:
    return "".join(c for c in characters if c not in op.traits.refuses[1])
