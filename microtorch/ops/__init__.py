"""The operations, each whole in one place: meaning, forward, gradient.

Each module publishes those listed with it, and is loaded when one of them is asked for: `add` is `torch.add` and the
method `Tensor.add`, `add(_)` besides the method `add_`, `exp[_]` besides the method and the function `exp_`,
`torch.zeros` is only a function, `.view` only a method.
"""

from ..op import FUNCTIONS, METHODS

INDEX = {
    "arithmetic": """
        abs[_] absolute(_) add(_) addcdiv(_) addcmul(_) div(_) divide(_) floor_divide(_) fmod(_) lerp(_) mul(_)
        multiply(_) neg[_] negative[_] positive reciprocal[_] remainder(_) sub(_) subtract(_)
        true_divide(_) torch.rsub""",
    "batch_norm": "torch.batch_norm torch.instance_norm",
    "calling": ".apply_ .map2_ .map_",
    "comparison": """
        allclose bitwise_and(_) bitwise_left_shift(_) bitwise_not(_) bitwise_or(_) bitwise_right_shift(_) bitwise_xor(_)
        clamp[_] clamp_max[_] clamp_min[_] clip[_] eq(_) equal fmax fmin ge(_) greater(_) greater_equal(_) gt(_) isclose
        le(_) less(_) less_equal(_) logical_and(_) logical_not(_) logical_or(_) logical_xor(_) lt(_) masked_fill(_)
        maximum minimum ne(_) not_equal(_) where .__invert__""",
    "contractions": "inner torch.bilinear torch.einsum torch.tensordot",
    "conversion": """
        clone fill_ resize_as_ zero_ ._to_numpy_dtype .bfloat16 .bool .byte .char .copy_ .cpu .cuda .double .float .half
        .int .long .resize_ .short .to .type .type_as torch.fill torch.typename""",
    "copies": """
        torch.alias_copy torch.diagonal_copy torch.expand_copy torch.permute_copy torch.select_copy torch.squeeze_copy
        torch.t_copy torch.transpose_copy torch.unfold_copy torch.unsqueeze_copy torch.view_copy""",
    "counts": "torch.binomial torch.poisson",
    "creation": """
        .new_empty .new_empty_strided .new_full .new_ones .new_zeros torch.empty torch.empty_like torch.empty_permuted
        torch.empty_strided
        torch.eye torch.full torch.full_like torch.ones torch.ones_like torch.zeros torch.zeros_like""",
    "data": """
        .new_tensor torch.as_tensor torch.asarray torch.from_numpy torch.frombuffer torch.scalar_tensor torch.tensor""",
    "decompositions": "cholesky",
    "determinants": "det logdet slogdet",
    "distances": "dist renorm(_) torch.cdist torch.cosine_similarity torch.pairwise_distance torch.pdist",
    "distributions": ".bernoulli_ .cauchy_ .exponential_ .geometric_ .log_normal_ .normal_ .random_ .uniform_",
    "dropout": """
        torch.alpha_dropout torch.alpha_dropout_ torch.feature_alpha_dropout torch.feature_alpha_dropout_
        torch.feature_dropout torch.feature_dropout_""",
    "embedding": "torch.embedding torch.embedding_renorm_",
    "exchange": ".__dlpack__ .__dlpack_device__ torch.from_dlpack torch.to_dlpack",
    "expanding": "broadcast_to .expand .expand_as torch.broadcast_shapes torch.broadcast_tensors",
    "extrema": "amax amin aminmax argmax argmin max median min nanmedian",
    "finite_differences": "torch.gradient",
    "gathering": """
        argwhere gather index_select masked_select nonzero nonzero_static take take_along_dim torch.unravel_index""",
    "generator": """
        torch.default_generator torch.Generator torch.get_rng_state torch.initial_seed torch.manual_seed torch.seed
        torch.set_rng_state""",
    "histograms": "histc histogram torch.histogramdd",
    "indexing": "index_put index_put_",
    "joining": """
        torch.atleast_1d torch.atleast_2d torch.atleast_3d torch.cartesian_prod torch.cat torch.column_stack
        torch.combinations torch.concat torch.concatenate torch.dstack torch.hstack torch.meshgrid torch.row_stack
        torch.stack torch.vstack""",
    "legacy": """
        .__new__ .new torch.BoolTensor torch.ByteTensor torch.CharTensor torch.DoubleTensor torch.FloatTensor
        torch.HalfTensor torch.IntTensor torch.LongTensor torch.set_default_tensor_type torch.ShortTensor""",
    "likelihood": "torch.binary_cross_entropy_with_logits torch.kl_div torch.poisson_nll_loss",
    "linalg": "addmm(_) addmv[_] addr(_) baddbmm(_) bmm dot ger matmul mm mv outer vdot",
    "margin": """
        torch.cosine_embedding_loss torch.hinge_embedding_loss torch.margin_ranking_loss torch.triplet_margin_loss""",
    "matrix_functions": "matrix_exp matrix_power torch.vander",
    "normalization": "torch.group_norm torch.layer_norm torch.rms_norm",
    "norms": "norm",
    "older_norms": "torch.frobenius_norm torch.nuclear_norm",
    "order": "adjoint moveaxis movedim permute swapaxes(_) swapdims(_) t transpose",
    "padding": "torch.constant_pad_nd",
    "pairs": """
        copysign(_) float_power(_) gcd[_] heaviside(_) hypot(_) lcm[_] ldexp[_] logaddexp logaddexp2 nextafter(_)""",
    "part_writing": "diagonal_scatter select_scatter slice_scatter",
    "parts": """
        chunk diagonal dsplit hsplit narrow narrow_copy select split split_with_sizes tensor_split unbind unsafe_chunk
        unsafe_split unsafe_split_with_sizes vsplit""",
    "piecewise": "hardshrink torch.threshold torch.threshold_",
    "pointwise": """
        acos[_] acosh[_] angle arccos[_] arccosh[_] arcsin[_] arcsinh[_] arctan2(_) arctan[_] arctanh[_] asin[_]
        asinh[_] atan2(_) atan[_] atanh[_] ceil[_] cos[_] cosh[_] deg2rad[_] exp2[_] exp[_] expm1[_] fix[_] floor[_]
        frac[_] frexp isfinite isinf isnan isneginf isposinf isreal log10[_] log1p[_] log2[_] log[_] nan_to_num[_]
        rad2deg[_] relu[_] round[_] rsqrt[_] sgn(_) sigmoid[_] sign(_) signbit sin[_] sinh[_] sqrt[_] tan[_] tanh[_]
        trunc[_] torch.real""",
    "powers": "pow(_) square[_]",
    "products": "addbmm(_) cross kron torch.block_diag torch.chain_matmul",
    "questions": """
        conj is_nonzero resolve_conj resolve_neg .dim_order .pin_memory torch.get_device torch.is_complex torch.is_conj
        torch.is_floating_point torch.is_inference torch.is_same_size torch.is_signed torch.is_tensor torch.numel
        torch.result_type""",
    "random": """
        bernoulli multinomial torch.dropout torch.dropout_ torch.normal torch.rand torch.rand_like torch.randint
        torch.randint_like torch.randn torch.randn_like torch.randperm""",
    "ranges": "torch.arange torch.linspace torch.logspace torch.range",
    "rearranging": """
        diag diag_embed diagflat flip fliplr flipud repeat_interleave roll rot90 tile trace tril(_) triu(_)
        .fill_diagonal_ .repeat torch.tril_indices torch.triu_indices""",
    "rectifiers": "prelu torch.celu torch.celu_ torch.rrelu torch.rrelu_ torch.selu torch.selu_",
    "reduction": "all any count_nonzero mean nansum prod sum .sum_to_size",
    "scans": "cummax cummin cumprod(_) cumsum(_) logcumsumexp",
    "scatter_reducing": "index_reduce(_) scatter_reduce(_)",
    "scattering": "masked_scatter(_) put(_) scatter(_) scatter_add(_)",
    "sets": "bincount unique unique_consecutive torch.bucketize torch.isin torch.searchsorted",
    "shape": """
        detach_ flatten ravel reshape squeeze(_) unflatten unsqueeze(_) .contiguous .reshape_as .t_ .transpose_ .view
        .view_as torch.detach""",
    "slices": "index_add(_) index_copy(_) index_fill(_)",
    "softmax": "log_softmax logsumexp softmax",
    "solving": "inverse lstsq pinverse",
    "sorting": "argsort kthvalue mode msort sort topk",
    "special": "digamma(_) erf[_] erfc[_] erfinv(_) i0[_] lgamma(_) logit[_] mvlgamma(_) polygamma(_) sinc[_] xlogy[_]",
    "spread": "std var torch.std_mean torch.var_mean",
    "statistics": """
        corrcoef cov diff nanmean nanquantile quantile torch.cumulative_trapezoid torch.trapezoid torch.trapz""",
    "storages": """
        ._typed_storage .set_ .share_memory_ .storage .untyped_storage torch.is_storage torch.TypedStorage
        torch.UntypedStorage""",
    "subscripts": ".__delitem__ .__getitem__ .__setitem__",
    "windows": "as_strided[_] ._as_strided_backward .unfold",
}

for module, listed in INDEX.items():
    home = f"{__name__}.{module}"
    for entry in listed.split():
        if entry.startswith("."):
            METHODS.homes[entry[1:]] = home
        elif entry.startswith("torch."):
            FUNCTIONS.homes[entry[6:]] = home
        elif entry.endswith(("(_)", "[_]")):
            name = entry[:-3]
            FUNCTIONS.homes[name] = METHODS.homes[name] = METHODS.homes[name + "_"] = home
            if entry.endswith("[_]"):
                FUNCTIONS.homes[name + "_"] = home
        else:
            FUNCTIONS.homes[entry] = METHODS.homes[entry] = home
