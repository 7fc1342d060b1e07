"""Train an experiment: `python scripts/train.py [GROUP=OPTION ...] [KEY=VALUE ...]`."""

from ae_jax.experiments.cli import main

if __name__ == "__main__":
    main()
