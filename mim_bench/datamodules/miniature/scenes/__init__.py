"""Seeded scenes and their drawing: what the miniature world is made of, before any format.

x points right, y up, z forward; lengths are metres. NumPy and OpenCV only.
"""
