"""A figure that shows itself in a notebook."""

from typing import Any, Literal

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

DPI = 100
"""Of a figure in a notebook, as wide as a page of one."""
DENSITY = 2
"""Pixels of the picture along one of those: screens of high density show all of them."""


class Drawing(Figure):
    """A matplotlib figure outside pyplot's registry, which a notebook shows as a picture all the same.

    Where pyplot's inline backend is active, that shows it, in its own way and once.
    """

    def __init__(self, *, layout: Literal["constrained", "compressed"], **options: Any) -> None:
        super().__init__(layout=layout, **options)
        self.first_layout: Literal["constrained", "compressed"] = layout
        """By which it is laid out; once that is done, matplotlib forgets it."""
        self.is_fitted = False
        """Whether it has been given the size of a paper."""

    def begin_layout(self) -> ConstrainedLayoutEngine:
        """Return what lays it out, again if that was done before."""
        if not isinstance(self.get_layout_engine(), ConstrainedLayoutEngine):
            self.set_layout_engine(self.first_layout)
        engine = self.get_layout_engine()
        assert isinstance(engine, ConstrainedLayoutEngine)
        return engine

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        from grokscope.figures.export import to_png  # only now: exporting knows the style, and the style knows us

        # what IPython's own figures of high density say of themselves: the size at which to show them
        width, height = (round(side * DPI) for side in self.get_size_inches())
        return to_png(self, dpi=DPI * DENSITY), {"width": width, "height": height}
