"""Linear regression with the library's parts: TensorDataset, DataLoader in batches of ten, Huber loss, SGD."""

import sys

import torch
from torch import nn, optim
from torch.utils import data

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3

torch.manual_seed(0)
X = torch.normal(0, 1, (1000, 2))
Y = torch.matmul(X, torch.tensor([2, -3.4])) + 4.2
Y += torch.normal(0, 0.01, Y.shape)
batches = data.DataLoader(data.TensorDataset(X, Y.reshape((-1, 1))), batch_size=10, shuffle=True)

net = nn.Sequential(nn.Linear(2, 1))
criterion = nn.HuberLoss(delta=1.0)
optimizer = optim.SGD(net.parameters(), lr=0.03)

for _ in range(epochs):
    for x, y in batches:  # loader
        pred = net(x)  # forward
        loss = criterion(pred, y)  # loss
        optimizer.zero_grad()  # zero_grad
        loss.backward()  # backward
        optimizer.step()  # step
