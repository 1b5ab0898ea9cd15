"""Small reference networks with the authors' parameter names, and their files' contents."""
