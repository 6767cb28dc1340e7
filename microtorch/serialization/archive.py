"""The zip file in which tensors are kept, with torch's records, each beginning at a multiple of 64 bytes.

What is written is byte for byte what torch writes, but for the names' half of the fingerprint in `serialization_id`.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np

MAGIC = b"PK\x03\x04"
ALIGNMENT = 64
VERSION = b"3\n"
READABLE = 10  # the highest version that torch reads
GROWTH = 100  # how many times its own length may be made of a file that compresses or repeats what it holds
_LIMIT = _ELSEWHERE = 0xFFFFFFFF  # from here on a size or position needs eight bytes, and this says that it has them
_PIECE = 2**20  # bytes that are read at a time
_FLAGS = 0x0800  # names are UTF-8
_DESCRIBED = 0x0808  # and sizes follow the data

_CORRUPT = (
    ". This is an internal miniz error. If you are seeing this error, there is a high likelihood that your checkpoint "
    "file is corrupted. This can happen if the checkpoint was not saved properly, was transferred incorrectly, or the "
    "file was modified after saving."
)


def failure(what: str) -> RuntimeError:
    """torch's error about a file that is damaged."""
    return RuntimeError(f"PytorchStreamReader failed {what}{_CORRUPT}")


class Writer:
    """Records, one after the other, in a folder of the archive."""

    def __init__(self, file: Any, folder: str) -> None:
        self.file, self.folder = file, folder
        self.position = 0
        self.directory: list[bytes] = []
        self.names = self.contents = 0  # fingerprints

    def write(self, name: str, data: Any) -> None:
        """Add a record; `data` is anything that has bytes."""
        path = f"{self.folder}/{name}".encode()
        start, size, checksum = self.position, memoryview(data).nbytes, zlib.crc32(data)
        long = size >= _LIMIT or start >= _LIMIT
        fields = _zip64(*([size, size] if size >= _LIMIT else []), *([start] if start >= _LIMIT else []))
        padding = -(start + 30 + len(path) + len(fields) + 4) % ALIGNMENT
        extra = fields + b"FB" + struct.pack("<H", padding) + b"Z" * padding
        flags = _DESCRIBED if size else _FLAGS
        sizes = (_LIMIT, _LIMIT) if fields and size >= _LIMIT else (0, 0)
        self._put(
            MAGIC + struct.pack("<HHHHHIIIHH", 0, flags, 0, 0, 0, 0, *sizes, len(path), len(extra)) + path + extra
        )
        self._put(data)
        if size:
            self._put(b"PK\x07\x08" + struct.pack("<IQQ" if long else "<III", checksum, size, size))
            self.contents = _combine(self.contents, checksum)
        self.names = _combine(self.names, zlib.crc32(name.encode()))
        fields = _zip64(*([size, size] if size >= _LIMIT else []), *([start] if start >= _LIMIT else []))
        # made by, needed, flags, method, time, date, checksum, sizes, lengths, disk, attributes, position
        shown, place = (_ELSEWHERE if n >= _LIMIT else n for n in (size, start))
        entry = (0, 0, flags, 0, 0, 0, checksum, shown, shown, len(path), len(fields), 0, 0, 0, 0, place)
        self.directory.append(b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", *entry) + path + fields)

    def close(self) -> None:
        """Add the version, the fingerprint and the directory."""
        self.write("version", VERSION)
        self.write(".data/serialization_id", f"{self.names:020d}{self.contents:020d}".encode())
        start, count = self.position, len(self.directory)
        for entry in self.directory:
            self._put(entry)
        size, end = self.position - start, self.position
        self._put(b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 0x031E, 45, 0, 0, count, count, size, start))
        self._put(b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1))
        few = min(count, 0xFFFF)
        self._put(
            b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, few, few, min(size, _ELSEWHERE), min(start, _ELSEWHERE), 0)
        )
        self.file.flush()

    def _put(self, data: Any) -> None:
        if memoryview(data).nbytes:
            self.file.write(data)
            self.position += memoryview(data).nbytes


def _zip64(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""


def _combine(seed: int, value: int) -> int:
    """Boost's rule for the hash of one thing more, in 64 bits."""
    return seed ^ ((value + 0x9E3779B9 + (seed << 6) + (seed >> 2)) & 0xFFFFFFFFFFFFFFFF)


class Reader:
    """The records of an archive. All that can be wrong with one is a RuntimeError."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self.length = file.seek(0, io.SEEK_END)
            self.zip = zipfile.ZipFile(file)
            names = self.zip.namelist()
        except Exception as error:  # whatever the bytes make of its reader
            raise failure("reading zip archive: failed finding central directory") from error
        self._require_room()
        self.folder = names[0].partition("/")[0] + "/" if names else ""
        for name in names:
            if not name.startswith(self.folder):
                inside = f"a subdirectory {self.folder}" if "/" in names[0] else "a subdirectory"
                raise RuntimeError(f"file in archive is not in {inside}: {name}")
        if not self.has("version"):
            raise RuntimeError('Expected hasRecord("version") to be true, but got false.')
        version = self.read("version", 16).strip()
        if not version.isdigit():
            raise RuntimeError(f"Couldn't parse the version {version.decode(errors='replace')} as Long Long.")
        if int(version) > READABLE:
            raise RuntimeError(
                f"Attempted to read a PyTorch file with version {int(version)}, but the maximum supported version for "
                f"reading is {READABLE}. The version of your PyTorch installation may be too old, please upgrade "
                "PyTorch to latest version to mitigate this issue."
            )

    def _require_room(self) -> None:
        """Refuse records that cannot all be in the file, or that would become far too large."""
        records = self.zip.infolist()
        if any(record.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for record in records):
            raise failure("retrieving file meta-data for version: unsupported method")
        if sum(record.compress_size for record in records) > self.length:
            raise failure("reading zip archive: invalid header or archive is corrupted")
        if sum(record.file_size for record in records) > GROWTH * self.length:
            raise RuntimeError(f"microtorch does not read an archive that unpacks to over {GROWTH} times its length")

    def has(self, name: str) -> bool:
        return self.folder + name in self.zip.NameToInfo

    def size(self, name: str) -> int:
        """The length of a record, as the directory has it."""
        if not self.has(name):
            raise failure(f"locating file {name}: file not found")
        return self.zip.NameToInfo[self.folder + name].file_size

    def read(self, name: str, most: int | None = None) -> bytes:
        """A record, of which it is refused that it is longer than `most`."""
        size = self.size(name)
        if most is not None and size > most:
            raise failure(f"reading file {name}: {size} bytes are too many")
        data = bytearray(size)
        self._fill(name, memoryview(data))
        return bytes(data)

    def read_into(self, name: str, memory: np.ndarray[Any, Any]) -> None:
        """Fill an array, which has as many bytes as the record."""
        self._fill(name, memory.view(np.uint8).data)

    def _fill(self, name: str, room: memoryview) -> None:
        info = self.zip.NameToInfo[self.folder + name]
        done = 0
        try:
            with self.zip.open(info) as opened:
                record: Any = opened
                if info.CRC == 0:  # torch can leave the checksums out
                    record._expected_crc = None
                while done < len(room) and (n := record.readinto(room[done : done + _PIECE])):
                    done += n
        except Exception as error:
            raise failure(f"reading file {name}: {error or type(error).__name__}") from error
        if done != len(room):
            raise failure(f"reading file {name}: file read failed")
