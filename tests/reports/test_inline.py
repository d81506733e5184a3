from xml.etree import ElementTree

from grokscope.reports.html.inline import inline_svg

SVG = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" height="5pt" viewBox="0 0 9 5" xmlns="http://www.w3.org/2000/svg">
 <metadata>who</metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style><path id="glyph" d="M 0 0"/></defs>
 <clipPath id="clip"/>
 <g id="part" fill="#abc" clip-path="url(#clip)" style="fill: url(#paint)"><use xlink:href="#glyph"/></g>
 <image xlink:href="data:image/png;base64,AAAA"/>
</svg>
"""


def test_ids_that_are_used_get_the_name_and_others_go():
    root = ElementTree.fromstring(inline_svg(SVG, "one", "what it shows"))
    [group] = root.findall("g")
    assert group.attrib == {"fill": "#abc", "clip-path": "url(#one-clip)", "style": "fill: url(#one-paint)"}
    assert group[0].attrib == {"href": "#one-glyph"}
    assert root.find("defs/path").attrib["id"] == "one-glyph"
    assert root.find("clipPath").attrib == {"id": "one-clip"}
    assert root.find("image").attrib == {"href": "data:image/png;base64,AAAA"}


def test_nothing_reaches_beyond_the_figure():
    html = inline_svg(SVG, "one", "a label")
    assert "http" not in html
    assert "stroke-linejoin" not in html
    assert "who" not in html
    assert html.startswith("<svg")


def test_the_page_decides_its_size_and_a_reader_hears_its_label():
    root = ElementTree.fromstring(inline_svg(SVG, "one", 'curves "of" <loss>'))
    assert root.attrib == {"viewBox": "0 0 9 5", "role": "img", "aria-label": 'curves "of" <loss>'}
