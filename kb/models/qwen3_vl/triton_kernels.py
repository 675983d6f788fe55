"""The source of the GPU kernels, in Triton's language; `kb.models.qwen3_vl.kernels` calls them.

Apart, since Triton is not on every machine.
"""

import triton
import triton.language as tl

__all__ = ["add_layer_norm_kernel", "gated_silu_kernel", "rotate_heads_kernel"]


@triton.jit
def add_layer_norm_kernel(
    states, branch, normed, weight, bias, width, epsilon, block: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, block)
    mask = columns < width
    at = row * width + columns
    kind = states.dtype.element_ty
    value = tl.load(states + at, mask=mask, other=0.0).to(tl.float32)
    value += tl.load(branch + at, mask=mask, other=0.0).to(tl.float32)
    # Rounded as the plain way rounds between the two steps.
    value = value.to(kind)
    tl.store(states + at, value, mask=mask)
    value = value.to(tl.float32)
    centred = tl.where(mask, value - tl.sum(value, axis=0) / width, 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(centred * centred, axis=0) / width + epsilon)
    scaled = centred * scale * tl.load(weight + columns, mask=mask, other=0.0).to(tl.float32)
    scaled += tl.load(bias + columns, mask=mask, other=0.0).to(tl.float32)
    tl.store(normed + at, scaled.to(kind), mask=mask)


@triton.jit
def gated_silu_kernel(gate_up, product, width, block: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * block + tl.arange(0, block)
    mask = columns < width
    gate = tl.load(gate_up + row * 2 * width + columns, mask=mask, other=0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * width + width + columns, mask=mask, other=0.0).to(tl.float32)
    value = gate * tl.sigmoid(gate) * up
    tl.store(product + row * width + columns, value.to(product.dtype.element_ty), mask=mask)


@triton.jit
def rotate_heads_kernel(
    heads, cosine, sine, first_weight, other_weight, row_stride, epsilon,
    n_first: tl.constexpr, n_rotated: tl.constexpr, half: tl.constexpr,
    head_block: tl.constexpr, half_block: tl.constexpr, is_normed: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, head_block)[:, None]
    place = tl.arange(0, half_block)[None, :]
    inside = place < half
    mask = (head < n_rotated) & inside
    at = heads + token * row_stride + head * 2 * half + place
    left = tl.load(at, mask=mask, other=0.0).to(tl.float32)
    right = tl.load(at + half, mask=mask, other=0.0).to(tl.float32)
    if is_normed:
        squares = tl.sum(left * left + right * right, axis=1)[:, None]
        scale = 1.0 / tl.sqrt(squares / (2 * half) + epsilon)
        is_first = head < n_first
        left_weight = tl.where(
            is_first,
            tl.load(first_weight + place, mask=inside, other=0.0).to(tl.float32),
            tl.load(other_weight + place, mask=inside, other=0.0).to(tl.float32),
        )
        right_weight = tl.where(
            is_first,
            tl.load(first_weight + half + place, mask=inside, other=0.0).to(tl.float32),
            tl.load(other_weight + half + place, mask=inside, other=0.0).to(tl.float32),
        )
        # Rounded as the plain way rounds between the two steps.
        left = (left * scale * left_weight).to(heads.dtype.element_ty).to(tl.float32)
        right = (right * scale * right_weight).to(heads.dtype.element_ty).to(tl.float32)
    turning = token * 2 * half + place
    cos = tl.load(cosine + turning, mask=inside, other=0.0).to(tl.float32)
    sin = tl.load(sine + turning, mask=inside, other=0.0).to(tl.float32)
    kind = heads.dtype.element_ty
    tl.store(at, (left * cos - right * sin).to(kind), mask=mask)
    tl.store(at + half, (right * cos + left * sin).to(kind), mask=mask)
