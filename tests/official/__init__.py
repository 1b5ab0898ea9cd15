"""Scripts, run by hand, that run the authors' released code beside ours and keep its numbers.

They need a checkout of the authors' repository, whose code is not part of this project.
"""
