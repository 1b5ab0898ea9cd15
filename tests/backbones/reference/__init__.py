"""Small reference networks with the authors' parameter names, and files as the authors save them."""
