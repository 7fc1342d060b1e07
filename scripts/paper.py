"""Train what a paper needs, and make its figures and tables: `python scripts/paper.py paper=…`."""

from ae_jax.commands.paper import main

if __name__ == "__main__":
    main()
