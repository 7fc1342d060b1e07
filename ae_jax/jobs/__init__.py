"""Runs are trained: here, in groups, in sweeps."""
