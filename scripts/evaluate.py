"""Measure a trained run again: `python scripts/evaluate.py RUN_FOLDER [dataset=…]`."""

from ae_jax.commands.start import evaluate

if __name__ == "__main__":
    evaluate()
