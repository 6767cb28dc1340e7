"""Files for torch.load that are damaged or hostile: nothing but one clear error, torch's where torch has one."""

from __future__ import annotations

import io
import os
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
from alike import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st
from sides import OURS, SIDES, THEIRS, Outcome
from test_serialization import FILE, loaded, model, optimizer, records, saved, views

import microtorch

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")

# -- files that are damaged or hostile ---------------------------------------------------------------------------------

RECORDS = records(FILE)
PICKLE = RECORDS["archive/data.pkl"]


def repacked(changes: dict[str, bytes | None], compression: int = zipfile.ZIP_STORED) -> bytes:
    """The file with other records (None: without one)."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, data in (RECORDS | {f"archive/{name}": data for name, data in changes.items()}).items():
            if data is not None:
                archive.writestr(name, data)
    return made.getvalue()


def with_pickle(old: bytes, new: bytes) -> bytes:
    assert PICKLE.count(old) == 1
    return repacked({"data.pkl": PICKLE.replace(old, new)})


class Call:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def program(*parts: bytes) -> bytes:
    return repacked({"data.pkl": b"\x80\x02" + b"".join(parts) + b"."})


def calling(function: Any, *args: Any) -> bytes:
    return repacked({"data.pkl": pickle.dumps(Call(function, *args), 2)})


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


# A list of two lists of two lists …, whose text would have 2⁶⁰ parts; it is the last in the memo.
ENDLESS = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60))
LAST = b"h\x3c"
LONG_KEY = b"(" + b"K\x01" * 200 + b"tq\x00(" + b"h\x00" * 200 + b"tq\x01"


def promising(size: int) -> bytes:
    """The file, whose directory says of the first tensor's memory that it has so many bytes."""
    at = FILE.index(b"PK\1\2")
    while not FILE[at + 46 :].startswith(b"archive/data/0"):
        at = FILE.index(b"PK\1\2", at + 4)
    return FILE[: at + 20] + struct.pack("<II", size, size) + FILE[at + 28 :]


def copies(count: int) -> bytes:
    """A text of 1000 characters, made into bytes `count` times."""
    return program(
        b"c_codecs\nencode\nq\x00", text("a" * 1000), text("latin1"), b"\x86q\x01](" + b"h\x00h\x01R" * count + b"e"
    )


NUMEL, OFFSET_AND_SIZE, STRIDE = b"K\x06tq\x07", b"K\x00K\x06\x85", b"K\x01\x85q\x09"
NEGATIVE = b"J\xff\xff\xff\xff"
HUGE = b"\x8a\x08" + struct.pack("<q", 2**60)
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"

# What torch reads, and microtorch as well.
READABLE = {
    "packed again": repacked({}),
    "compressed": repacked({}, zipfile.ZIP_DEFLATED),
    "more behind it": FILE + b"more",
    "no byte order": repacked({"byteorder": None}),
    "other byte order": repacked({"byteorder": b"big"}),
    "no fingerprint": repacked({".data/serialization_id": None}),
    "lowest version": repacked({"version": b"1\n"}),
    "highest version": repacked({"version": b"10\n"}),
    "copies": copies(50),
    "more in the pickle": repacked({"data.pkl": PICKLE + b"more"}),
    "shorter view": with_pickle(OFFSET_AND_SIZE, b"K\x03K\x02\x85"),
    "repeats": with_pickle(STRIDE, b"K\x00\x85q\x09"),
    "a list in itself": program(b"]q\x00h\x00a0"[:-1]),
}

# What torch refuses, in words that are clear.
REFUSED_ALIKE = {
    "no pickle": repacked({"data.pkl": None}),
    "no storage": repacked({"data/0": None}),
    "short storage": repacked({"data/0": bytes(8)}),
    "long storage": repacked({"data/0": bytes(80)}),
    "odd byte order": repacked({"byteorder": b"odd"}),
    "more elements": with_pickle(NUMEL, b"K\x08tq\x07"),
    "fewer elements": with_pickle(NUMEL, b"K\x05tq\x07"),
    "huge storage": with_pickle(NUMEL, HUGE + b"tq\x07"),
    "size beyond the storage": with_pickle(OFFSET_AND_SIZE, b"K\x00K\x07\x85"),
    "offset beyond the storage": with_pickle(OFFSET_AND_SIZE, b"K\x01K\x06\x85"),
    "stride beyond the storage": with_pickle(STRIDE, b"K\x02\x85q\x09"),
    "negative offset": with_pickle(OFFSET_AND_SIZE, NEGATIVE + b"K\x06\x85"),
    "negative size": with_pickle(OFFSET_AND_SIZE, b"K\x00" + NEGATIVE + b"\x85"),
    "more bytes than there are": promising(2**31),
    "not the magic number": pickle.dumps(3, 2),
    "not the version": pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(3, 2),
}

