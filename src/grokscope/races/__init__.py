"""A race of optimisers and tricks to grokking: one protocol, the same tuning for each, and controls."""

from grokscope.races.divisions import DIVISIONS as DIVISIONS
from grokscope.races.divisions import Division as Division
from grokscope.races.entries import ENTRIES as ENTRIES
from grokscope.races.entry import Entry as Entry
from grokscope.races.plan import Race as Race
from grokscope.races.run import run_race as run_race
from grokscope.races.standings import Standings as Standings
