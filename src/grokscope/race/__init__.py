"""A race of optimisers and tricks to grokking: one protocol, the same tuning for each, and controls."""

from grokscope.race.divisions import DIVISIONS as DIVISIONS
from grokscope.race.divisions import Division as Division
from grokscope.race.entries import ENTRIES as ENTRIES
from grokscope.race.entry import Entry as Entry
from grokscope.race.plan import Race as Race
from grokscope.race.run import run_race as run_race
from grokscope.race.standings import Standings as Standings
