"""A chain of y = 1.0001 y + 0.0001, two nodes a link: built, differentiated, freed."""

import sys

import torch

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1
nodes = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000

x = torch.ones(1, requires_grad=True)

for _ in range(steps):
    x.grad = None  # zero_grad
    y = x  # forward
    for _ in range(nodes // 2):  # forward
        y = 1.0001 * y + 0.0001
    y.backward()  # backward
    del y  # freeing
