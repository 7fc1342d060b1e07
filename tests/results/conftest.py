"""A small sweep, written by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ae_jax.results import Results, load


@pytest.fixture
def sweep(write_run: Callable[..., Path], tmp_path: Path) -> Callable[..., Results]:
    """Write a run for each latent size, learning rate and seed, and load them; `sse(size, rate, seed)` is its error."""

    def make(
        sse: Callable[[int, float, int], float] = lambda size, rate, seed: 4 / size + rate + seed / 100,
        *,
        sizes: tuple[int, ...] = (1, 2),
        rates: tuple[float, ...] = (0.1, 0.2),
        seeds: tuple[int, ...] = (0, 1, 2),
        **options: object,
    ) -> Results:
        for size in sizes:
            for rate in rates:
                for seed in seeds:
                    settings = {"model.latent_size": size, "optimizer.learning_rate": rate, "seed": seed}
                    folder = tmp_path / "sweep" / f"size{size}-rate{rate}-seed{seed}"
                    write_run(folder, settings=settings, sse=sse(size, rate, seed), **options)
        return load(tmp_path / "sweep")

    return make
