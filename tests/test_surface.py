"""What microtorch has of torch's public names, and how near its operations are, is as the tables in the docs say."""

from __future__ import annotations

import re

import bits_table
import pytest
import surface_table


def test_the_table_of_names_is_current() -> None:
    assert surface_table.DOC.read_text() == surface_table.written(), "run python tests/surface_table.py"


@pytest.mark.parametrize("path", [path for path in surface_table.NAMESPACES if path != "torch.Tensor"])
def test_what_is_lacking_says_so(path: str) -> None:
    """Each name that torch has and microtorch has not is named in the error, in a sentence that says who lacks it."""
    ours = surface_table.find("microtorch", path)
    for name in surface_table.public_names(surface_table.find("torch", path)):
        if not surface_table.has(ours, name):
            with pytest.raises(AttributeError, match=rf"microtorch.* does not have {path}.{name}\b"):
                getattr(ours, name)


def test_the_table_of_bits_is_current() -> None:
    """What is torch's own is the same everywhere; what is the vendor's differs with the CPU, and with where memory begins."""
    found, written = bits_table.measured(), bits_table.DOC.read_text()
    demanded = [line for line in found if line.demanded]
    assert [line.text for line in demanded if not line.same] == []
    assert [line.text for line in demanded if line.text not in written] == [], "run python tests/bits_table.py"
    assert [line.name for line in found] == re.findall(r"^\| `(.*?)`", written, re.MULTILINE)
