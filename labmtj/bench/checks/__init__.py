"""What a bench is found to be: identities, wiring, contact."""
