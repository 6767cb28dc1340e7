"""Pickles read as data: an interpreter of the few instructions that torch writes, which calls nothing but CALLABLE."""

from __future__ import annotations

import pickle as codes
import re
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError, decode_long
from typing import Any, BinaryIO

from .. import dtypes
from ..settings import warn
from ..tensor import Tensor
from .names import CALLABLE, NAMED, StorageType, give_state, require_keys

# What reading a file that is none can raise, before it is found to be none.
_DAMAGE = (LookupError, OverflowError, RecursionError, TypeError, ValueError)
_DICTS = (dict, OrderedDict, Counter)
_COPIED = (str, bytes, list, tuple, dict)
_BRIEF = (str, int, float, type(None), dtypes.dtype, StorageType)
_NUMERIC = re.compile(r"torch\.(\w+Storage|b?float\w+|u?int\w+|complex\w+|q\w+)")  # dtypes and their storages
_BLOCKED = ("sys", "os", "posix", "nt")

_CONSTANTS = {codes.NONE: None, codes.NEWTRUE: True, codes.NEWFALSE: False}
_EMPTY: dict[bytes, Callable[[], Any]] = {
    codes.EMPTY_TUPLE: tuple,
    codes.EMPTY_LIST: list,
    codes.EMPTY_DICT: dict,
    codes.EMPTY_SET: set,
}
_NUMBERS = {codes.BININT: "<i", codes.BININT1: "<B", codes.BININT2: "<H", codes.BINFLOAT: ">d"}
_TUPLES = {codes.TUPLE1: 1, codes.TUPLE2: 2, codes.TUPLE3: 3}
_GETS = {codes.BINGET: "<B", codes.LONG_BINGET: "<I"}
_PUTS = {codes.BINPUT: "<B", codes.LONG_BINPUT: "<I"}


def refusal(reason: str) -> UnpicklingError:
    """The error about a file that holds something other than weights."""
    return UnpicklingError(
        f"Weights only load failed. {reason}\n\nmicrotorch reads tensors, containers, numbers and strings, and executes "
        "nothing of a file."
    )


def brief(value: Any) -> str:
    """A value in an error: of a container only the type, as the text of a small file's can be endless."""
    return f"{value!r:.200}" if type(value) in _BRIEF else str(type(value))


