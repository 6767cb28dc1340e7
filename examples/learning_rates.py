"""Learning rates: too small, too large, and what the batch has to do with them."""

import torch
from torch import nn
from torch.utils import data


def train(x, y, lr, batch_size, epochs, reduction="mean", per_sample=False, drop_last=False):
    """The weight of y = w x after each step, from w = 0. per_sample divides each step by its batch's size."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    criterion = nn.MSELoss(reduction=reduction)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    weights = [model.weight.item()]
    for _ in range(epochs):
        for inputs, targets in data.DataLoader(data.TensorDataset(x, y), batch_size, drop_last=drop_last):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.param_groups[0]["lr"] = lr / len(inputs) if per_sample else lr
            optimizer.step()
            weights.append(model.weight.item())
    return weights


print("1. The rate. Learn w in y = w x, truly 3, from x = -1 and x = 1. The loss is (w - 3)^2, its slope")
print("   2 (w - 3), so a step multiplies the error by 1 - 2 lr. w at the start and after 1 to 7 steps:")
x = torch.tensor([[-1.0], [1.0]])
remarks = ["crawls", "converges", "arrives at once", "oscillates in", "oscillates for ever", "diverges"]
for lr, remark in zip([0.01, 0.2, 0.5, 0.8, 1.0, 1.2], remarks, strict=True):
    steps = " ".join(f"{w:6.2f}" for w in train(x, 3 * x, lr, batch_size=2, epochs=7))
    print(f"   lr {lr:<4} {1 - 2 * lr:+.2f} {steps}  {remark}")

torch.manual_seed(0)
x = torch.randn(10, 1)
y = 3 * x + 0.1 * torch.randn(10, 1)

print("\n2. The last batch. Ten samples in batches of four:")
for drop_last in (False, True):
    loader = data.DataLoader(data.TensorDataset(x, y), 4, drop_last=drop_last)
    print(f"   drop_last={drop_last!s:5}: {len(loader)} batches of", [len(inputs) for inputs, _ in loader])
print("   Under `mean` a step of two samples moves as far as one of four: its samples count double.")

print("\n3. The reduction. `sum` is `mean` times the batch's size, and so is its gradient. w after 5 epochs:")
mean = train(x, y, 0.1, 4, 5)[-1]
by_len = train(x, y, 0.1, 4, 5, "sum", per_sample=True)[-1]
print(f"   mean, lr 0.1               {mean:.4f}")
print(f"   sum,  lr 0.1               {train(x, y, 0.1, 4, 5, 'sum')[-1]:.4f}  four times too fast")
print(f"   sum,  lr 0.1 / 4           {train(x, y, 0.1 / 4, 4, 5, 'sum')[-1]:.4f}  too slow in the batch of two")
print(f"   sum,  lr 0.1 / len(batch)  {by_len:.4f}  as with mean")
print("   The same to the last bit, since sizes 4 and 2 are powers of two:", mean == by_len)
