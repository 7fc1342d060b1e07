"""What several figures share: kinds of autoencoders, labels, legends, scales, selection. No figure is in here."""
