"""Draw a figure of a paper from run folders: `python scripts/figures.py figure=… runs=PATH`."""

from ae_jax.commands.figures import main

if __name__ == "__main__":
    main()
