"""DVC's plots without a network: `customer-profiles plots FILE` writes a page template.

DVC's own template loads Vega from a server, so its page stays empty offline. The template here
contains Vega.
"""

import vl_convert

# SVG, not a canvas: sharp in print, and its text can be searched.
SNIPPET = 'window.vegaEmbed = (at, spec) => vegaEmbed(at, spec, { renderer: "svg" });'
# DVC fills the braces; without {scripts} nothing is loaded. The library defines no global names.
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<style>body { font-family: sans-serif; margin: 2rem; } table { border-spacing: 15px; }</style>
<script>(() => { VEGA })();</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def template() -> str:
    """HTML for `dvc plots show --html-template`, with Vega, Vega-Lite and Vega-Embed inside."""
    return PAGE.replace("VEGA", vl_convert.javascript_bundle(SNIPPET))
