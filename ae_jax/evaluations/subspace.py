r"""How far an affine decoder's range is from PCA's subspace, in degrees.

\cos \theta_k = \sigma_k(Q_a^\top Q_b), \qquad 0 \le \theta_1 \le \dots \le 90
"""

from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.measure import SPLITS, angles_to_pca
from ae_jax.runs.measures import Measure

_WHERE = "angle to PCA's subspace, degrees"
_MEASURES = (
    Measure("largest_angle_degrees", "largest angle, degrees", f"largest {_WHERE}", False, unit="degrees"),
    Measure("mean_angle_degrees", "mean angle, degrees", f"mean {_WHERE}", False, unit="degrees"),
)


def subspace() -> Evaluation:
    """The largest and the mean principal angle between a decoder's range and PCA's leading components.

    Both are 0 where a decoder spans PCA's subspace, as that of the best linear autoencoder does, and PCA's own. A
    decoder that is not affine has no such range: then there are no numbers. They follow from parameters alone, and
    stand at every split. The largest tells most where the variance after those of the components is much smaller.

    Reference:
        Knyazev & Argentati, *SIAM J. Sci. Comput.* 23:2008, 2002; Baldi & Hornik, *Neural Networks* 2:53, 1989.
    """
    return Evaluation(_MEASURES, _ask)


def _ask(subject: Subject) -> Found:
    size = min(subject.autoencoder.latent_size, subject.pca.rank)
    found = {method.name: angles_to_pca(method, subject.pca, size) for method in subject.methods}
    if not found[subject.autoencoder.name]:
        return Found({})
    numbers = {
        name: {"largest_angle_degrees": max(angles), "mean_angle_degrees": sum(angles) / len(angles)}
        for name, angles in found.items()
        if angles
    }
    return Found({name: dict.fromkeys(SPLITS, one) for name, one in numbers.items()})
