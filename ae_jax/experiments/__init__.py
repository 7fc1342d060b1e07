"""Experiments: configs become objects, runs are trained, measured against PCA and recorded in run folders.

conf/*.yaml -> cli.py (Hydra) -> config.py (check, name) -> build.py (objects) -> train.py -> run folder
"""
