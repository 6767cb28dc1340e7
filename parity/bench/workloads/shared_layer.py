"""Apply one linear layer twice: y = w (w x + b) + b. Both uses add to the same two gradients."""

import sys

import torch
import torch.nn.functional as F
from torch import nn, optim

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 5000


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.linear(self.linear(x))


torch.manual_seed(1024)
model = Twice()
optimizer = optim.SGD(model.parameters(), lr=1e-2)

model.train()
for _ in range(steps):
    optimizer.zero_grad()  # zero_grad
    x = torch.rand(1)  # draw
    y = 1.233 * x + 0.988  # draw
    pred = model(x)  # forward
    loss = F.mse_loss(y, pred)  # loss
    loss.backward()  # backward
    optimizer.step()  # step
