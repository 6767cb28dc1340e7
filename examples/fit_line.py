"""Fit a line: one linear layer learns y = 1.233 x + 0.988 from one random sample at a time."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn, optim

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("steps", nargs="?", type=int, default=5000, help="samples to learn from (default: 5000)")
args = parser.parse_args()


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.linear(x)


torch.manual_seed(1024)
model = Line()
optimizer = optim.SGD(model.parameters(), lr=1e-2)

model.train()
for _ in range(args.steps):
    optimizer.zero_grad()
    x = torch.rand(1)  # a single sample: one feature, no batch dimension
    y = 1.233 * x + 0.988
    pred = model(x)
    loss = F.mse_loss(y, pred)  # symmetric, so either order will do
    loss.backward()
    optimizer.step()

for name, param in model.named_parameters():
    print(f"{name}={param.data.numpy().squeeze():.3f}")
