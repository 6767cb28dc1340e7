"""What may watch operations being recorded: hooks that pack what nodes save, and anomaly mode.

Nobody does, usually: then nothing here runs. Who begins to watch sets the flag WATCHED of the mode, so that operations
are recorded the long way, which ends in `watch`.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .engine import WATCHED, AccumulateGrad, Mode, Node, mode
from .saved import SavedInput, SavedOutput, SavedPacked
from .settings import anomaly
from .tensor import Tensor
from .views import AsStridedBackward0

Pack = Callable[[Tensor], Any]
Unpack = Callable[[Any], Tensor]
HERE = str(Path(__file__).parent)


class Watch(threading.local):
    """Who watches this thread."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Pack, Unpack]] = []  # hooks on what nodes save; the last pair counts
        self.forbidden: str | None = None  # the error for who wants to set hooks
        self.node: Node | None = None  # which runs in a backward pass that looks for anomalies


watching = Watch()


def push(pack: Pack, unpack: Unpack) -> None:
    """Let a pair of hooks pack and unpack what is saved from now on in this thread."""
    if watching.forbidden is not None:
        raise RuntimeError(watching.forbidden)
    if not (callable(pack) and callable(unpack)):
        raise TypeError(
            "_push_saved_tensors_default_hooks(): incompatible function arguments. The following argument types are "
            "supported:\n    1. (arg0: collections.abc.Callable, arg1: collections.abc.Callable) -> None\n\nInvoked with: "
            f"{pack!r}, {unpack!r}"
        )
    watching.pairs.append((pack, unpack))
    _look()


def forbid(error: str) -> None:
    """Let nobody push hooks; an error if somebody has."""
    watching.forbidden = error
    if watching.pairs:
        raise RuntimeError(error)


def pop() -> None:
    watching.pairs.pop()
    _look()


def set_anomaly(enabled: bool, check_nan: bool) -> None:
    anomaly.enabled, anomaly.check_nan = enabled, check_nan
    Mode.flags = Mode.flags | WATCHED if enabled else Mode.flags & ~WATCHED  # of threads that begin later
    _look()


def _look() -> None:
    mode.flags = mode.flags | WATCHED if watching.pairs or anomaly.enabled else mode.flags & ~WATCHED


def watch(node: Any, results: Sequence[Any] | None = None) -> None:
    """Note where a node was made, and those that were made with it; pack what it saved: its inputs, or with these also
    its results, once they have their place in the graph.
    """
    if anomaly.enabled:
        made_with = [edge[0] for edge in node._edges if isinstance(edge[0], (AccumulateGrad, AsStridedBackward0))]
        where = _where()
        for new in (node, *made_with):
            if "traceback_" not in new.metadata:
                new.metadata["traceback_"] = where
                if watching.node is not None:
                    new.metadata["parent_"] = watching.node
    if watching.pairs:
        pack_saved(node, results)


def save(tensor: Tensor) -> SavedInput | SavedPacked:
    """A tensor as a node would keep it."""
    return SavedPacked(tensor, *watching.pairs[-1]) if watching.pairs else SavedInput(tensor)


def pack_saved(node: Any, results: Sequence[Any] | None) -> None:
    """Let the hooks have what a node saved, see `watch`."""
    if watching.pairs and getattr(node, "_saved", None):
        node._saved = tuple(_packed(saved, results) for saved in node._saved)
        assert node.hooks  # a node that has hooks runs on tensors, as those want them


def _packed(saved: Any, results: Sequence[Any] | None) -> Any:
    if type(saved) is list:
        return [_packed(s, results) for s in saved]
    if type(saved) is SavedInput:
        return save(saved.tensor)
    if type(saved) is SavedOutput and results is not None:
        return SavedPacked(results[saved.position], *watching.pairs[-1], saved)
    return saved


def _where() -> list[str]:
    """The lines of the program that lead here, down to the last one that is not microtorch's."""
    frames = traceback.extract_stack()
    while frames and (frames[-1].filename.startswith((HERE, "<microtorch"))):
        frames.pop()
    return traceback.format_list(frames)
