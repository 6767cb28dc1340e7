"""A wide perceptron, 1024 → 1024 → 1024 → 1, on 4096 samples: Huber loss, RMSprop."""

import sys

import torch
from torch import nn, optim

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10

torch.manual_seed(0)
x = torch.rand(4096, 1024)
y = x.mean(dim=1, keepdim=True)

model = nn.Sequential(nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1))
criterion = nn.HuberLoss()
optimizer = optim.RMSprop(model.parameters(), lr=1e-4)

for _ in range(steps):
    optimizer.zero_grad()  # zero_grad
    pred = model(x)  # forward
    loss = criterion(pred, y)  # loss
    loss.backward()  # backward
    optimizer.step()  # step
