"""Where the jobs of a sweep are carried out."""
