"""Words become a checked config: composed by Hydra, checked against signatures, named by what was asked."""
