"""A checked config becomes objects: data, model, and what is trained."""
