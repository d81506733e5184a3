"""One page to share: a run, what it learned and how it was made, in a single HTML file."""

from grokscope.report.content import Content as Content
from grokscope.report.content import read_content as read_content
from grokscope.report.film_page import TrainingFilm as TrainingFilm
from grokscope.report.film_page import watch_training as watch_training
from grokscope.report.page import render_page as render_page
from grokscope.report.page import write_report as write_report
