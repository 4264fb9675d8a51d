"""What the campaigns that write a two-layer perceptron share."""
