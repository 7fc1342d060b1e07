"""The contenders of `scripts/benchmark.py`, each a process of its own: `python -m peers.NAME`."""
