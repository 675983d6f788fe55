"""A web page of questions and answers, with all the clutter of real ones."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from scripts.samples.canvas import Canvas

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Answers to what owners of the Breeze 300 ask most often.">
<meta name="date" content="2026-04-02">
<title>Breeze 300: frequently asked questions – Hazelwick</title>
<style>
body { margin: 0; font: 16px/1.6 "Noto Sans", "Noto Sans CJK SC", Arial, sans-serif; color:
  #1d2b33; }
header { background: #1f6f68; color: #fff; padding: 14px 32px; display: flex; gap: 28px;
  align-items: center; }
header a { margin-left: 14px; color: #d9efeb; text-decoration: none; }
header strong { font-size: 22px; margin-right: auto; }
.cookie { position: fixed; bottom: 0; left: 0; right: 0; background: #14252b; color: #fff;
  padding: 12px 32px; }
.cookie a { color: #d9efeb; } .cookie button { margin-left: 16px; padding: 6px 16px; border: 0;
  border-radius: 4px; background: #f0b04c; }
.page { display: grid; grid-template-columns: 1fr 260px; gap: 40px; max-width: 1080px; margin:
  32px auto; padding: 0 32px; }
h1 { color: #1f6f68; line-height: 1.2; } h2 { margin-top: 32px; } figure { margin: 24px 0; }
figure img { max-width: 100%; border-radius: 8px; } figcaption { color: #66767e; font-size: 14px; }
aside { font-size: 14px; } aside section { background: #eef4f3; border-radius: 8px; padding: 12px
  16px; margin-bottom: 16px; }
table { border-collapse: collapse; } th, td { border: 1px solid #c9d3d2; padding: 6px 12px;
  text-align: left; }
footer { background: #eef4f3; padding: 24px 32px 90px; font-size: 14px; } footer a {
  margin-right: 18px; }
</style>
<script>window.dataLayer = window.dataLayer || []; function track(e) { dataLayer.push(e); }</script>
</head>
<body>
<div class="cookie" id="cookie-banner" role="dialog" aria-label="Cookies">
  We and our 38 partners use cookies to make this page better. <a href="#">Settings</a>
  <button>Accept all</button><button>Reject</button>
</div>
<header>
  <strong>hazelwick</strong>
  <nav aria-label="Main"><a href="#">Products</a> <a href="#">Filters</a> <a href="#">Support</a>
  <a href="#">Our story</a> <a href="#">Basket (0)</a> <a href="#">Sign in</a></nav>
</header>
<div class="breadcrumb" style="padding: 8px 32px; font-size: 13px">Home / Support / Air purifiers
  / Breeze 300</div>
<div class="page">
<main>
<article>
<h1>Breeze 300: frequently asked questions</h1>
<p>We collected what owners asked us most often in the last year. If your question is missing,
write to us and we will add it.</p>

<h2>Running costs and noise</h2>
<h3>May I leave it running day and night?</h3>
<p>Yes. The motor is made for continuous running. On Auto the device needs about 70 kWh of
electricity a year, which costs roughly 22 euros at 0.31 euros per kilowatt hour.</p>
<h3>Does it disturb my sleep?</h3>
<p>In Sleep mode most people hear nothing from two metres away. If the blue light bothers you,
hold Mode for three seconds and the ring goes dark.</p>

<h2>Health</h2>
<h3>Does the device make ozone?</h3>
<p>No. It has neither an ioniser nor a UV lamp, so it cannot produce ozone. An independent
laboratory measured nothing above the background.</p>
<h3>Does it help with hay fever?</h3>
<p>It does. Pollen grains are large and the filter catches practically all of them. Shut the
bedroom windows in the morning, when most grasses release their pollen, and run Turbo for half an
hour before you go to bed.</p>
<h3>We have two cats. Is that a problem?</h3>
<p>Hair settles on the grille. Vacuum it every week, and expect the filter to last about six
months instead of nine.</p>

<h2>Filters</h2>
<h3>What is inside the filter?</h3>
<p>Three layers lie one behind the other, and the air passes them from the outside in.</p>
<figure>
<img src="images/hf-30-filter-layers.png" width="720"
alt="The HF-30 filter pulled apart: a coarse net, a pleated white sheet, a black honeycomb">
<figcaption>The three layers of the HF-30: net for hair, pleated HEPA sheet for fine dust,
  honeycomb of activated carbon for smells.</figcaption>
</figure>
<h3>What do replacement filters cost, and how fast are they delivered?</h3>
<table>
<tr><th>Pack</th><th>Price</th><th>Delivery</th></tr>
<tr><td>1 filter</td><td>39.90 euros</td><td>3 working days</td></tr>
<tr><td>2 filters</td><td>74.00 euros</td><td>3 working days, free of charge</td></tr>
<tr><td>Subscription</td><td>34.90 euros each</td><td>every 9 months by itself</td></tr>
</table>
<h3>Why does a new filter smell of plastic?</h3>
<p>The glue of the carbon layer needs a few hours of air. Run the device on Turbo with the window
open; the smell is gone after a day at the latest.</p>

<h2>Wi-Fi and privacy</h2>
<h3>Does the Breeze 300 work without the app?</h3>
<p>Completely. The app adds a calendar and statistics; every function of the device itself can be
reached with its four buttons.</p>
<h3>Which data do you store?</h3>
<p>Only the hourly dust readings, for 90 days, on servers in Oakford. You can delete them in the
app under Account.</p>
</article>
</main>
<aside>
<section><h4>Popular products</h4><p><a href="#">Skylark weather station</a><br><a
  href="#">Millrace coffee grinder</a><br><a href="#">Ember kettle</a></p></section>
<section><h4>Newsletter</h4><p>Subscribe and get 10 % off your next order. <input
  placeholder="E-mail"></p></section>
<section><h4>Share</h4><p><a href="#">Mail</a> · <a href="#">Copy link</a> · <a
  href="#">Print</a></p></section>
</aside>
</div>
<footer>
<p><a href="#">Imprint</a><a href="#">Terms of sale</a><a href="#">Privacy</a><a
  href="#">Careers</a><a href="#">Press</a></p>
<p>© 2026 Hazelwick. All rights reserved. Prices include VAT.</p>
</footer>
</body>
</html>
"""


