"""Second derivatives: why a second backward fails, how to allow it, and how to differentiate a derivative."""

import warnings

import torch

x = torch.tensor(5.0, requires_grad=True)

print("y = x^3 at x = 5. The first backward gives dy/dx = 3 x^2:")
y = x**3
y.backward()
print(x.grad)

print("\nThe power has saved x to compute that, and backward frees what was saved. So a second one fails:")
try:
    y.backward()
except RuntimeError as error:
    print(f"{type(error).__name__}: {error}")

print("\ny = x + 1 saves nothing, so here nothing is missing the second time, and the two gradients add up:")
x.grad = None
y = x + 1
y.backward()
y.backward()
print(x.grad)

print("\nretain_graph=True keeps what was saved: x^3 twice gives twice 75. That is still a first derivative.")
x.grad = None
y = x**3
y.backward(retain_graph=True)
y.backward()
print(x.grad)

print("\ncreate_graph=True records backward itself: the gradient has a grad_fn and is a function of x ...")
x.grad = None
y = x**3
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    y.backward(create_graph=True)
gradient = x.grad
print(gradient)

print("... so it can be differentiated in its turn. The second derivative is 6 x:")
x.grad = None
gradient.backward()
print(x.grad)

print("\nOn the way there torch warned, because x then holds a graph that holds x:")
print(str(caught[0].message).split(".")[0] + ".")

print("\ntorch.autograd.grad returns the gradient and leaves x.grad alone. Derivatives 1 to 4 of x^3:")
derivative = x**3
for _ in range(4):
    (derivative,) = torch.autograd.grad(derivative, x, create_graph=True)
    print(derivative)

print("\nAnd of sin(x), which is itself again after four:")
derivative = torch.sin(x)
print(derivative)
for _ in range(4):
    (derivative,) = torch.autograd.grad(derivative, x, create_graph=True)
    print(derivative)
