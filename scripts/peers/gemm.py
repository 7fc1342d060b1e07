"""The matrix products of an epoch and nothing else: the least time that any implementation can need.

An update has five, with x (batch, features), h (batch, width) and both weights: x W, h V, g Vᵀ, hᵀ g and xᵀ d.
The gradient of the images is not needed.
"""

from collections.abc import Callable

import numpy as np

from peers.protocol import Prepared, Task, serve

Products = Callable[[], object]


def prepare(task: Task) -> Prepared:
    """Random operands of the reference step; the last batch of the epoch is smaller."""
    num_images, num_features = np.load(task.images, mmap_mode="r").shape
    num_steps, rest = divmod(num_images, task.batch_size)
    generator = np.random.default_rng(0)

    def operands(batch_size: int) -> list[np.ndarray]:
        shapes = [(batch_size, num_features), (batch_size, task.width), (num_features, task.width)]
        return [generator.standard_normal(shape, np.float32) for shape in [*shapes, shapes[2][::-1]]]

    make = {"xla": _xla, "torch": _torch, "numpy": _numpy}[task.library]
    parts = [make(operands(size), steps) for size, steps in ((task.batch_size, num_steps), (rest, 1)) if size and steps]

    def epoch() -> float:
        for part in parts:
            part()
        return float("nan")

    return Prepared(epoch, task.library)


def _xla(arrays: list[np.ndarray], num_steps: int) -> Products:
    import jax

    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        # The barrier keeps the compiler from moving products out of the loop.
        (x, h, w, v), total = jax.lax.optimization_barrier(carry)
        products = jax.lax.optimization_barrier((x @ w, h @ v, x @ v.T, h.T @ x, x.T @ h))
        total += sum(product[0, 0] for product in products)
        return ((x, h, w, v), total), None

    @jax.jit
    def loop(operands: tuple) -> jax.Array:
        (_, total), _ = jax.lax.scan(step, (operands, jax.numpy.float32(0)), None, length=num_steps)
        return total

    operands = tuple(jax.device_put(array) for array in arrays)
    return lambda: loop(operands).block_until_ready()


def _torch(arrays: list[np.ndarray], num_steps: int) -> Products:
    import torch

    x, h, w, v = map(torch.from_numpy, arrays)

    def loop() -> None:
        with torch.inference_mode():
            for _ in range(num_steps):
                _ = (x @ w, h @ v, x @ v.T, h.T @ x, x.T @ h)

    return loop


def _numpy(arrays: list[np.ndarray], num_steps: int) -> Products:
    x, h, w, v = arrays

    def loop() -> None:
        for _ in range(num_steps):
            _ = (x @ w, h @ v, x @ v.T, h.T @ x, x.T @ h)

    return loop


if __name__ == "__main__":
    serve(prepare)
