"""Latents whose first dimensions are latents already."""

from collections.abc import Sequence

import jax.numpy as jnp

from ae_jax.errors import UserError
from ae_jax.objectives.base import Carried, Parts, Schedule, Value, joined, passed, weighed
from ae_jax.typing import Batch, Latent, NonNegative, PRNGKey, Size


def matryoshka(
    parts: Parts,
    carried: Carried,
    key: PRNGKey,
    x: Batch,
    seen: Batch,
    /,
    *,
    beta: NonNegative,
    prefix_sizes: Sequence[Size],
    prefix_weight: NonNegative,
    schedule: Schedule | None = None,
) -> Value:
    r"""`rate_distortion`, and the distortion of what the decoder makes of the first m dimensions alone, for several m.

    .. math::
        \ell(x) = d(x, \hat x) + \beta \sum_c c(z) + \omega \sum_m d(x, \hat x_m), \qquad
        \hat x_m = g(z_1, \ldots, z_m, 0, \ldots, 0)

    So dimensions are in an order of importance, as PCA's components are, and a latent can be cut to any of the sizes.
    With ω = 1 all sizes count alike, the whole latent as one of them. Gradients of each distortion reach all of its
    dimensions; codebases that stop those of the smaller sizes differ.

    Args:
        parts: The model.
        carried: Its state.
        key: The key of this batch.
        x: Clean inputs.
        seen: What the encoder gets.
        beta: β.
        prefix_sizes: The m, beside the whole latent.
        prefix_weight: ω.
        schedule: What part of β each update descends, see `rate_distortion`.

    Returns:
        The value, with a term `distortion_m` for each m, in the units of the loss.

    Raises:
        UserError: If a size is not smaller than the latent, or is given twice, or the latent is not a row of numbers.

    Reference:
        Kusupati et al., Matryoshka Representation Learning, 2022, equation 1; Bussmann et al., Learning Multi-Level
        Features with Matryoshka Sparse Autoencoders, 2025.
    """
    made = passed(parts, carried, key, x, seen)
    base, latent = weighed(parts, made, beta=beta, schedule=schedule), made.bottled.latent
    _check_sizes(prefix_sizes, latent)
    own = {}
    for size in prefix_sizes:
        first = jnp.where(jnp.arange(latent.shape[-1])[None, :] < size, latent, 0)
        outputs, _ = parts.decode(made.carried, first)
        own[f"distortion_{size}"] = parts.loss(outputs, x)
    total = base.per_example + prefix_weight * sum(own.values()) if own else base.per_example
    return Value(total, joined(own, base.terms), base.carried)


def _check_sizes(prefix_sizes: Sequence[int], latent: Latent) -> None:
    shape = getattr(latent, "shape", None)
    if shape is None or len(shape) != 2:
        problem = "is for latents that are one row of numbers, of which there are first ones"
        raise UserError("objective=matryoshka", problem, "use another model, or objective=rate_distortion")
    for size in prefix_sizes:
        if size >= shape[1] or list(prefix_sizes).count(size) > 1:
            said = "is there twice" if size < shape[1] else f"is not smaller than the {shape[1]} latent dimensions"
            raise UserError("objective.prefix_sizes", f"{size} {said}", "the whole latent counts without being named")
