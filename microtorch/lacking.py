"""What microtorch does not have, and what it says when it is asked for that. Loaded when something lacks."""

from __future__ import annotations

import re

# Why a name is left out, and the names: regular expressions that fit them whole.
LEFT_OUT = {
    "convolutions and pooling": r"""
        .*conv.* .*Conv.* .*(max|avg|lp)_?(un)?pool.* .*(Max|Avg|LP|FractionalMax)(Un)?[Pp]ool.* (un)?fold (Un)?[Ff]old
        .*dirac_? affine_grid.* .*grid_sample.* [Uu]psampl.* interpolate [Uu]psample.* .*[Pp]ixel_?([Uu]n)?[Ss]huffle
        .*[Cc]hannel_?[Ss]huffle .*[Rr]esponse_?[Nn]orm CrossMapLRN2d [Uu]nfold_copy GRID_SAMPLE.* BroadcastingList\d""",
    "recurrent layers": r"(quantized_)?(gru|lstm|rnn)(_.*)? (GRU|LSTM|RNN)(Cell|Base|CellBase)? CTCLoss ctc_loss",
    "attention": r"Multihead.* Transformer.* multi_head_.* scaled_dot_.*",
    "sparse tensors": r"""
        .*sparse.* .*Sparse.* .*(crow|ccol|row|col)_indices.* (indices|values)(_copy)? .*coalesce.* dense_dim to_dense
        hspmm hsmm dsmm smm spmm saddmm sspaddmm embedding_bag EmbeddingBag AdaptiveLogSoftmaxWithLoss""",
    "nested tensors": r"jagged to_padded_tensor nested.*",
    "complex numbers": r"""
        .*[Cc]omplex.* c(float|double|half) chalf conj_physical_? angle imag polar view_as_(real|complex).* is_neg
        fft eig eigvals lobpcg (i?stft) .*_window has_spectral""",
    "quantized numbers": r"""
        .*quant.* .*Q?U?Int\dx?\d?Storage q_.* q(u?int.*|scheme) quint.* int_repr per_(channel|tensor)_.* fbgemm.* choose_qparams.*""",
    "element types that no CPU training of small models uses": r"""
        bfloat16 bits\d.* bit float[48]_.* u?int[1-7] uint(16|32|64) BFloat16.* has_mkl""",
    "autocast, half precision on accelerators": r".*autocast.* amp GradScaler",
    "accelerators and their libraries": r"""
        (cudnn|miopen|mkldnn|mkl|xnnpack)_.* .*[Ss]tream.* Event AcceleratorError OutOfMemoryError is_vulkan_available
        is_(ipu|maia|mtia|vulkan|xla|xpu) (ipu|mps|mtia|xpu) to_mkldnn get_device_module .*Vulkan.* DeviceObjType .*cudagraph.*
        DeviceType accelerator grouped_mm scaled_(grouped_)?mm ScalingType SwizzleType tf32_notes
        set_(warn|override)_.*stream.* [gs]et_device_states""",
    "several processes and machines": r"""
        .*[Dd]istributed.* DataParallel SyncBatchNorm RRefType .*multiprocessing.* share_memory_ from_file fork wait
        Future(Type)? .*batch_norm_(stats|elemt|backward_.*|gather.*|update_stats)""",
    "compilation, tracing and TorchScript": r"""
        compile compiler export onnx .*Type .*Script.* .*JIT.* jit.* Graph(ExecutorState)? Block Node Value Use Code Argument(Spec)? CompleteArgumentSpec
        CallStack Capsule CompilationUnit .*[Ss]erialization.*Context DeepCopyMemoTable DispatchKey(Set)? ErrorReport
        ExcludeDispatchKeyGuard ExecutionPlan FatalError FileCheck FunctionSchema Gradient IODescriptor LockingLogger
        LoggerBase NoopLogger OperatorInfo PyTorchFile(Reader|Writer) StaticModule Tag ThroughputBenchmark TracingState
        AliasDb AggregationType Benchmark.* AVG SUM ConcreteModule.* BufferDict ParameterDict ModuleDict
        parse_(ir|schema|type_comment) (import_ir|unify_type|merge_type).* sym_.* Sym(Bool|Float|Int) .*vmap cond while_loop
        PRIVATE_OPS USE_.* classproperty init_num_threads compiled_with_cxx11_abi get_file_path boolean_dispatch
        assert_int_or_pair (handle|has)_torch_function.* DisableTorchFunction.* reproducibility_notes sparse_support_notes
        .*_tensor_like region_activation_.* .*_note(s)? common_.* factory_kwargs thread_safe_generator
        swap_in_.* enforce_grad_.* hash_tensor const_data_ptr NestedIOFunction module_load multi_dim_common""",
    "kernels that are not meant to be called": r"""
        native_.* .*_copy (constant|adaptive).*_jvp unsafe_.* slice_inverse norm_except_dim .*_forward pdist_.*
        fused_.* segment_reduce cudnn_is_acceptable legacy_contiguous_format""",
    "special functions of physics and statistics": r"""
        airy_ai .*bessel_.* .*_polynomial_.* erfcx gammaincc? igammac?_? log_ndtr ndtri""",
    "factorizations beyond what a regression needs": r"""
        lu.* ldl_.* householder_product geqrf orgqr ormqr qr svd svd_lowrank pca_lowrank cholesky_(inverse|solve)
        triangular_solve""",
    "forward-mode differentiation": r"forward_ad",
    "transforms of functions": r"func functional_call vmap",
    "probability distributions": r"distributions",
    "models from the network": r"hub",
    "overriding torch's functions": r"overrides",
    "measuring": r"profiler Profiler.* kineto_available",
    "layers that wait for their first input": r"Lazy.* Uninitialized.*",
    "selective checkpointing": r"SAC_.* .*[Ss]elective.* CheckpointPolicy GraphExecGroup",
    "storages with a type in their name": r"(Bool|Byte|Char|Double|Float|Half|Int|Long|Short)?Storage(Base)?",
    "names of dimensions": r"align_.* refine_names rename_? name index",
    "memory formats of images": r"channels_last.*",
    "subclasses of Tensor": r"as_subclass",
    "gradients of another dtype than their tensor's": r"grad_dtype",
    "gradients that are wrong in torch itself": r"as_strided_scatter",
    "modes that see every operation before it runs": r"allow_mutation_on_saved_tensors",
    "weights that are made of others at every call": r"(remove_)?(weight|spectral)_norm parametriz.*",
    "losses in chunks, for large vocabularies": r"LinearCrossEntropyOptions",
    "optimizers that compute in bfloat16": r"Muon",
    "data pipes": r"""
        .*DataPipe DataChunk .*functional_datapipe .*determinis(m|tic) .*_validation.*""",
    "long deprecated": r"""
        symeig volatile resize(_as)? reinforce storage_type matrix_rank solve lstsq eig NLLLoss2d Container upsample_.*
        clip_grad_norm lu(_solve|_unpack)?_old is_distributed has_(lapack|openmp) set_autocast.* chain_matmul_old""",
}


def reason_for(name: str) -> str | None:
    """Why a name is left out on purpose, if it is."""
    for reason, patterns in LEFT_OUT.items():
        if any(re.fullmatch(pattern, name) for pattern in patterns.split()):
            return reason
    return None


def lacking(namespace: str, name: str) -> AttributeError:
    """The error of a name that torch may have in a namespace, and microtorch has not."""
    reason = reason_for(name)
    return AttributeError(
        f"module '{namespace}' has no attribute '{name}': microtorch, which stands in for it here, does not have "
        f"{namespace}.{name}" + (f" (left out on purpose: {reason})" if reason else "")
    )
