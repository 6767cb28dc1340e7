"""Records the examples' golden files anew: `python tests/golden/record.py`. It needs torch, and takes two minutes."""

from __future__ import annotations

import sys
from pathlib import Path

from parity.cli import main

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"

# With these arguments a check of all takes half a minute: the first three go on as they begin.
ARGUMENTS = {"fit_line": ["1000"], "shared_layer": ["1000"], "full_batch_regression": ["1000"]}

if __name__ == "__main__":
    scripts = sorted(EXAMPLES.glob("*.py"))
    sys.exit(max(main(["record", str(s), "-o", str(HERE), "--", *ARGUMENTS.get(s.stem, [])]) for s in scripts))
