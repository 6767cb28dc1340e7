"""torch.save and torch.load: the same file as torch's, both directions, and nothing but one clear error of a bad one."""

from __future__ import annotations

import collections
import copy
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from alike import assert_same, table
from sides import OURS, SIDES, THEIRS, Side

import microtorch

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol", "ignore:TypedStorage is deprecated")


def with_attribute(tensor: Any) -> Any:
    tensor.note = "kept"
    return tensor


def model(m: Any) -> Any:
    """A state_dict with the versions of the modules in `_metadata`."""
    net = m.nn.Sequential(m.nn.Linear(2, 3), m.nn.ReLU(), m.nn.Linear(3, 1))
    with m.no_grad():
        for number, parameter in enumerate(net.parameters()):
            parameter.fill_(number + 0.5)
    return net.state_dict()


def optimizer(m: Any) -> Any:
    weight = m.nn.Parameter(m.ones(2))
    made = m.optim.RMSprop([weight], lr=0.1, momentum=0.9)
    weight.grad = m.full((2,), 0.5)
    made.step()
    return made.state_dict()


def views(m: Any) -> Any:
    t = m.arange(24.0).reshape(2, 3, 4)
    return [t, t[1], t.permute(2, 0, 1), t[:, 1:, ::2], t[0, 0, 0], t[:0], t[0, :1].expand(5, 4), {"again": t}]


DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]
CONTENTS: dict[str, Callable[[Any], Any]] = {
    "numbers and strings": lambda m: [0, 1, -1, 255, 256, 65536, -(2**31), 2**31, 2**70, -(2**70), 0.1, "é", "", None],
    "booleans": lambda m: (True, False),
    "special floats": lambda m: [float("inf"), -0.0, 5e-324],
    "tuples": lambda m: [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "nested": lambda m: {"a": [{"b": (1, {"c": []})}], 2: {}, None: 1, (1, 2): "key", 1.5: m.ones(1)},
    "ordered": lambda m: collections.OrderedDict(b=1, a=m.ones(2)),
    "counter": lambda m: collections.Counter("aab"),
    "sets": lambda m: [set(), {1}],
    "bytes": lambda m: [b"a\xff", bytearray(), bytearray(b"b\xfe")],
    "complex": lambda m: 1 + 2j,
    "types": lambda m: [m.float16, m.float32, m.float64, m.uint8, m.int8, m.int16, m.int32, m.int64, m.bool],
    "sizes": lambda m: [m.Size([]), m.Size([2, 3]), m.ones(2, 3).shape],
    "layout": lambda m: m.strided,
    "0-d": lambda m: m.tensor(2.5),
    "empty": lambda m: [m.zeros(0), m.zeros(0, 3), m.zeros(2, 0)],
    "dtypes": lambda m: [m.ones(3, dtype=getattr(m, name)) for name in DTYPES],
    "nan": lambda m: m.tensor([float("nan"), float("-inf"), -0.0]),
    "requires grad": lambda m: [m.ones(2, requires_grad=True), m.ones(2, requires_grad=True) * 2],
    "parameters": lambda m: [m.nn.Parameter(m.ones(2)), m.nn.Parameter(m.ones(2), requires_grad=False)],
    "attributes": lambda m: [with_attribute(m.ones(2)), with_attribute(m.nn.Parameter(m.ones(2)))],
    "buffer": lambda m: m.nn.Buffer(m.ones(2)),
    "the same object": lambda m: [[t := m.ones(2), [1]] for _ in range(1)] * 2 + [t],
    "views": views,
    "many": lambda m: [m.full((n,), float(n)) for n in range(13)],
    "transposed": lambda m: m.arange(6.0).reshape(2, 3).t(),
    "from an array": lambda m: m.from_numpy(np.arange(10.0)[3::2]),
    "model": model,
    "optimizer": optimizer,
    "bytes of a tensor": lambda m: [m.arange(3.0), m.ones(2).untyped_storage()],
}


def saved(side: Side, content: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    side.module.save(content, file, **options)
    return file.getvalue()


def loaded(side: Side, data: bytes, **options: Any) -> Any:
    return side.module.load(io.BytesIO(data), **options)


def records(data: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    return {name: archive.read(name) for name in archive.namelist()}


def described(value: Any, places: dict[int, int] | None = None) -> Any:
    """All that can be seen of a value, also which tensors share memory; the same for both sides."""
    places = {} if places is None else places
    if isinstance(value, (torch.Tensor, microtorch.Tensor)):
        memory = places.setdefault(value.untyped_storage().data_ptr(), len(places)) if value.numel() else None
        array = value.detach().numpy()
        shape = type(value).__name__, str(value.dtype), tuple(value.shape), value.stride(), value.storage_offset()
        return *shape, array.tobytes(), value.requires_grad, value.is_leaf, memory, sorted(value.__dict__.items())
    if isinstance(value, dict):
        items = [(described(k, places), described(v, places)) for k, v in value.items()]
        return type(value).__name__, items, described(getattr(value, "__dict__", {}), places) if value else None
    if isinstance(value, (list, tuple, set)):
        return type(value).__name__, [described(v, places) for v in value]
    if type(value).__name__ == "TypedStorage":
        return value.tolist(), str(value.dtype)
    return type(value).__name__, repr(value)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", CONTENTS)
def test_both_directions(name: str, legacy: bool) -> None:
    """Each side reads what the other wrote, and sees in it what the other sees."""
    if name == "bytes of a tensor" and legacy:
        return  # torch cannot read what it writes of these
    expected = None
    for writer in SIDES:
        data = saved(writer, CONTENTS[name](writer.module), _use_new_zipfile_serialization=not legacy)
        for reader in SIDES:
            found = described(loaded(reader, data))
            expected = expected or found
            assert found == expected


@pytest.mark.parametrize("name", CONTENTS)
def test_same_bytes(name: str) -> None:
    """All of the file is torch's, but for the half of its fingerprint that says something of the records' names."""
    theirs, ours = (saved(side, CONTENTS[name](side.module)) for side in (THEIRS, OURS))
    assert list(records(ours)) == list(records(theirs))
    for record, data in records(theirs).items():
        skip = 20 if record.endswith("serialization_id") else 0
        assert records(ours)[record][skip:] == data[skip:], record
    start = theirs.index(records(theirs)["archive/.data/serialization_id"])
    assert ours[:start] == theirs[:start]
    directory = theirs.index(b"PK\1\2")
    without = [
        data[directory:].replace(struct.pack("<I", crc), b"crc!")
        for data, crc in ((theirs, id_crc(theirs)), (ours, id_crc(ours)))
    ]
    assert without[0] == without[1]


def id_crc(data: bytes) -> int:
    return zipfile.ZipFile(io.BytesIO(data)).getinfo("archive/.data/serialization_id").CRC


def test_zip64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes and positions that need eight bytes: torch and zip's own reader find the records, so does ours."""
    monkeypatch.setattr("microtorch.serialization.archive._LIMIT", 900)
    content = {"large": microtorch.arange(400.0), "after": microtorch.ones(3)}
    microtorch.save(content, tmp_path / "large.pt")
    for side in SIDES:
        assert described(side.module.load(tmp_path / "large.pt")) == described(content)


@pytest.mark.parametrize("protocol", [2, 3])
def test_protocols(protocol: int) -> None:
    for writer in SIDES:
        data = saved(writer, [writer.module.ones(2), 1, "x"], pickle_protocol=protocol)
        assert described(loaded(THEIRS, data)) == described(loaded(OURS, data))


def test_loaded_memory_is_ones_own() -> None:
    """What was a view is one after loading; writing works and is seen by all that share the memory."""
    table, row, turned = loaded(OURS, saved(OURS, [t := microtorch.zeros(2, 3), t[1], t.t()]))
    row += 1
    assert table.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert turned[2].tolist() == [0, 1]
    assert (row._version, row.is_leaf) == (1, True)


@pytest.mark.parametrize("name", ["plain.pt", "two.dots.tar", "no_ending", "ä.pt"])
def test_paths(name: str, tmp_path: Path) -> None:
    """A path as text and as an object; the folder in the archive has the file's name, as torch's."""
    files = {}
    for side in SIDES:
        folder = tmp_path / side.module.__name__
        folder.mkdir()
        side.module.save([1, side.module.ones(1)], folder / name)
        assert described(side.module.load(str(folder / name))) == described([1, side.module.ones(1)])
        with open(folder / name, "rb") as file:
            assert described(side.module.load(file)) == described([1, side.module.ones(1)])
        files[side] = list(records((folder / name).read_bytes()))
    assert files[OURS] == files[THEIRS]


# -- what is asked of load and save ------------------------------------------------------------------------------------

FILE = saved(THEIRS, {"w": torch.arange(6.0)})


class NoSeek(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        return b""


@table(
    lambda side: loaded(side, FILE, map_location="cpu"),
    lambda side: loaded(side, FILE, map_location=side.module.device("cpu")),
    lambda side: loaded(side, FILE, map_location={}),
    lambda side: loaded(side, FILE, map_location={"cpu": "cuda:0"}),
    lambda side: loaded(side, FILE, map_location={"cuda": "cpu"}),
    lambda side: loaded(side, FILE, map_location="cuda"),
    lambda side: loaded(side, FILE, map_location="cuda:1"),
    lambda side: loaded(side, FILE, map_location="nowhere"),
    lambda side: loaded(side, FILE, map_location=lambda memory, tag: None),
    lambda side: loaded(side, FILE, map_location=lambda memory, tag: memory),
    lambda side: loaded(side, FILE, map_location=lambda memory, tag: memory.clone().fill_(len(tag))),
    lambda side: loaded(side, FILE, map_location=3),
    lambda side: loaded(side, FILE, weights_only=True),
    lambda side: loaded(side, FILE, weights_only=True, pickle_module=pickle),
    lambda side: loaded(side, FILE, encoding="latin1"),
    lambda side: loaded(side, FILE, errors="strict"),
    lambda side: side.module.load("no such file"),
    lambda side: side.module.load(os.sep),
    lambda side: side.module.load(3),
    lambda side: side.module.load(None),
    lambda side: side.module.load(NoSeek()),
    lambda side: side.module.save({}, 3),
    lambda side: side.module.save({}, "no such folder/x.pt"),
    lambda side: side.module.save([t := side.module.ones(2), t.view(side.module.int32)], io.BytesIO()),
    lambda side: saved(side, 1, pickle_protocol=9),
)
def test_arguments(case: Any) -> None:
    assert_same(case)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: loaded(OURS, FILE, weights_only=False), "nothing of a file is ever executed"),
        (lambda: microtorch.load(io.BytesIO(FILE), mmap=True), "does not map files"),
        (lambda: saved(OURS, microtorch.nn.Linear(1, 1)), "no object of type Linear: .* state_dict"),
        (lambda: saved(OURS, {"f": lambda: 0}), "no object of type function"),
        (lambda: saved(OURS, [np.float64(1)]), "no object of type float64"),
        (lambda: saved(OURS, 1, pickle_module=collections), "Python's pickle alone"),
        (lambda: microtorch.ones(1).share_memory_(), "shared between processes"),
    ],
)
def test_what_microtorch_lacks(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(NotImplementedError, match=f"microtorch .*{says}|{says}"):
        call()


# -- pickle and copy ---------------------------------------------------------------------------------------------------


def again(value: Any, protocol: int | None = None) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))