def write(folder: Path) -> None:
    """Write the page into `folder`, its picture into a folder beside it."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    (folder / "Breeze 300 FAQ.html").write_text(PAGE, "utf-8")
    layers = filter_layers().quantize(256, dither=Image.Dither.NONE)
    layers.save(images / "hf-30-filter-layers.png", optimize=True)


def filter_layers() -> Image.Image:
    """The layers of the filter, pulled apart."""
    c = Canvas(1080, 620, ("#f4f8f8", "#dfeae8"))

    def sheet(x: float, colours: tuple[str, str]) -> None:
        c.polygon(
            [(x + 20, 130), (x + 190, 70), (x + 190, 490), (x + 20, 550)], "#000000", 0.22, blur=14
        )
        c.polygon([(x, 120), (x + 170, 60), (x + 170, 480), (x, 540)], colours)

    sheet(130, ("#c3d0ce", "#9fb3b0"))
    for i in range(1, 12):
        c.line([(130 + i * 14, 120 - i * 5), (130 + i * 14, 540 - i * 5)], "#6d807d", 2)
    for i in range(1, 28):
        c.line([(130, 120 + i * 15), (300, 60 + i * 15)], "#6d807d", 2)
    sheet(430, ("#ffffff", "#e3e9e8"))
    for i in range(17):
        x, y = 430 + i * 10, 120 - i * 3.53
        c.polygon([(x, y), (x + 5, y - 1.8), (x + 5, y + 418), (x, y + 420)], "#c4cfcd")
    sheet(730, ("#3a4349", "#1d2327"))
    for row in range(19):
        for column in range(8):
            x = 742 + column * 20 + (row % 2) * 10
            y = 136 + row * 22 - (x - 730) * 0.353
            if x < 894:
                c.ellipse((x - 7, y - 7, x + 7, y + 7), "#0b0d0f")
    for x, text in ((215, "Net"), (515, "HEPA sheet"), (815, "Carbon")):
        c.text((x, 582), text, 28, bold=True, anchor="mm")
    for x in (345, 645):
        c.line([(x, 300), (x + 52, 300)], "#2f9be8", 9)
        c.polygon([(x + 48, 280), (x + 80, 300), (x + 48, 320)], "#2f9be8")
    return c.finish()
