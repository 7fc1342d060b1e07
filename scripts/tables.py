"""Make a table of a paper from run folders: `python scripts/tables.py table=… runs=PATH`."""

from ae_jax.commands.start import tables

if __name__ == "__main__":
    tables()
