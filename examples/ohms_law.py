"""Ohm's law, U = I R: find an unknown resistance from a thousand noisy measurements."""

import argparse
import random

import torch

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("epochs", nargs="?", type=int, default=3, help="passes over the data (default: 3)")
args = parser.parse_args()


def measurements(resistance, num):
    """Currents I ~ N(0, 1) ampere and the voltages U = I R over the resistor, read with 10 mV of noise."""
    current = torch.normal(0, 1, (num, 1))
    voltage = current * resistance
    voltage += torch.normal(0, 0.01, voltage.shape)
    return current, voltage


def minibatches(batch_size, *columns):
    order = list(range(len(columns[0])))
    random.shuffle(order)
    for start in range(0, len(order), batch_size):
        index = torch.tensor(order[start : start + batch_size])
        yield [column[index] for column in columns]


torch.manual_seed(0)
random.seed(0)
true_R = torch.tensor([10.0])  # ohm
amperes, volts = measurements(true_R, 1000)

R = torch.normal(0, 0.01, size=(1, 1), requires_grad=True)
lr, batch_size = 0.03, 2

for epoch in range(1, args.epochs + 1):
    for current, voltage in minibatches(batch_size, amperes, volts):
        loss = (torch.matmul(current, R) - voltage) ** 2 / 2
        loss.sum().backward()
        with torch.no_grad():
            R -= lr * R.grad / batch_size
            R.grad.zero_()
    with torch.no_grad():
        loss = (torch.matmul(amperes, R) - volts) ** 2 / 2
        print(f"epoch {epoch}, loss {float(loss.mean()):f}")

print(f"R = {R.item():.4f} ohm")
print("error of R:", true_R - R)
