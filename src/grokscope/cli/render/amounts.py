"""How long something takes and how much room, in a few words."""


def time_in_words(seconds: float) -> str:
    """Return a time in one unit: ``2.5 h``."""
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{max(1, round(seconds))} s"


def size_in_words(n_bytes: int) -> str:
    """Return a number of bytes in one unit: ``1.2 GB``."""
    for size, name in ((1e9, "GB"), (1e6, "MB")):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {name}"
    return f"{max(1, n_bytes // 1000)} kB"
