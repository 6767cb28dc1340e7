"""A cubic learns the sine from two thousand points: y = a + b x + c x² + d x³, fitted by RMSprop."""

import math
import sys

import torch
from torch import nn, optim

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2000

torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 2000)
y = torch.sin(x)
powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))  # the columns x, x², x³

model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1))
criterion = nn.MSELoss(reduction="sum")
optimizer = optim.RMSprop(model.parameters(), lr=1e-3)

for _ in range(steps):
    pred = model(powers)  # forward
    loss = criterion(pred, y)  # loss
    optimizer.zero_grad()  # zero_grad
    loss.backward()  # backward
    optimizer.step()  # step
