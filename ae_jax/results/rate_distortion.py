r"""What squared error a rate allows, for normal data of given variances: reverse water-filling.

    D(R) = \sum_j \min(\theta, \lambda_j), \qquad R = \sum_j \max(0, \tfrac12 \log_2 (\lambda_j / \theta))

No code of normal data leaves less at that rate, and codes of many examples at once come near. Data that are not normal
can be coded better.

Reference: Cover & Thomas, Elements of Information Theory, 2006, theorem 10.3.3.
"""

import numpy as np
from jaxtyping import Float, Float64


def normal_distortion(
    variances: Float[np.ndarray, " features"], rates: Float[np.ndarray, " rates"]
) -> Float64[np.ndarray, " rates"]:
    """The least squared error of an example, summed over features, at each rate.

    Args:
        variances: Along principal directions, in any order; those that are 0 cost nothing.
        rates: Bits of an example, not negative.
    """
    ordered = np.sort(variances[variances > 0].astype(np.float64))[::-1]
    logs, numbers = np.cumsum(np.log2(ordered)), np.arange(1, len(ordered) + 1)
    tails = np.append(np.cumsum(ordered[::-1])[::-1], 0.0)
    # The level at which the leading k directions alone are coded; the one that is below all of them is the level.
    levels = 2 ** ((logs[None] - 2 * rates[:, None]) / numbers[None])
    coded = np.maximum((levels < ordered[None]).sum(axis=1), 1 if len(ordered) else 0)
    if not len(ordered):
        return np.zeros(len(rates))
    level = np.minimum(levels[np.arange(len(rates)), coded - 1], ordered[0])
    return coded * level + tails[coded]
