"""One script per speed claim: a ratio against a named reference, side by side in one run."""
