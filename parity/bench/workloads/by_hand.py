"""Linear regression without nn and without optim, two samples a step: tensors, their gradients, one line of descent."""

import random
import sys

import torch

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3


def minibatches(batch_size, X, Y):
    """All samples once, in random order, batch_size at a time."""
    order = list(range(len(X)))
    random.shuffle(order)
    for start in range(0, len(order), batch_size):
        index = torch.tensor(order[start : start + batch_size])
        yield X[index], Y[index]


def model(X, w, b):
    return torch.matmul(X, w) + b


def squared_loss(y_hat, y):
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def descend(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


torch.manual_seed(0)
random.seed(0)
X = torch.normal(0, 1, (100, 2))
Y = torch.matmul(X, torch.tensor([2, -3.4])) + 4.2
Y += torch.normal(0, 0.01, Y.shape)

w = torch.zeros(size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)

for _ in range(epochs):
    for x, y in minibatches(2, X, Y.reshape((-1, 1))):  # loader
        y_hat = model(x, w, b)  # forward
        loss = squared_loss(y_hat, y)  # loss
        loss.sum().backward()  # backward
        descend([w, b], lr=0.03, batch_size=2)  # step
