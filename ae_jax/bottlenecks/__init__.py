"""Bottlenecks: what stands between encoder and decoder, one a file, each a function of its options.

A bottleneck turns the code, the encoder's numbers, into the latent that the decoder gets, and says what that costs. To
add one, write `ae_jax/bottlenecks/<name>.py` with a function whose keyword-only parameters are its options (annotated
`Scalar` or an alias of it: traced, sweepable; anything else: compiled in) and that returns a `Bottleneck`, and
`conf/bottleneck/<name>.yaml` that names the function and gives every option.
"""

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Terms, Weights

__all__ = ["Bottled", "Bottleneck", "Terms", "Weights"]
