"""Published experiments reproduced: what was published, what is measured, and whether the two agree."""
