"""Rows for looking up and padding; the layers are in `test_nn_tables.py`."""

from __future__ import annotations

import numpy as np
from rows import Row, call

MODES = ("reflect", "replicate", "circular")

ROWS = [
    Row(
        "nn.functional.embedding",
        [lambda d: call(d.index(2, 3, below=5), d(5, 4)), lambda d: call(d.index(6, below=5), d(5, 2), 2)],
        once=[
            lambda d: call(d.index(below=3), d(3, 2)),
            lambda d: call(d.index(9, below=3), d(3, 2), -1, scale_grad_by_freq=True),
            lambda d: call(d.index(4, below=3).astype(np.int32), d(3, 2)),
        ],
        bad=[
            lambda d: call(d.index(3, below=5) + 5, d(5, 4)),
            lambda d: call(d.index(3, below=5) - 5, d(5, 4)),
            lambda d: call(d(3), d(5, 4)),
            lambda d: call(d.mask(3), d(5, 4)),
            lambda d: call(d.index(3, below=5), d(5)),
            lambda d: call(d.index(3, below=5), d()),
            lambda d: call(d.index(3, below=5), d(5, 4, 1)),
            lambda d: call(d.index(3, below=5), d(5, 4), 5),
            lambda d: call(d.index(3, below=5), d(5, 4), -6),
            lambda d: call(3, d(5, 4)),
        ],
        forms="function",
        grad_ulp=2,
        reason="torch adds the scaled gradients by MKL, which fuses",
    ),
    Row(
        "nn.functional.one_hot",
        [lambda d: call(d.index(2, 3, below=4))],
        once=[
            lambda d: call(d.index(4, below=3), 5),
            lambda d: call(d.index(below=3), num_classes=4),
            lambda d: call(d.index(0, below=3), 4),
        ],
        bad=[
            lambda d: call(d.index(4, below=3) + 1, 1),
            lambda d: call(d.index(4, below=3) - 3),
            lambda d: call(d.index(4, below=3), -2),
            lambda d: call(d.index(0, below=3)),
            lambda d: call(d.index(4, below=3).astype(np.int32)),
            lambda d: call(d(3)),
            lambda d: call(d.index(4, below=3), "a"),
            lambda d: call(3),
        ],
        forms="function",
    ),
    Row(
        "nn.functional.pad",
        [
            lambda d: call(d(2, 3), (1, 2)),
            lambda d: call(d(2, 3, 4), [1, -1, 0, 2], value=1.5),
            *[lambda d, mode=mode: call(d(2, 3, 4), (1, 2), mode) for mode in MODES],  # type: ignore[misc]
        ],
        once=[
            lambda d: call(d(2, 3), ()),
            lambda d: call(d(2, 3), (-1, -2)),
            lambda d: call(d(2, 0), (1, 1)),
            *[lambda d, m=m: call(d(2, 3), (0, 2), m) for m in MODES],  # type: ignore[misc]
            *[lambda d, m=m: call(d(2, 3, 4), (-1, 3), m) for m in MODES],  # type: ignore[misc]
            *[lambda d, m=m: call(d(2, 2, 3, 4), (1, 2, 2, 0), m) for m in MODES],  # type: ignore[misc]
            *[lambda d, m=m: call(d(1, 2, 3, 2, 4), (1, 0, 1, 1, 2, 0), m) for m in MODES],  # type: ignore[misc]
        ],
        bad=[
            lambda d: call(d(2, 3), (1,)),
            lambda d: call(d(2, 3), (1, 1, 1, 1, 1, 1)),
            lambda d: call(d(2, 3), 1),
            lambda d: call(d(2, 3), (1.0, 1)),
            lambda d: call(d(2, 3), (-2, -2)),
            lambda d: call(d(2, 3), (1, 1), "foo"),
            lambda d: call(d(2, 3), (1, 1), None),
            lambda d: call(d(2, 3), (1, 1), value="a"),
            lambda d: call(d.typed("uint8", 3), (1, 1), value=300),
            lambda d: call(d(2, 3), (1, 1), "reflect", 2.0),
            lambda d: call(d(2, 3), (3, 1), "reflect"),
            lambda d: call(d(2, 2, 3, 4), (1, 1, 3, 0), "reflect"),
            lambda d: call(d(2, 3), (4, 1), "circular"),
            lambda d: call(d(3), (1, 1), "circular"),
            lambda d: call(d(2, 3), (1, 1, 1, 1), "replicate"),
            lambda d: call(d(2, 3), (-3, 0), "replicate"),
            lambda d: call(d(2, 2, 2, 3), (-2, -1, -1, -1), "replicate"),
            lambda d: call(d(2, 2, 2, 3), (-2, -1, -1, -1), "reflect"),
            lambda d: call(d(2, 2, 2, 2, 2), (-2, -1) * 3, "reflect"),
            lambda d: call(d(2, 0, 3), (1, 1), "replicate"),
            lambda d: call(3, (1, 1)),
        ],
        forms="function",
    ),
]
