"""@op: from a forward on arrays and named gradient formulas to a function on tensors.

    @op(input=lambda g, other: g * other,
        other=lambda g, input: g * input)
    def mul(input, other): ...

declares the product: the keywords name the inputs that are tensors and give the gradient of each, or None where there
is none. A formula says by its parameters what it needs: `g`, the incoming gradient (`gradients`, those of all outputs);
an input by its name; `out` (or one of `outputs`), the result; `input_shape`, only a shape; any other argument of the
forward. Exactly these are saved, and only for formulas whose input requires a gradient. Formulas are written for tensors:
when backward runs with `create_graph` they are recorded, and so have gradients themselves; else most run on arrays.

From one declaration come the function, the in-place function (`mul_`), `out=`, the node (`MulBackward0`) and the entry
in the registry. What must hold for every operation is done here once: promotion, torch's errors, views, the graph.

    traits      what a declaration may say besides
    operation   what all operations do alike
    writing     results over memory that exists: in place, and `out=`
    nodes       their nodes
    code        the functions written out for one operation, so that the usual call costs little
    tape        the same for its nodes: recording, and the backward step
    unrecorded  formulas on arrays, for backward passes that nobody records
    text        functions from text, compiled at their first call
    declare     the decorators
    tables      where functions and methods are published
    output      what `out=` means
    shapes      broadcasting and its errors
"""

from .declare import op, pointwise
from .nodes import SEVERAL_DIMS, as_several
from .output import check_writable, compose_into, requires_grad, write_into
from .shapes import broadcast_error, broadcast_shape
from .tables import (
    FUNCTIONS,
    METHODS,
    REGISTRY,
    alias,
    composite,
    only_function,
    only_method,
    publish,
    renamed,
    unpublished,
)
from .text import OPERANDS
from .traits import FLOAT, KEEP, MANY, NUMBERS, PROMOTE, no_derivative, not_implemented
from .unrecorded import MEANINGS

__all__ = [
    "FLOAT",
    "FUNCTIONS",
    "KEEP",
    "MANY",
    "MEANINGS",
    "METHODS",
    "NUMBERS",
    "OPERANDS",
    "PROMOTE",
    "REGISTRY",
    "SEVERAL_DIMS",
    "alias",
    "as_several",
    "broadcast_error",
    "broadcast_shape",
    "check_writable",
    "compose_into",
    "composite",
    "no_derivative",
    "not_implemented",
    "only_function",
    "only_method",
    "op",
    "pointwise",
    "publish",
    "renamed",
    "requires_grad",
    "unpublished",
    "write_into",
]
