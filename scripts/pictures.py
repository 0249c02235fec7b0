"""Make the pictures of the terminal and of the report in docs/pictures again, with the worse checkpoint of the example.

    python scripts/pictures.py

Needs the extra `test` (selenium), and a Chromium with its driver. The pictures name the torch of this machine.
docs/pictures/table.svg is what the first command of the tutorial writes, and is not made here.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import html
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image
from selenium import webdriver

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURES: Final = ROOT / "docs" / "pictures"
COLUMNS: Final = 118
REPORT_PIXELS: Final = (1240, 2950)
COLOURS: Final = {"31": "#e06c75", "32": "#98b982", "33": "#e5c07b"}
"""The code of a colour -> the colour on a dark terminal."""
TERMINAL: Final = (
    "<style>body {{ margin: 0; background: #22252c; color: #e6e6e6; }}"
    "pre {{ margin: 0; padding: 14px; width: 118ch; white-space: pre-wrap; font: 14px/19px monospace; }}</style>"
    "<pre>{text}</pre>"
)


def run(report: Path) -> str:
    """Gate the worse checkpoint as the README does, write the report, and return the coloured summary."""
    words = [
        "examples/digits",
        "--failaware-model=examples/digits/digits_worse.pth",
        f"--failaware-report={report.name}",
    ]
    screen, terminal = pty.openpty()  # a table is folded only on a terminal
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "--color=yes", *words],
        cwd=report.parent,
        env={**os.environ, "COLUMNS": str(COLUMNS), "PYTHONPATH": str(ROOT)},
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    lines = "".join(_shown(screen)).replace("\r\n", "\n").splitlines()
    if process.wait() != 1:
        raise SystemExit("\n".join([f"exit code {process.returncode} instead of 1:", *lines]))
    first = next(place for place, line in enumerate(lines) if "reliability (failaware)" in line)
    last = next(place for place, line in enumerate(lines) if "short test summary info" in line)
    return "\n".join(lines[first:last])


def _shown(screen: int) -> Iterator[str]:
    """Yield what a terminal shows until its program ends."""
    with os.fdopen(screen, encoding="utf-8", newline="") as stream, contextlib.suppress(OSError):  # Linux: at the end
        yield from stream


def page(text: str) -> str:
    """Return the text of a terminal as a page, with its colours."""
    spans = []
    for code, part in re.findall(r"(?:\x1b\[([\d;]*)m)?([^\x1b]*)", text):
        colour = next((COLOURS[number] for number in code.split(";") if number in COLOURS), "inherit")
        spans.append(f'<span style="color: {colour}">{html.escape(part)}</span>')
    return TERMINAL.format(text="".join(spans))


def picture(browser: webdriver.Chrome, source: Path, to: Path, width: int, height: int | None) -> None:
    """Store a picture of a page; without a height, of all of it."""
    size = {"width": width, "height": height or 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(source.as_uri())
    if height is None:
        wide, high = browser.execute_script(
            "const box = document.querySelector('pre').getBoundingClientRect(); return [box.width, box.height]"
        )
        size |= {"width": round(wide), "height": round(high)}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    shot = base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(48).save(to, optimize=True)


def main() -> None:
    """Make both pictures."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for word in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars"):
        options.add_argument(f"--{word}")
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder)
        for name in ("examples", "baselines"):
            shutil.copytree(ROOT / name, desk / name)
        text = run(desk / "report.html")
        (desk / "terminal.html").write_text(page(text), encoding="utf-8")
        os.environ.setdefault("SE_OFFLINE", "true")
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            picture(browser, desk / "terminal.html", PICTURES / "terminal.png", 1600, None)
            picture(browser, desk / "report.html", PICTURES / "report.png", *REPORT_PIXELS)
        finally:
            browser.quit()


if __name__ == "__main__":
    main()
