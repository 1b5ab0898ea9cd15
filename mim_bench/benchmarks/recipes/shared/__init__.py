"""What several recipes extend."""
