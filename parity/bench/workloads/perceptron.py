"""A perceptron with one hidden layer, 784 → 256 → 10, on 256 samples: mean squared error, SGD with momentum."""

import sys

import torch
from torch import nn, optim

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100

torch.manual_seed(0)
x = torch.rand(256, 784)
y = torch.rand(256, 10)

model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)

for _ in range(steps):
    optimizer.zero_grad()  # zero_grad
    pred = model(x)  # forward
    loss = criterion(pred, y)  # loss
    loss.backward()  # backward
    optimizer.step()  # step
