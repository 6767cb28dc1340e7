"""Full-batch regression: every step sees all fifty points of y = 3 x + 0.8."""

import sys

import torch
from torch import nn, optim

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 3000


class LinearRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.linear(x)


torch.manual_seed(0)
x = torch.rand([50, 1])
y = x * 3 + 0.8

model = LinearRegression()
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=1e-3)

for _ in range(steps):
    out = model(x)  # forward
    loss = criterion(y, out)  # loss
    optimizer.zero_grad()  # zero_grad
    loss.backward()  # backward
    optimizer.step()  # step
