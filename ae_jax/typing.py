"""Array aliases, axis names and the annotations that config values are checked against.

Axis names used in shapes: ``examples`` (a whole split), ``batch``, ``features`` (inputs flattened), ``outputs`` (of
the decoder: as many, or a multiple), ``latent``, ``components`` (PCA), ``runs`` (the leading axis of a group; only
`training.group` sees it).

What an encoder makes is the *code*; a bottleneck turns it into the *latent* that the decoder gets. Either may be a tree
of arrays that share their first axis.

A parameter annotated with `Scalar`, or with one of the bounded aliases made from it, is a *value*: it is traced, so it
can be swept without recompiling. The bounds are checked on the host before anything is traced.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Interval
from jaxtyping import Array, Float, Key, PyTree

PRNGKey = Key[Array, ""]
Batch = Float[Array, "batch features"]
Outputs = Float[Array, "batch outputs"]
Code = PyTree[Float[Array, "batch ..."]]
Latent = PyTree[Float[Array, "batch ..."]]
PerExample = Float[Array, " batch"]

Scalar = Float[Array, ""] | float
Positive = Annotated[Scalar, Gt(0)]
NonNegative = Annotated[Scalar, Ge(0)]
Fraction = Annotated[Scalar, Interval(ge=0, le=1)]

Size = Annotated[int, Interval(ge=1, lt=2**31)]
Count = Annotated[int, Ge(0)]
Levels = Annotated[int, Interval(ge=2, le=2**16)]
