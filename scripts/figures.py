"""Draw a figure of a paper from run folders: `python scripts/figures.py figure=… runs=PATH`."""

from ae_jax.commands.start import figures

if __name__ == "__main__":
    figures()