# What torch refuses in the same type, with these words among its own.
REFUSED = {
    "nothing": (b"", EOFError, ""),
    "cut in the first bytes": (FILE[:3], pickle.UnpicklingError, "Unsupported operand 80"),
    "cut": (
        FILE[:100],
        RuntimeError,
        "PytorchStreamReader failed reading zip archive: failed finding central directory",
    ),
    "cut at the end": (
        FILE[:-10],
        RuntimeError,
        "PytorchStreamReader failed reading zip archive: failed finding central",
    ),
    "something before it": (b"xx" + FILE, pickle.UnpicklingError, "Unsupported operand 120"),
    "zeros": (bytes(100), pickle.UnpicklingError, "Unsupported operand 0"),
    "no version": (
        repacked({"version": None}),
        RuntimeError,
        'Expected hasRecord("version") to be true, but got false.',
    ),
    "later version": (
        repacked({"version": b"11\n"}),
        RuntimeError,
        "Attempted to read a PyTorch file with version 11, ",
    ),
    "no number of a version": (repacked({"version": b"x"}), RuntimeError, "Couldn't parse the version x as Long Long."),
    "another folder": (
        FILE[: FILE.index(b"PK\1\2")] and repacked({"../zoo/x": b""}).replace(b"archive/../zoo/x", b"another/../zoo/x"),
        RuntimeError,
        "file in archive is not in a subdirectory archive/: another/",
    ),
    "TorchScript": (
        repacked({"constants.pkl": b""}),
        RuntimeError,
        "Cannot use ``weights_only=True`` with TorchScript",
    ),
    "a command": (calling(os.system, "exit 1"), pickle.UnpicklingError, "unsupported GLOBAL posix.system whose module"),
    "eval": (calling(eval, "1"), pickle.UnpicklingError, "GLOBAL eval was not an allowed global by default."),
    "getattr": (calling(getattr, 1, "real"), pickle.UnpicklingError, "GLOBAL getattr was not an allowed global"),
    "pickle in pickle": (calling(pickle.loads, b""), pickle.UnpicklingError, "ickle.loads was not an allowed"),
    "frozenset": (calling(frozenset, [1]), pickle.UnpicklingError, "GLOBAL frozenset was not an allowed global"),
    "a call of a number": (program(b"K\x01)R"), pickle.UnpicklingError, "call reduce for unrecognized function 1"),
    "another protocol": (
        repacked({"data.pkl": pickle.dumps({}, 4)}),
        pickle.UnpicklingError,
        "Unsupported operand 14",
    ),
    "text protocol": (repacked({"data.pkl": pickle.dumps({}, 0)}), pickle.UnpicklingError, "Unsupported operand "),
    "append to a dict": (
        program(b"}K\x01a"),
        pickle.UnpicklingError,
        "Can only append to lists, but got <class 'dict'>",
    ),
    "another persistent id": (
        program(b"K\x01\x85Q"),
        pickle.UnpicklingError,
        "Only persistent_load of storage is allowed",
    ),
    "an empty pickle": (repacked({"data.pkl": b""}), EOFError, ""),
    "half a pickle": (repacked({"data.pkl": PICKLE[:-1]}), EOFError, ""),
    "state of a list": (program(b"]}b"), pickle.UnpicklingError, "Can only build Tensor, Parameter"),
}

