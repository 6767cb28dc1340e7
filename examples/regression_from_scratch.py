"""Linear regression without nn and without optim: tensors, their gradients, and one line of descent."""

import argparse
import random

import torch

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("epochs", nargs="?", type=int, default=3, help="passes over the data (default: 3)")
args = parser.parse_args()


def synthetic_data(w, b, num):
    """Samples X ~ N(0, 1) and labels Y = X w + b with a little noise, as a column."""
    X = torch.normal(0, 1, (num, len(w)))
    Y = torch.matmul(X, w) + b
    Y += torch.normal(0, 0.01, Y.shape)
    return X, Y.reshape((-1, 1))


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
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2  # without the reshape, (n, 1) - (n,) would be (n, n)


def descend(params, lr, batch_size):
    """Gradient descent. The update is not part of the model, so it is not recorded."""
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()  # or the next backward adds to it


torch.manual_seed(0)
random.seed(0)
true_w, true_b = torch.tensor([2, -3.4]), 4.2
X, Y = synthetic_data(true_w, true_b, 100)

w = torch.zeros(size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
lr, batch_size = 0.03, 2

for epoch in range(1, args.epochs + 1):
    for x, y in minibatches(batch_size, X, Y):
        loss = squared_loss(model(x, w, b), y)  # one number a sample
        loss.sum().backward()
        descend([w, b], lr, batch_size)
    with torch.no_grad():
        loss = squared_loss(model(X, w, b), Y)
        print(f"epoch {epoch}, loss {float(loss.mean()):f}")

print("error of w:", true_w - w.reshape(true_w.shape))
print("error of b:", true_b - b)
