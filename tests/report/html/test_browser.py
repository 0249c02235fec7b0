"""The HTML report in a real browser: wide and narrow, light and dark, on paper and by keyboard."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from judged import EVIDENCE, result
from project import Project
from selenium import webdriver
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.remedy import Act, Advice, Remedy, RemedyKind
from pytest_failaware.core.result import Comparison, CoverageWay, Verdict, WayEvidence
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.html.html import html_text

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER: Final = shutil.which("chromedriver")
VIEWS: Final = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
PAPER: Final = 718  # pixels of A4 between margins of 1 cm
LONG: Final = "a_model_of_the_ward_in_the_second_building_with_augmentation_and_distillation_2026_11_29"

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium with its driver: apt-get install chromium chromium-driver"
)

HELPERS: Final = """
const styled = (element, test) => element && (test(getComputedStyle(element)) || styled(element.parentElement, test));
const scrolls = (element) => element !== document.documentElement
  && styled(element.parentElement, (style) => ["auto", "scroll"].includes(style.overflowX));
const hidden = (element) => styled(element, (style) => style.clipPath !== "none");
const words = (node) => `${node.nodeName} ${node.className ?? ""} ${node.textContent.trim().slice(0, 60)}`;
"""
BEYOND_THE_PAGE: Final = """
const width = document.documentElement.clientWidth, faults = [], range = document.createRange();
if (document.documentElement.scrollWidth > width) faults.push(`the page: ${document.documentElement.scrollWidth}`);
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  range.selectNode(node);
  const box = node === element ? node.getBoundingClientRect() : range.getBoundingClientRect();
  if ((box.right > width + 0.5 || box.left < -0.5) && !scrolls(element) && !hidden(element)) faults.push(words(node));
}
return faults;
"""
CUT_OFF: Final = """
const faults = [];
for (const text of document.querySelectorAll("svg text")) {
  const drawing = text.ownerSVGElement.getBoundingClientRect(), box = text.getBoundingClientRect();
  if (box.left < drawing.left - 1 || box.right > drawing.right + 1 || box.bottom > drawing.bottom + 1)
    faults.push(words(text));
}
for (const element of document.querySelectorAll("td, th, dd, dt, li, p, summary"))
  if (element.scrollWidth > element.clientWidth + 1 && !hidden(element)) faults.push(words(element));
return faults;
"""
WITHOUT_TEXT: Final = """
const name = (svg) => svg.getAttribute("aria-label") || svg.querySelector("title")?.textContent;
return [
  ...[...document.images].filter((image) => !image.alt || !image.naturalWidth),
  ...[...document.querySelectorAll("svg")].filter((svg) => svg.getAttribute("role") !== "img" || !name(svg)),
].map((picture) => picture.outerHTML.slice(0, 200));
"""
WITHOUT_HEADERS: Final = """
return [...document.querySelectorAll("table")].filter((table) =>
  !table.caption || !table.querySelector("thead th[scope=col]")
  || [...table.querySelectorAll("tbody tr")].some((row) => !row.querySelector("th[scope=row], th[scope=rowgroup]"))
).map((table) => table.outerHTML.slice(0, 200));
"""


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WebDriver]:
    """A Chromium without a window, which logs its console and its requests; nothing is downloaded for it."""
    monkeypatch.setenv("SE_OFFLINE", "true")
    monkeypatch.setenv("SE_AVOID_STATS", "true")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for word in ("headless=new", "disable-gpu", "disable-dev-shm-usage", f"user-data-dir={tmp_path / 'browser'}"):
        options.add_argument(f"--{word}")
    if getattr(os, "geteuid", lambda: 1)() == 0:
        options.add_argument("--no-sandbox")  # Chromium does not start as root with it
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def moved_page(tmp_path: Path) -> str:
    """The address of the report of a moved operating point: the longest verdict, a rule to paste, three ways."""
    rate = Estimate(numerator=2043, denominator=2372)
    ways = tuple(WayEvidence(way=way, current=rate, p_beyond=0.00012) for way in CoverageWay)
    gate = Comparison(
        metric="confident_accuracy_at_coverage",
        reference=rate,
        current=rate,
        allowed=Decimal("0.005"),
        verdict=Verdict.OPERATING_POINT_MOVED,
        evidence=dataclasses.replace(EVIDENCE, ways=ways),
    )
    moved = result("gaussian_noise(sigma=0.08)", Verdict.OPERATING_POINT_MOVED, comparisons=(gate,))
    rule = FailureRule.parse("confidence < 0.60123 or entropy > 1.0123 at temperature 1.52123")
    remedy = Remedy(
        kind=RemedyKind.TEMPERATURE,
        rule=rule,
        is_proven=False,
        z=1.0,
        price={"gaussian_noise(sigma=0.08)": -1.2},
        images=5000,
        images_needed=12345,
    )
    advice = Advice(test=moved.test, act=Act.RULE, former=FailureRule(), remedies=(remedy,), sentences=("a note",))
    path = tmp_path / "moved.html"
    path.write_text(html_text(RunReport(results=(moved,), advice=(advice,)), {}), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(project: Project) -> str:
    """The address of the report of a failing run: flips with images, severities, names that are long."""
    project.test(
        "import pytest\n@pytest.mark.reliability(conditions=['clean', 'gaussian_noise:1..3', 'low_light'])\n"
        f"def test_toy_{LONG}(): pass\n"
    )
    project.record()
    (project.path / "worse.pth").rename(project.path / f"{LONG}.pth")
    project.run("--failaware-report=r.html", model=f"{LONG}.pth")
    text = (project.path / "r.html").read_text(encoding="utf-8")
    assert "<img" in text
    assert "<svg" in text
    return (project.path / "r.html").as_uri()


def show(browser: WebDriver, page: str, width: int, scheme: str, *, media: str = "screen", unfold: bool = True) -> None:
    """Load the page at a width."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    browser.get(page)
    if unfold:
        browser.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = true; })")