def shared(tensors: list[Any]) -> Any:
    """What two views show, after what they are views of is written to."""
    tensors[0][1, 0] = 99
    return tensors[1], tensors[2], tensors[0]._version


def three(side: Side) -> list[Any]:
    table = side.module.arange(6.0).reshape(2, 3)
    return [table, table[1], table.t()]


def with_gradient(side: Side) -> Any:
    leaf = side.module.ones(2, requires_grad=True)
    leaf.grad = side.module.ones(2)
    return leaf


@table(
    lambda s: shared(again(three(s))),
    lambda s: shared(copy.deepcopy(three(s))),
    lambda s: shared(copy.copy(three(s))),
    lambda s: [again(three(s)[2]).stride(), again(three(s)[1]).storage_offset()],
    lambda s: [again(three(s)[0], protocol) for protocol in range(6)],
    lambda s: [again(with_gradient(s)), again(with_gradient(s)).grad],
    lambda s: [copy.deepcopy(with_gradient(s)), copy.deepcopy(with_gradient(s)).grad],
    lambda s: [copy.copy(with_gradient(s)), copy.copy(with_gradient(s)).grad],
    lambda s: again(with_gradient(s) * 2),
    lambda s: copy.deepcopy(with_gradient(s) * 2),
    lambda s: again(with_attribute(s.module.ones(1))).note,
    lambda s: (again(s.module.nn.Parameter(s.module.ones(1))), again(s.module.nn.Parameter(s.module.ones(1), False))),
    lambda s: again(s.module.nn.Buffer(s.module.ones(1))).persistent,
    lambda s: again(s.module.nn.Sequential(s.module.nn.Linear(1, 1), s.module.nn.ReLU())),
    lambda s: (lambda pair: pair[0] is pair[1])(again([s.module.ones(1)] * 2)),
    lambda s: [again(d) is d for d in (s.module.float32, s.module.bool, s.module.strided, s.module.preserve_format)],
    lambda s: again([s.module.Size([1, 2]), s.module.device("cpu"), s.module.device("cuda", 1)]),
    lambda s: again(s.module.exp) is s.module.exp,
    lambda s: copy.deepcopy(s.module.ones(3).expand(2, 3)).untyped_storage().nbytes(),
    lambda s: (lambda net: net.again is net.weight)(again(with_weight_twice(s))),
    lambda s: (lambda net: net.again is net.weight)(copy.deepcopy(with_weight_twice(s))),
)
def test_pickle_and_copy(case: Any) -> None:
    assert_same(case)


def with_weight_twice(side: Side) -> Any:
    layer = side.module.nn.Linear(2, 1)
    layer.again = layer.weight
    return layer
