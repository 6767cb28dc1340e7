"""torch on a GPU, for scripts that know nothing of one: where tensors are made, and where random numbers come from.

The default device is set, and tensors that torch makes elsewhere are moved there. The GPU's random number generator is
another algorithm than the CPU's: so every random number is drawn by the CPU's generator, by the CPU's own kernel, and
moved. Data, initial weights and dropout masks are then the same as on the CPU, and what differs is arithmetic.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

VARIABLES = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}  # without it cuBLAS does not give the same bits twice
HIDDEN = {"CUDA_VISIBLE_DEVICES": ""}  # for torch on the CPU: a script that asks for a GPU finds none

# The operators of aten that draw random numbers in a kernel of their device; all other draws are made of these.
DRAWS = (
    *("uniform_", "normal_", "random_", "random_.from", "random_.to", "bernoulli_.float", "bernoulli_.Tensor"),
    *("exponential_", "cauchy_", "log_normal_", "geometric_", "bernoulli.out", "poisson", "binomial"),
    *("normal.Tensor_float", "normal.float_Tensor", "normal.Tensor_Tensor"),
    *("normal.Tensor_float_out", "normal.float_Tensor_out", "normal.Tensor_Tensor_out"),
    *("multinomial", "multinomial.out", "randperm.generator_out", "_standard_gamma", "_sample_dirichlet"),
    *("rrelu_with_noise", "rrelu_with_noise.out", "rrelu_with_noise_"),
)
TYPED = [f"{kind}Tensor" for kind in ("Float", "Double", "Half", "Long", "Int", "Short", "Char", "Byte", "Bool")]
DROPOUT = "native_dropout"  # a GPU's only: on the CPU, dropout is a product with a mask

PROBE = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 1)"


def missing(device: str) -> str:
    """The sentence that says why scripts cannot be run on a device, else nothing."""
    if not re.fullmatch(r"cuda(:\d+)?", device):
        return f"parity compares devices of the kind cuda; it does not know {device!r}"
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "torch finds no CUDA device here, so nothing can be run on one"


_in_effect: list[Any] = []  # what torch forgets when it is collected


def put_in_place(torch: Any, device: str) -> None:
    """Make scripts run on a device from now on, with one outcome for one script."""
    target = torch.device(device)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True)
    torch.set_default_device(target)
    move_tensors(torch, target)
    hide_device(torch, target)
    _in_effect.append(draw_on_cpu(torch, torch._C._dispatch_key_for_device(target.type)))


def title(torch: Any, device: str) -> str:
    """The name that a GPU gives itself."""
    return str(torch.cuda.get_device_name(device)) if device.startswith("cuda") else device


def draw_on_cpu(torch: Any, key: str) -> Any:
    """Put draws on the CPU in place of a dispatch key's random kernels, for as long as the result is kept."""
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns once that kernels are replaced
        for name in DRAWS:
            library.impl(name, drawn(torch, name), key)
        library.impl(DROPOUT, functools.partial(dropout, torch), key)
    return library


def drawn(torch: Any, name: str) -> Callable[..., Any]:
    """The operator of aten with this name, for tensors of any device, by the CPU's kernel and generator."""
    packet, _, overload = name.partition(".")
    operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
    schema = operator._schema.arguments
    written = {a.name for a in schema if a.alias_info is not None and a.alias_info.is_write}

    def draw(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip((a.name for a in schema), args, strict=False)) | kwargs
        _refuse_other_generators(given.get("generator"))
        here = {key: _twin(torch, value) if isinstance(value, torch.Tensor) else value for key, value in given.items()}
        result = operator(**here)
        for key in written:
            given[key].resize_(here[key].shape).copy_(here[key])
            if here[key] is result:
                return given[key]
        return result.to(next(value.device for value in given.values() if isinstance(value, torch.Tensor)))

    return draw


def dropout(torch: Any, input: Any, p: float, train: bool | None) -> tuple[Any, Any]:
    """x·m/(1 − p) and m, where the mask m is drawn as dropout on the CPU draws it."""
    if train is False:
        return input.clone(), torch.ones_like(input, dtype=torch.bool)
    mask = torch.empty_like(input, device="cpu").bernoulli_(1 - p).to(input.device)
    return input * (mask / (1 - p) if p < 1 else mask), mask.bool()


def move_tensors(torch: Any, target: Any) -> None:
    """What the default device does not reach: `torch.normal` with a size, `torch.FloatTensor(…)`, and numpy's arrays.

    A tensor made of an array is moved, and a tensor's array is that of a copy on the CPU: they share no memory.
    """
    of_class, of_array, normal = torch.Tensor.__new__, torch.from_numpy, torch.normal
    numpy, array = torch.Tensor.numpy, torch.Tensor.__array__

    def new(cls: type, *args: Any, **kwargs: Any) -> Any:
        made = of_class(cls, *args, **kwargs)
        return made.to(target) if cls is torch.Tensor and "device" not in kwargs else made

    @functools.wraps(normal)
    def normal_there(*args: Any, **kwargs: Any) -> Any:
        sized = len(args) > 2 or "size" in kwargs
        return normal(*args, **({"device": target} if sized and "out" not in kwargs else {}) | kwargs)

    for kind in TYPED:
        setattr(torch, kind, Typed(torch, kind, target))
    torch.normal = normal_there
    torch.Tensor.__new__ = staticmethod(new)
    torch.from_numpy = functools.wraps(of_array)(lambda given: of_array(given).to(target))
    torch.Tensor.numpy = functools.wraps(numpy)(lambda self, **options: numpy(_at_home(self), **options))
    torch.Tensor.__array__ = functools.wraps(array)(
        lambda self, *given, **named: array(_at_home(self), *given, **named)
    )


class Typed:
    """What makes a CPU tensor of one type, `torch.FloatTensor` for example, with tensors on a device."""

    def __init__(self, torch: Any, name: str, target: Any) -> None:
        self._torch, self._target, self._kind = torch, target, getattr(torch, name)

    def __call__(self, *args: Any) -> Any:
        return self._kind(*args).to(self._target)

    def __instancecheck__(self, thing: Any) -> bool:
        return isinstance(thing, self._torch.Tensor) and thing.dtype is self.dtype

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kind, name)


def hide_device(torch: Any, target: Any) -> None:
    """Tensors are printed as on the CPU, without `device='cuda:0'`."""
    printing = torch._tensor_str
    add = printing._add_suffixes

    @functools.wraps(add)
    def without_device(text: str, suffixes: list[str], *rest: Any, **options: Any) -> Any:
        return add(text, [s for s in suffixes if not s.startswith(f"device='{target.type}")], *rest, **options)

    printing._add_suffixes = without_device


def _at_home(tensor: Any) -> Any:
    return tensor if tensor.device.type == "cpu" else tensor.cpu()


def _twin(torch: Any, tensor: Any) -> Any:
    """A copy on the CPU in the same layout, for what is drawn depends on the layout."""
    twin = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
    return twin.copy_(tensor)


def _refuse_other_generators(generator: Any) -> None:
    if generator is not None and generator.device.type != "cpu":
        raise NotImplementedError(
            f"parity draws random numbers on the CPU, and the script has a generator on {generator.device}"
        )
