"""Full-batch regression: every step sees all fifty points of y = 3 x + 0.8, thirty thousand times over."""

import argparse

import torch
from torch import nn, optim

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("epochs", nargs="?", type=int, default=30000, help="steps, each over all points (default: 30000)")
parser.add_argument("--plot", metavar="FILE", help="draw the points and the fitted line (.png, .svg, …)")
args = parser.parse_args()


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

for epoch in range(1, args.epochs + 1):
    out = model(x)
    loss = criterion(y, out)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % max(1, args.epochs // 10) == 0:
        print(f"Epoch[{epoch}/{args.epochs}], loss: {loss.data:.6f}")

model.eval()  # changes nothing for a linear layer, but for dropout it would: say that training is over
predict = model(x)
predict = predict.data.numpy()
print(model)
print(f"y = {model.linear.weight.item():.4f} x + {model.linear.bias.item():.4f}")
print(f"largest error: {abs(predict - y.numpy()).max():.4f}")

if args.plot:
    from matplotlib.figure import Figure

    fig = Figure(figsize=(7, 4.5), layout="constrained")
    ax = fig.subplots()
    ax.scatter(x.numpy(), y.numpy(), color="black", s=18, zorder=3, label="the points, y = 3 x + 0.8")
    ax.plot(x.numpy(), predict, color="crimson", label=f"the fit after {args.epochs} steps")
    ax.set(xlabel="x", ylabel="y")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    fig.savefig(args.plot, dpi=120)
