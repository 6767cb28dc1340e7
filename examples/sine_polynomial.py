"""A cubic learns the sine: y = a + b x + c x² + d x³ on [-π, π], fitted by RMSprop."""

import argparse
import math

import torch
from torch import nn, optim

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("steps", nargs="?", type=int, default=2000, help="steps of RMSprop (default: 2000)")
args = parser.parse_args()

torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 2000)
y = torch.sin(x)
powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))  # (2000, 1) to the powers (3,): the columns x, x², x³

# In these features the cubic is a linear layer. Flatten makes its (2000, 1) output (2000,), the shape of y.
model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1))
criterion = nn.MSELoss(reduction="sum")
optimizer = optim.RMSprop(model.parameters(), lr=1e-3)

for step in range(args.steps):
    loss = criterion(model(powers), y)
    if step % 100 == 99:
        print(step, loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

linear = model[0]
a, (b, c, d) = linear.bias.item(), (linear.weight[:, k].item() for k in range(3))
print(f"y = {a} + {b} x + {c} x^2 + {d} x^3")
