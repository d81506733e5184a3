"""One page to share: a run, what it learned and how it was made, in a single HTML file."""

from grokscope.reports.replay.page import TrainingReplay as TrainingReplay
from grokscope.reports.replay.page import replay_run as replay_run
from grokscope.reports.run.content import Content as Content
from grokscope.reports.run.content import read_content as read_content
from grokscope.reports.run.page import render_page as render_page
from grokscope.reports.run.page import write_report as write_report
