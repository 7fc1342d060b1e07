"""Train what a paper needs, and make its figures and tables: `python scripts/paper.py paper=…`."""

from ae_jax.commands.start import paper

if __name__ == "__main__":
    paper()
