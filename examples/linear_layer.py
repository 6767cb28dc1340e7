"""What a linear layer computes: y = x Wᵀ + b, first for one sample by hand, then for a batch."""

import torch
from torch import nn

torch.manual_seed(0)

print("One sample of two features, one output:")
layer = nn.Linear(2, 1)
x = torch.Tensor([1, 2])
print("x      =", x)
for name, param in layer.named_parameters():
    print(f"{name:6} = {param}")
print("layer(x) =", layer(x))

(w1, w2), b = layer.weight[0], layer.bias[0]
print(f"by hand: 1 * {w1.item():.4f} + 2 * {w2.item():.4f} + {b.item():.4f} = {(1 * w1 + 2 * w2 + b).item():.4f}")

print()
print("A batch of three samples of five features, ten outputs each:")
layer = nn.Linear(in_features=5, out_features=10, bias=True)
batch = torch.rand(3, 5)
output = layer(batch)
print("x", batch.size(), " W", layer.weight.size(), " b", layer.bias.size(), " y", output.size())
print(output)

by_hand = batch @ layer.weight.T + layer.bias  # b is added to each row of the product
print("x W^T + b is the same to rounding:", (by_hand - output).abs().max().item() < 1e-6)

one_by_one = torch.stack([layer(sample) for sample in batch])
print("so is one sample after another:", (one_by_one - output).abs().max().item() < 1e-6)
