"""The report of one run."""

from grokscope.reports.run import families as families
