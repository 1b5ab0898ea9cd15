"""mim-bench: where does a pretrained backbone transfer? (Importing it loads nothing heavy.)."""

__version__ = "0.1.0"
