"""What an image is among examples: two axes, and perhaps one of channels."""

from ae_jax.errors import UserError


def has_image_shape(feature_shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape are images."""
    return len(feature_shape) in (2, 3)


def image_shape(component: str, feature_shape: tuple[int, ...], *, otherwise: str) -> tuple[int, int, int]:
    """Height, width and channels of an example, of which there is one where the shape has no axis of them.

    Args:
        component: What is for images, as `model=conv`.
        feature_shape: Of an example before it was flattened.
        otherwise: What there is for other data.

    Raises:
        UserError: If an example is no image.
    """
    if not has_image_shape(feature_shape):
        form = " x ".join(map(str, feature_shape)) if len(feature_shape) > 1 else f"{feature_shape[0]} numbers"
        problem = f"is for images, and an example of these data is {form}"
        remedy = f"choose {otherwise}; a stack of images has shape (examples, height, width[, channels])"
        raise UserError(component, problem, remedy)
    height, width, num_channels = (*feature_shape, 1)[:3]
    return height, width, num_channels
