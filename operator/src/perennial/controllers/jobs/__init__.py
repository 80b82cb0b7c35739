"""What all controllers know of Jobs: the pods they run, how they ended, and what those pods said."""
