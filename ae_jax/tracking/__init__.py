"""A run is written for Weights & Biases, and sent by another process."""
