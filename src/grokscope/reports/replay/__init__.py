"""A run replayed: pictures that move through training together."""

from grokscope.reports.replay import families as families
