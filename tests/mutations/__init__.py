"""Facts of the protocols, each broken once on purpose: a test must notice."""
