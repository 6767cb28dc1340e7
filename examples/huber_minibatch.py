"""Linear regression with the library's parts: TensorDataset, DataLoader, Huber loss, SGD."""

import argparse

import torch
from torch import nn
from torch.utils import data

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("epochs", nargs="?", type=int, default=3, help="passes over the data (default: 3)")
args = parser.parse_args()


def synthetic_data(w, b, num):
    """Samples X ~ N(0, 1) and labels Y = X w + b with a little noise, as a column."""
    X = torch.normal(0, 1, (num, len(w)))
    Y = torch.matmul(X, w) + b
    Y += torch.normal(0, 0.01, Y.shape)
    return X, Y.reshape((-1, 1))


def load(arrays, batch_size):
    dataset = data.TensorDataset(*arrays)
    return data.DataLoader(dataset, batch_size, shuffle=True)


torch.manual_seed(0)
X, Y = synthetic_data(torch.tensor([2, -3.4]), 4.2, 1000)

net = nn.Sequential(nn.Linear(2, 1))
net[0].weight.data.normal_(0, 0.01)
net[0].bias.data.fill_(0)

criterion = nn.HuberLoss(reduction="mean", delta=1.0)  # squared near zero, straight beyond: outliers pull less
optimizer = torch.optim.SGD(net.parameters(), lr=0.03)

batches = load((X, Y), batch_size=10)
for epoch in range(1, args.epochs + 1):
    for x, y in batches:  # in a new order each epoch
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    loss = criterion(net(X), Y)
    print(f"epoch {epoch}, loss {loss:f}")

print("weight", net[0].weight.data)
print("its gradient in the last batch", net[0].weight.grad)
print("bias", net[0].bias.data)
print("its gradient", net[0].bias.grad)
