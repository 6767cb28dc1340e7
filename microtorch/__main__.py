"""`microtorch script.py args…`: run a PyTorch script with microtorch in torch's place."""

from __future__ import annotations

import sys

from microtorch import kernels
from microtorch.script import install, run

USAGE = """usage: microtorch [--kernels NAME] script.py [args ...]

Runs an unchanged PyTorch script on microtorch: `import torch` gives microtorch, in the script and in all that it
imports; PyTorch need not be installed. Arguments after the script's name are the script's own. Working directory,
tracebacks and exit status are as under `python script.py`.

--kernels: "numpy" (fast, the default), "torch_cpu" (rounds as torch's own kernels on a CPU), "torch_cpu:fma" (the same
with products in fused chains); the environment's MICROTORCH_KERNELS says the same."""


def main() -> int:
    """Run the script named on the command line; returns its exit status, 2 where there is none to run."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] == "--kernels":
        if len(words) < 3:
            print(f"microtorch: --kernels needs a name, and a script to run\n\n{USAGE}", file=sys.stderr)
            return 2
        try:
            kernels.use(words[1])
        except ValueError as error:
            print(f"microtorch: {error}", file=sys.stderr)
            return 2
        words = words[2:]
    if words[0].startswith("-"):
        print(f"microtorch: unknown option {words[0]}\n\n{USAGE}", file=sys.stderr)
        return 2
    try:
        with open(words[0], "rb"):
            pass
    except OSError as error:
        print(f"microtorch: can't open file {words[0]!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        return 2
    install()
    return run(words[0], words[1:])


if __name__ == "__main__":
    sys.exit(main())