def requests(browser: WebDriver, page: str) -> list[str]:
    """The addresses that the page asked for since the last call, those inside the file left out."""
    events: list[dict[str, Any]] = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    urls = [part["request"]["url"] for part in sent if part["documentURL"].startswith("file:")]
    assert page in urls  # requests are seen at all
    return [url for url in urls if url != page and not url.startswith("data:")]


def beyond(browser: WebDriver) -> list[str]:
    """What is wider than the page or than its own place."""
    return [*browser.execute_script(HELPERS + BEYOND_THE_PAGE), *browser.execute_script(HELPERS + CUT_OFF)]


def test_the_page_in_every_view(browser: WebDriver, page: str) -> None:
    """Nothing is too wide, nothing is loaded, the console is empty, pictures have texts and tables have headers."""
    for width, scheme in VIEWS:
        show(browser, page, width, scheme)
        faults = {
            "too wide": beyond(browser),
            "without a text": browser.execute_script(WITHOUT_TEXT),
            "without headers": browser.execute_script(WITHOUT_HEADERS),
            "console": browser.get_log("browser"),
            "requests": requests(browser, page),
        }
        paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")

        assert (width, scheme == "light") == (
            browser.execute_script("return innerWidth"),
            paper == "rgb(255, 255, 255)",
        )
        assert {} == {kind: places for kind, places in faults.items() if places}, (width, scheme)

    show(browser, page, PAPER, "dark", media="print")
    assert "rgb(255, 255, 255)" == browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert [] == beyond(browser)


def test_a_moved_operating_point_fits(browser: WebDriver, moved_page: str) -> None:
    """The block with the rules, the longest verdict and the ways of the ranking fit a wide and a narrow screen."""
    for width, scheme in VIEWS:
        show(browser, moved_page, width, scheme)

        assert ["What to do", "What failed"] == browser.execute_script(
            "return [...document.querySelectorAll('h2')].slice(0, 2).map((heading) => heading.textContent)"
        )
        assert 2 == browser.execute_script("return document.querySelectorAll('.rules code').length")
        assert [] == beyond(browser), (width, scheme)


def test_an_incomparable_run_fits(browser: WebDriver, project: Project) -> None:
    """The rates of another measurement stand below those of the run, in every view."""
    project.record()
    project.run("--failaware-preprocess=mean=0.5,std=0.5", "--failaware-report=r.html")
    page = project.path / "r.html"

    assert "not the same measurement" in page.read_text(encoding="utf-8")
    for width, scheme in VIEWS:
        show(browser, page.as_uri(), width, scheme)
        assert [] == beyond(browser), (width, scheme)


def test_the_page_by_keyboard(browser: WebDriver, page: str) -> None:
    """Tab reaches each link and section in the order of the page, with a visible mark; a link unfolds its section."""
    show(browser, page, 390, "light", unfold=False)
    reached = "document.querySelectorAll('a[href], summary')"
    for number in range(browser.execute_script(f"return {reached}.length")):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        is_there = f"document.activeElement === {reached}[{number}]"
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert [True, "auto"] == browser.execute_script(f"return [{is_there}, {outline}]")

    browser.execute_script(
        "window.folded = document.querySelector('details:not([open])');"
        "document.querySelector(`a[href='#${window.folded.querySelector('[id]').id}']`).focus()"
    )
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    WebDriverWait(browser, 10).until(lambda _: browser.execute_script("return window.folded.open"))
