"""python -m docs.site.pictures [HOME]: the example report and the pictures of README, of the runs of `make demo`.

HOME is the folder of the runs, mlruns/demo where none is typed. Writes docs/example/report.html (what the report holds,
without style and scripts, which the site puts back) and docs/pictures/*.png, taken in Chromium.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.mlflow_view import ROW, served
from docs.site.example import EXAMPLE, content
from joulemark.core.paths import CHECKOUT
from joulemark.store import views

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "mlruns" / "demo"
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZE = {"width": 1280, "height": 860}
TASK = "text_classification"  # both a specialist and a general-purpose model do it
COLOURS = 128  # of a picture's palette
MOST_BYTES = 300_000  # of all pictures together


def main() -> int:
    """Writes the report, takes the pictures, and says how large they are."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else HOME).absolute()
    uri = f"sqlite:///{home / 'mlflow.db'}"
    with tempfile.TemporaryDirectory() as folder:
        page = report(home, Path(folder))
        text = page.read_text(encoding="utf-8").replace(str(home), "mlruns/demo")
        page.write_text(text, encoding="utf-8")
        EXAMPLE.parent.mkdir(exist_ok=True)
        EXAMPLE.write_text(content(text), encoding="utf-8")
        PICTURES.mkdir(exist_ok=True)
        take(uri, page, Path(folder))
    sizes = {path.name: path.stat().st_size for path in (EXAMPLE, *sorted(PICTURES.glob("*.png")))}
    print(*(f"{name}: {size / 1000:.0f} kB" for name, size in sizes.items()), sep="\n")
    return int(sum(path.stat().st_size for path in PICTURES.glob("*.png")) > MOST_BYTES)


def report(home: Path, folder: Path) -> Path:
    """The page of `joulemark report` over the runs of a home."""
    environment = {**os.environ, "JOULEMARK_HOME": str(home)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-m", "src.report", f"out={folder / 'report'}"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return Path(json.loads(done.stdout.splitlines()[-1])["report"])


def take(uri: str, page: Path, folder: Path) -> None:
    """Pictures of the report's page, and of MLflow's on the task's runs."""
    from playwright.sync_api import sync_playwright

    path = views.save(uri, TASK, views.default(TASK))
    with served(uri, folder) as (address, _), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport=SIZE)
        opened.goto(page.as_uri())
        opened.wait_for_timeout(2000)  # charts are drawn
        saved(opened, "report")
        opened.goto(f"{address}/{path}")
        opened.wait_for_selector(ROW, timeout=120_000)
        for name in ("Close", "Hide banner"):  # of its assistant, and of a view that is not one's own
            for button in opened.get_by_role("button", name=name, exact=True).all():
                button.click()
        opened.wait_for_timeout(3000)  # its columns settle
        saved(opened, "mlflow")
        browser.close()


def saved(page: Any, name: str) -> None:
    """What a browser shows as a PNG of few colours."""
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(page.screenshot())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
