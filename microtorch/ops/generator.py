"""The generator of random numbers, and the default one that all draws use which name none."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import FUNCTIONS, only_function
from ..stream import Stream
from ..tensor import Tensor, wrap
from ..types import CPU, device, require_cpu


class Generator(Stream):
    """A stream of random numbers of its own, with torch's default seed."""

    __slots__ = ()

    def __init__(self, device: Any = "cpu") -> None:
        require_cpu(device)
        super().__init__()

    @property
    def device(self) -> device:
        return CPU

    def manual_seed(self, seed: int) -> Generator:  # type: ignore[override]
        super().manual_seed(seed)
        return self

    def get_state(self) -> Tensor:
        """All that there is to know, a uint8 tensor of 5056 elements that torch understands."""
        return wrap(self.state())

    def set_state(self, new_state: Any) -> Generator:  # type: ignore[override]
        """Continue where the generator that had this state stood."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        super().set_state(new_state._array)
        return self

    def clone_state(self) -> Generator:
        """Another generator at the same point of the same stream."""
        return Generator().set_state(self.get_state())

    def __reduce__(self) -> Any:
        return (_restored, (self.state().tobytes(),))

    def __deepcopy__(self, memo: Any) -> Generator:
        return self.clone_state()


def _restored(state: bytes) -> Generator:
    generator = Generator()
    Stream.set_state(generator, np.frombuffer(state, np.uint8))
    return generator


default_generator = Generator()
default_generator.seed()
FUNCTIONS.here |= {"Generator": Generator, "default_generator": default_generator}


@only_function
def manual_seed(seed: Any) -> Generator:
    """Seed the default generator."""
    return default_generator.manual_seed(int(seed))


@only_function
def seed() -> int:
    """Seed the default generator with a number that cannot be foretold, and return it."""
    return default_generator.seed()


@only_function
def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


@only_function
def get_rng_state() -> Tensor:
    """The state of the default generator."""
    return default_generator.get_state()


@only_function
def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state."""
    default_generator.set_state(new_state)


def stream(generator: Any, function: str) -> Stream:
    """The generator to draw from: the default one for None."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"{function}(): argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    return generator
