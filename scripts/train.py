"""Train an experiment: `python scripts/train.py [GROUP=OPTION ...] [KEY=VALUE ...]`."""

from ae_jax.commands.start import train

if __name__ == "__main__":
    train()
