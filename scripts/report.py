"""Report on runs and sweeps: `python scripts/report.py PATH... [--sql QUERY | --html]`."""

from ae_jax.commands.start import report

if __name__ == "__main__":
    report()