# What torch does not notice, or refuses by stumbling over it.
OURS_ALONE = {
    "no zip archive": (FILE[:4], RuntimeError, "PytorchStreamReader failed reading zip archive"),
    "changed storage": (FILE.replace(struct.pack("<f", 5), struct.pack("<f", 6)), RuntimeError, "Bad CRC-32"),
    "nothing on the stack": (program(), pickle.UnpicklingError, "damaged"),
    "unknown memo": (program(b"h\x05"), pickle.UnpicklingError, "damaged"),
    "no mark": (program(b"t"), pickle.UnpicklingError, "damaged"),
    "an unhashable key": (program(b"}]K\x01s"), pickle.UnpicklingError, "damaged"),
    "half an item": (program(b"}(K\x01u"), pickle.UnpicklingError, "damaged"),
    "a long string": (program(b"X\xff\xff\xff\xffabc"), EOFError, "Ran out of input"),
    "no tuple of arguments": (program(b"ctorch\nSize\nK\x01R"), pickle.UnpicklingError, "Arguments must be a tuple"),
    "a tensor of nothing": (program(TENSOR, b")R"), pickle.UnpicklingError, "damaged"),
    "a tensor without storage": (
        program(TENSOR, b"(K\x01K\x00))\x89}tR"),
        pickle.UnpicklingError,
        "a tensor needs a storage",
    ),
    "negative stride": (with_pickle(STRIDE, NEGATIVE + b"\x85q\x09"), pickle.UnpicklingError, "must not be negative"),
    "two strides": (with_pickle(STRIDE, b"K\x01K\x01\x86q\x09"), pickle.UnpicklingError, "of the same length"),
    "sizes of text": (program(b"ctorch\nSize\nX\x01\x00\x00\x00a\x85\x85R"), pickle.UnpicklingError, "tuple of ints"),
    "negative storage": (with_pickle(NUMEL, NEGATIVE + b"tq\x07"), pickle.UnpicklingError, "A storage is described by"),
    "many dimensions": (
        repacked(
            {
                "data.pkl": PICKLE.replace(OFFSET_AND_SIZE, b"K\x00(" + b"K\x01" * 100 + b"t").replace(
                    STRIDE, b"(" + b"K\x01" * 100 + b"tq\x09"
                )
            }
        ),
        pickle.UnpicklingError,
        "damaged: ValueError: maximum supported dimension",
    ),
    "a call of a dtype": (
        program(b"ctorch\nfloat32\n)R"),
        pickle.UnpicklingError,
        "reduce for unrecognized function torch.",
    ),
    "a key nested deep": (
        program(b"}K\x01" + b"\x85" * (2 * 10**5) + b"K\x01s"),
        pickle.UnpicklingError,
        "tuples are nested too deep to be keys",
    ),
    "a member nested deep": (
        program(b"c__builtin__\nset\n]K\x01" + b"\x85" * (2 * 10**5) + b"a\x85R"),
        pickle.UnpicklingError,
        "tuples are nested too deep to be keys",
    ),
    "a name nested deep": (
        program(b"X\x07\x00\x00\x00storageK\x01" + b"\x85" * (2 * 10**5) + b"\x86Q"),
        pickle.UnpicklingError,
        "A storage is described by type, key, device and length, not by tuple",
    ),
    "a large bytearray": (calling(bytearray, 10**12), pickle.UnpicklingError, "a bytearray is made of bytes"),
    "another codec": (
        program(b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R"),
        pickle.UnpicklingError,
        "encoded as latin1",
    ),
    "a dtype that numpy lacks": (
        with_pickle(b"FloatStorage", b"BFloat16Storage"),
        pickle.UnpicklingError,
        "microtorch does not have torch.BFloat16Storage.",
    ),
    "attributes that are none": (
        program(b"ccollections\nOrderedDict\n)RK\x01b"),
        pickle.UnpicklingError,
        "must be a dict",
    ),
    "packed by another method": (repacked({}, zipfile.ZIP_BZIP2), RuntimeError, ": unsupported method"),
    "more than there is room for": (
        repacked({"data/9": bytes(10**6)}, zipfile.ZIP_DEFLATED),
        RuntimeError,
        "unpacks to over 100 times its length",
    ),
    "copies without end": (copies(3000), pickle.UnpicklingError, "copies its own contents too often"),
    "a call of an endless list": (
        program(ENDLESS, LAST + b")R"),
        pickle.UnpicklingError,
        "unrecognized function <class",
    ),
    "the name of an endless list": (program(ENDLESS, LAST + b"Q"), pickle.UnpicklingError, "but got <class 'list'>"),
    "an endless layout": (
        program(ENDLESS, b"ctorch.serialization\n_get_layout\n" + LAST + b"\x85R"),
        pickle.UnpicklingError,
        "a layout is given by its name",
    ),
    "an endless device": (
        program(ENDLESS, b"ctorch\ndevice\n", text("cpu"), LAST + b"\x86R"),
        pickle.UnpicklingError,
        "a device is a name and a number",
    ),
    "an endless version": (
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02" + ENDLESS + b".",
        RuntimeError,
        "Invalid protocol version: <class 'list'>",
    ),
    "a long key": (program(LONG_KEY, b"}h\x01K\x01s"), pickle.UnpicklingError, "not have more than 1000 parts"),
    "a deep key in pairs": (
        program(b"ccollections\nOrderedDict\n]K\x01" + b"\x85" * (2 * 10**5) + b"K\x02\x86a\x85R"),
        pickle.UnpicklingError,
        "tuples are nested too deep to be keys",
    ),
    "the tar files of old": (b"tensors" + bytes(1017), pickle.UnpicklingError, "damaged"),
}


@pytest.mark.parametrize("name", READABLE)
def test_is_read_as_torch_reads_it(name: str) -> None:
    theirs, ours = (loaded(side, READABLE[name]) for side in (THEIRS, OURS))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", REFUSED_ALIKE)
def test_is_refused_as_torch_refuses_it(name: str) -> None:
    outcome = assert_same(lambda side: loaded(side, REFUSED_ALIKE[name]))
    assert outcome.error is not None


@pytest.mark.parametrize("name", [*REFUSED, *OURS_ALONE])
def test_is_refused(name: str) -> None:
    data, kind, words = (REFUSED | OURS_ALONE)[name]
    for side in SIDES if name in REFUSED else [OURS]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(kind) as caught:
                loaded(side, data)
        assert words in str(caught.value)
        assert type(caught.value) is kind


def test_nothing_of_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No function is reached by a file that is not listed, however it is named."""
    monkeypatch.chdir(tmp_path)
    for function in (os.mkdir, Path.touch, open, exec, __import__, microtorch.save, microtorch.manual_seed):
        for protocol in range(5):
            data = pickle.dumps(Call(function, "made"), protocol)
            for file in (repacked({"data.pkl": data}), data):
                with pytest.raises((pickle.UnpicklingError, EOFError)):
                    loaded(OURS, file)
    assert list(tmp_path.iterdir()) == []


GOOD = saved(OURS, {"m": model(microtorch), "o": optimizer(microtorch), "v": views(microtorch)[:3], "s": {1, "a"}})
GOOD_LEGACY = saved(OURS, [microtorch.ones(3), {"a": 1}], _use_new_zipfile_serialization=False)
GOOD_PICKLE = records(GOOD)["archive/data.pkl"]
PIECES = [
    b"h\x00",
    b"h\x05",
    b"(",
    b")",
    b"]",
    b"}",
    b"K\x01",
    NEGATIVE,
    HUGE,
    b"t",
    b"R",
    b"b",
    b"Q",
    b"a",
    b"e",
    b"s",
    b"u",
]
PIECES += [
    b"q\x00",
    b"\x81",
    b"\x85",
    b"\x86",
    b"\x87",
    b"N",
    b"\x88",
    b"0",
    b"X\x01\x00\x00\x00a",
    b".",
    b"\x8f",
    b"\x93",
]
PIECES += [f"c{module}\n{name}\n".encode() for module, _, name in (p.rpartition(".") for p in ("torch.Tensor", "torch.Size",
    "torch.device", "torch._utils._rebuild_parameter", "torch._utils._rebuild_tensor_v3", "collections.Counter",
    "__builtin__.set", "__builtin__.bytearray", "torch._tensor._rebuild_from_type_v2", "torch.FloatStorage", "os.system",
    "torch.storage.UntypedStorage", "torch.float32"))]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes in which some are changed, cut out, doubled, or replaced by instructions of a pickle."""
    made = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(made)))
        until = min(len(made), at + draw(st.sampled_from([0, 1, 2, 4, 8, 40, len(made)])))
        piece: Any = draw(st.sampled_from(PIECES) | st.binary(max_size=3) | st.just(bytes(made[at:until])))
        made[at:until] = piece
    return bytes(made)


def refused_or_read(data: bytes) -> None:
    """One error of those that the module names, with a reason, or a value that can be used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = Outcome(lambda: repr(loaded(OURS, data)))
    if outcome.error is not None:
        assert type(outcome.error) in (pickle.UnpicklingError, EOFError, RuntimeError), repr(outcome.error)
        assert str(outcome.error)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_files(data: Any) -> None:
    refused_or_read(data.draw(damaged(data.draw(st.sampled_from([GOOD, GOOD_LEGACY])))))


@settings(deadline=None, max_examples=300)
@given(damaged(GOOD_PICKLE), st.sampled_from([None, "w"]))
def test_damaged_pickles(data: bytes, root: Any) -> None:
    made = records(GOOD) | {"archive/data.pkl": data}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, record in made.items():
            archive.writestr(name, record)
    refused_or_read(file.getvalue())


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_program(pieces: list[bytes]) -> None:
    refused_or_read(program(*pieces))
