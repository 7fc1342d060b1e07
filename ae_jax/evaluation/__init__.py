"""What a trained model is worth and what it costs: pure functions that know arrays and nothing of training."""
