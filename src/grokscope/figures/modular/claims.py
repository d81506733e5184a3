"""When each claim about a network of modular arithmetic became true."""

from grokscope.figures.catalogue import figure
from grokscope.figures.training.claims import CAPTION, SUMMARY, TITLE, draw_claims, has_claims
from grokscope.tasks import ModularTask

figure(
    "claims",
    summary=SUMMARY,
    title=TITLE,
    caption=CAPTION.replace("that were tested", "that were tested, for the key frequencies of the last network"),
    scope="training",
    tasks=(ModularTask,),
    on_page=has_claims,
)(draw_claims)
