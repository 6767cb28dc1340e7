"""The programs that `parity bench` times, each as it would stand in examples/: plain PyTorch, run by any of its sides.

The comments in a training loop name the phases of a step, and so mark the loop whose steps are timed.
"""
