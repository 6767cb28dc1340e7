"""Linear regression: gradient descent turns a random line into the best line through eleven points.

`--plot fit.png` draws every tenth fit, from pale to dark; `--plot fit.gif` shows them one after another.
"""

import argparse

import torch
from torch import nn, optim

parser = argparse.ArgumentParser(description="Fit a line to eleven points.")
parser.add_argument("epochs", nargs="?", type=int, default=1000, help="passes over the points (default: 1000)")
parser.add_argument("--plot", metavar="FILE", help="draw the fit of every tenth epoch (.png, .svg, … or .gif)")
args = parser.parse_args()

torch.manual_seed(0)
num = 11
x = torch.randint(low=-5, high=30, size=(num,)).to(dtype=torch.get_default_dtype())
y = 0.5 * x + 30 + torch.randn(num)
x = x * 0.1  # a smaller range lets one learning rate suit weight and bias; the slope is now 5
print(x.shape, y.shape)

linear_model = nn.Linear(1, 1)
print(type(linear_model.parameters()).__name__)  # not a list: made anew for each loop over it
print(list(linear_model.parameters()))
print(linear_model.weight)
print(linear_model.bias)

inputs, targets = x.unsqueeze(1), y.unsqueeze(1)  # (num,) → (num, 1): num samples of one feature
ends = torch.tensor([[-0.6], [3.0]])  # where a fitted line starts and ends
fits = []
criterion = nn.MSELoss()
optimizer = optim.SGD(linear_model.parameters(), lr=1e-2)
for epoch in range(1, args.epochs + 1):
    loss = criterion(linear_model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        equation = f"y = {linear_model.weight.item():.4f} x + {linear_model.bias.item():.4f}"
        fits.append((epoch, equation, linear_model(ends).detach().numpy()))
        if epoch % 100 == 0:
            print(f"epoch {epoch:4d}: {equation}, loss {loss.item():.4f}")

if args.plot:
    from matplotlib import animation, colormaps, figure

    fig = figure.Figure(figsize=(7, 4.5), layout="constrained")
    ax = fig.subplots()
    ax.scatter(x.numpy(), y.numpy(), color="black", zorder=3)
    ax.set(xlabel="x", ylabel="y", xlim=(-0.6, 3.0), ylim=(0, 56))
    ax.spines[["top", "right"]].set_visible(False)

    def draw(fit):
        epoch, equation, line = fit
        ax.plot(ends.numpy(), line, color=colormaps["magma_r"](0.05 + 0.8 * epoch / args.epochs), linewidth=1)
        ax.set_title(f"epoch {epoch}:  {equation}", fontsize=11)

    if args.plot.endswith(".gif"):
        movie = animation.FuncAnimation(fig, draw, fits, init_func=lambda: None)
        movie.save(args.plot, writer="pillow", fps=15, dpi=80)
    else:
        for fit in fits:
            draw(fit)
        fig.savefig(args.plot, dpi=120)
