"""The functions of torch that microtorch's kernels torch_cpu follow to the last bit in float32 and float64.

By the names of aten's operators, value and gradient both; what is not named here and not shared is not followed: it is
reported, and `identical` not demanded then. `tests/test_mathematics.py` holds the rows of all operations to this. Of nan
it says nothing where the gradient of a function with corners meets one: a vector gives 0 there, an element alone its
gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable

VIEWS = """
    _reshape_alias _unsafe_view alias as_strided detach diagonal expand lift lift_fresh permute select set slice split
    split_with_sizes squeeze t transpose unbind unfold unsafe_split unsafe_split_with_sizes unsqueeze view
"""
COPIES = """
    _copy_from _index_put_impl _to_copy block_diag cat clone constant_pad_nd copy diag_embed diagonal_backward
    diagonal_copy embedding embedding_dense_backward flip gather index index_add index_copy index_fill index_put
    index_select masked_fill masked_scatter masked_scatter_backward masked_select narrow_copy put reflection_pad1d
    reflection_pad1d_backward repeat repeat_interleave replication_pad1d replication_pad1d_backward resize resize_as roll
    rot90 scatter scatter_add select_backward slice_backward stack take tril triu unfold_backward where
"""
NEW = """
    _efficientzerotensor arange empty empty_like empty_permuted empty_strided eye fill full full_like linspace new_empty
    new_empty_strided new_full new_ones new_zeros ones ones_like scalar_tensor tril_indices triu_indices zero zeros
    zeros_like
"""
QUESTIONS = """
    _has_same_storage_numel _local_scalar_dense all allclose any argmax argmin bincount bucketize count_nonzero eq equal
    ge gt is_pinned is_same_size is_set_to isin isinf isnan isneginf isposinf le lt ne nonzero nonzero_static searchsorted
    signbit
"""
ORDER = """
    _cummax_helper _cummin_helper _unique _unique2 amax amin aminmax cummax cummin kthvalue max median min mode nanmedian
    sort topk unique_consecutive unique_dim
"""
INTEGERS = """
    __ilshift__ __irshift__ __lshift__ __rshift__ bitwise_and bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor logical_and logical_not logical_or logical_xor
"""
ARITHMETIC = """
    abs add addcdiv addcmul ceil clamp clamp_max clamp_min copysign deg2rad div floor floor_divide fmax fmin fmod frac
    frexp gcd heaviside lcm lerp maximum minimum mul nan_to_num neg nextafter rad2deg reciprocal relu remainder round rsqrt
    rsub sgn sigmoid_backward sign sub tanh_backward threshold_backward trunc
"""
ACTIVATIONS = """
    _prelu_kernel _prelu_kernel_backward hardshrink hardshrink_backward hardsigmoid hardsigmoid_backward hardswish
    hardswish_backward hardtanh hardtanh_backward leaky_relu leaky_relu_backward rrelu_with_noise
    rrelu_with_noise_backward softshrink softshrink_backward threshold
"""
LISTS = """
    _foreach_add _foreach_addcdiv _foreach_addcmul _foreach_clamp_max _foreach_clamp_min _foreach_copy _foreach_div
    _foreach_lerp _foreach_maximum _foreach_mul _foreach_neg _foreach_norm _foreach_reciprocal _foreach_sqrt _foreach_sub
    _foreach_zero
"""  # each is made of the operators on its tensors
SUMS = """
    cumprod cumsum linalg_vector_norm mean mv nansum native_batch_norm native_batch_norm_backward std std_mean sum trace var
    var_mean vdot
"""
LOSSES = """
    huber_loss huber_loss_backward mse_loss mse_loss_backward multi_margin_loss multi_margin_loss_backward
    multilabel_margin_loss_backward multilabel_margin_loss_forward nll_loss2d_backward nll_loss2d_forward
    nll_loss_backward nll_loss_forward smooth_l1_loss smooth_l1_loss_backward
"""
RANDOM = """
    bernoulli cauchy exponential geometric log_normal multinomial normal rand rand_like randint randint_like randn
    randn_like random randperm uniform
"""

FOLLOWED = frozenset(
    " ".join(
        (VIEWS, COPIES, NEW, QUESTIONS, ORDER, INTEGERS, ARITHMETIC, ACTIVATIONS, LISTS, SUMS, LOSSES, RANDOM)
    ).split()
)

# What is followed for some arguments only. torch's other norms are powers, which are its library's; gradients of rare and
# frequent rows are divided; equal elements of many are left in an order of the vectors' width; batches of vectors in memory
# one behind the other are added up row by row, others in vectors that are folded.
PARTLY: dict[str, Callable[..., bool]] = {
    "linalg_vector_norm": lambda x, order=2, *_, dtype=None, **__: (
        order in (0, 1, 2, math.inf, -math.inf) and not dtype
    ),
    "embedding_dense_backward": lambda g, indices, count, padding=-1, by_frequency=False: not by_frequency,
    "sort": lambda x, *_, stable=None, **__: stable is True or max(x.shape, default=0) <= 4096,
    "native_batch_norm": lambda x, *_: x.ndim == 2 and x.is_contiguous(),
    "native_batch_norm_backward": lambda g, x, *_: x.ndim == 2 and x.is_contiguous(),
}
