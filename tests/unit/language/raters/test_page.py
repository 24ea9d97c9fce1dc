"""The rating sheet as a page: blinded, escaped, without network, and its answers are read back."""

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.language.narratives.narratives import Narratives
from heorsynth.language.raters.page import page_of
from heorsynth.language.raters.rating_kit import RatingKit

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
REAL = "</blockquote><script>alert(1)</script> \u05d4\u05d9\u05d0 \u05d1\u05ea 64 & 'well'"


@pytest.fixture(scope="module")
def kit(synthetic: "hs.Cohort") -> RatingKit:
    texts: Narratives = hs.narrate(synthetic)
    return hs.rating_kit(texts, real=[REAL], n=5, seed=3)


def test_a_page_has_every_text_escaped_and_no_origin(kit: RatingKit, tmp_path: Path) -> None:
    page = kit.write(tmp_path / "sheet.html").read_text(encoding="utf-8")
    shown = [html.unescape(one) for one in re.findall(r'<blockquote dir="auto">(.*?)</blockquote>', page, re.DOTALL)]
    assert tuple(shown) == kit.texts and "<script>alert" not in page
    assert "SYN-" not in page and kit.statement not in page and not re.search(r"https?://|\bsrc=|@import|url\(", page)
    blocks = re.findall(r"<article.*?</article>", page, re.DOTALL)
    plain = {re.sub(r"<blockquote.*?</blockquote>|\d+", "", block, flags=re.DOTALL) for block in blocks}
    assert len(blocks) == 6 and len(plain) == 1, "the items differ by their texts and numbers alone"


def test_a_page_states_its_language() -> None:
    page = page_of(["x"], {"origin": ("real", "synthetic"), "fact_error": ("yes", "no")}, "he")
    assert '<html lang="he">' in page


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_answers_given_in_a_browser_are_read_back(kit: RatingKit, tmp_path: Path) -> None:
    page = kit.write(tmp_path / "sheet.html")
    give = "".join(
        f"document.querySelector('input[name=origin-{at}][value={'synthetic' if made else 'real'}]').click();"
        f"document.querySelector('input[name=fact_error-{at}][value=no]').click();"
        for at, made in enumerate(kit.synthetic, start=1)
        if at != 2
    )
    act = f"{give}document.querySelectorAll('input[type=text]')[0].value='=1+\"a\", b';"
    act += "const out=document.createElement('pre');out.id='csv';out.textContent=csv();document.body.append(out);"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"<script>{act}</script></body>"), "utf-8")
    shown = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    assert "5 of 6 rated" in shown
    saved = html.unescape(re.search(r'<pre id="csv">(.*?)</pre>', shown, re.DOTALL).group(1))
    assert saved.splitlines()[1].endswith('"\'=1+""a"", b"'), "a spreadsheet runs no comment"
    (tmp_path / "anna.csv").write_text("\ufeff" + saved, encoding="utf-8", newline="")
    ratings = kit.read({"anna": tmp_path / "anna.csv"})
    answers = ratings.answers["anna"]["origin"].tolist()
    assert answers[1] == "" and answers.count("real") + answers.count("synthetic") == 5
    assert ratings.called_real().value == 0 and ratings.fact_errors().value == 0
