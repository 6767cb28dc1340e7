"""Apply one linear layer twice: y = w (w x + b) + b. Both uses add to the same two gradients.

The target y = 1.233 x + 0.988 asks for w w = 1.233 and b (w + 1) = 0.988, which has two solutions:
w = +1.110 with b = 0.468, and w = -1.110 with b = -8.949. The seed decides which one training walks to.
"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

parser = argparse.ArgumentParser(description="Fit a line with one layer that is applied twice.")
parser.add_argument("steps", nargs="?", type=int, default=5000, help="samples to learn from (default: 5000)")
parser.add_argument("--seed", type=int, default=1024, help="1024 finds w > 0 (the default), 3 finds w < 0")
args = parser.parse_args()


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.linear(self.linear(x))


torch.manual_seed(args.seed)
model = Twice()
optimizer = optim.SGD(model.parameters(), lr=1e-2)

model.train()
for _ in range(args.steps):
    optimizer.zero_grad()
    x = torch.rand(1)
    y = 1.233 * x + 0.988
    loss = F.mse_loss(y, model(x))
    loss.backward()
    optimizer.step()

for name, param in model.named_parameters():
    print(f"{name}={param.data.numpy().squeeze():.3f}")

w, b = model.linear.weight.item(), model.linear.bias.item()
print(f"applied twice: y = {w * w:.3f} x + {b * (w + 1):.3f}")
