"""Measure a trained run again: `python scripts/evaluate.py RUN_FOLDER [dataset=…]`."""

from ae_jax.experiments.evaluate import main

if __name__ == "__main__":
    main()
