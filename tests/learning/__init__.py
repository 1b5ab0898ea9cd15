"""Scripts that show that the miniature world has to be seen; run by hand, minutes each."""
