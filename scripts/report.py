"""Report on runs and sweeps: `python scripts/report.py PATH... [--sql QUERY | --html]`."""

from ae_jax.commands.report import main

if __name__ == "__main__":
    main()
