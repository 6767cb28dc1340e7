"""Comparing tensors in tests, and making some to test with."""

from ..later import package as _package

__getattr__, __dir__ = _package(__name__, {"comparison": "assert_allclose assert_close", "making": "make_tensor"})
