"""The network of the reference campaign: data, training, solutions, mapping to arrays, tuning and metrics."""