class Unpickler:
    """Reads one pickle from a file; `find_storage` gives the storage of a persistent id."""

    def __init__(self, file: BinaryIO, find_storage: Callable[[tuple[Any, ...]], Any], most: int) -> None:
        """`most`: how many elements and characters may be copied from one object to another."""
        self.file = file
        self.find_storage = find_storage
        self.most = most
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under the marks

    def load(self) -> Any:
        """The object. EOFError: the file ends too early; UnpicklingError: it has something else in it."""
        while (code := self._read(1)) != codes.STOP:
            if code == codes.BINPERSID:
                self.stack.append(self.find_storage(self._guarded(self._storage_name)))
            else:
                self._guarded(self._step, code)
        return self._guarded(self.stack.pop)

    def _guarded(self, function: Callable[..., Any], *args: Any) -> Any:
        """What a function gives, whose errors are the file's fault."""
        try:
            return function(*args)
        except UnpicklingError as error:
            raise refusal(str(error)) from None
        except _DAMAGE as error:
            raise refusal(f"The file is damaged: {type(error).__name__}: {error}") from None

    def _read(self, count: int) -> bytes:
        data = self.file.read(count)
        if len(data) != count:
            raise EOFError("Ran out of input")
        return data

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._read(struct.calcsize(form)))[0]

    def _line(self) -> str:
        line = self.file.readline(1000)
        if not line.endswith(b"\n"):
            raise EOFError("Ran out of input")
        return line[:-1].decode()

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def _step(self, code: bytes) -> None:
        stack = self.stack
        if code in _GETS:
            stack.append(self.memo[self._number(_GETS[code])])
        elif code in _PUTS:
            self.memo[self._number(_PUTS[code])] = stack[-1]
        elif code in _NUMBERS:
            stack.append(self._number(_NUMBERS[code]))
        elif code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in _EMPTY:
            stack.append(_EMPTY[code]())
        elif code in _TUPLES:
            count = _TUPLES[code]
            if len(stack) < count:
                raise IndexError("pop from empty list")
            stack[-count:] = [tuple(stack[-count:])]
        elif code == codes.MARK:
            self.below.append(stack)
            self.stack = []
        elif code == codes.TUPLE:
            items = self._since_mark()
            self.stack.append(tuple(items))
        elif code == codes.BINUNICODE:
            stack.append(str(self._read(self._number("<I")), "utf-8", "surrogatepass"))
        elif code == codes.SHORT_BINSTRING:
            stack.append(self._read(self._number("<B")).decode())
        elif code == codes.LONG1:
            stack.append(decode_long(self._read(self._number("<B"))))
        elif code == codes.GLOBAL:
            stack.append(_find(self._line(), self._line()))
        elif code == codes.REDUCE:
            self._reduce(stack.pop())
        elif code == codes.BUILD:
            self._build(stack.pop())
        elif code == codes.PROTO:
            self._protocol(self._number("<B"))
        elif code in (codes.APPEND, codes.APPENDS):
            items = [stack.pop()] if code == codes.APPEND else self._since_mark()
            self._extend(items)
        elif code in (codes.SETITEM, codes.SETITEMS):
            items = [stack.pop(-2), stack.pop()] if code == codes.SETITEM else self._since_mark()
            self._set(items)
        else:
            raise UnpicklingError(f"Unsupported operand {code[0]}")

    def _extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise UnpicklingError(f"Can only append to lists, but got {type(target)}")
        target.extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in _DICTS:
            raise UnpicklingError(f"Can only set the items of dicts, but got {type(target)}")
        require_keys(items[::2])
        target.update(zip(items[::2], items[1::2], strict=True))

    def _reduce(self, args: Any) -> None:
        function = self.stack[-1]
        if not any(function is known for known in CALLABLE.values()):
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {brief(function)}")
        if type(args) is not tuple:
            raise UnpicklingError(f"Arguments must be a tuple, but got {type(args)}")
        self._pay_for(args)
        self.stack[-1] = function(*args)

    def _build(self, state: Any) -> None:
        target = self.stack[-1]
        if type(target) is not OrderedDict and not isinstance(target, Tensor):
            raise UnpicklingError(f"Can only build Tensor, Parameter or OrderedDict, but got {type(target)}")
        self._pay_for(state if type(state) is tuple else (state,))
        give_state(target, state)

    def _pay_for(self, copied: tuple[Any, ...]) -> None:
        """Count what is copied: a few bytes of a file could demand it of the same object again and again."""
        self.most -= sum(len(value) for value in copied if type(value) in _COPIED)
        if self.most < 0:
            raise UnpicklingError("It copies its own contents too often.")

    def _storage_name(self) -> tuple[Any, ...]:
        name = self.stack.pop()
        if type(name) is not tuple or not name or name[0] != "storage":
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {brief(name)}")
        return name[1:]

    def _protocol(self, protocol: int) -> None:
        if protocol != 2:
            warn(
                f"Detected pickle protocol {protocol} in the checkpoint, which was not the default pickle protocol used "
                "by `torch.load` (2). The weights_only Unpickler might not support all instructions implemented by this "
                "protocol, please file an issue for adding support if you encounter this."
            )


def _find(module: str, name: str) -> Any:
    """What stands for a global of a file."""
    module = {"__builtin__": "builtins"}.get(module, module)
    path = f"{module}.{name}"
    if module in _BLOCKED:
        raise UnpicklingError(f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked.")
    if path not in NAMED:
        if _NUMERIC.fullmatch(path):
            raise UnpicklingError(f"microtorch does not have {path}.")
        raise UnpicklingError(
            f"Unsupported global: GLOBAL {path.removeprefix('builtins.')} was not an allowed global by default."
        )
    return NAMED[path]
