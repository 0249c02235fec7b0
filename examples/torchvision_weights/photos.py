"""The data set that pytest.ini names: photographs of some of ImageNet's 1,000 classes, one folder per class."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from torchvision.models import ResNet18_Weights

FOLDER = Path(__file__).with_name("data")
CLASSES = tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


class Photos:
    """A map-style data set of `(image, label)`: a Pillow image, and the class's number among the 1,000."""

    classes = CLASSES

    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        file = self.files[index]
        with Image.open(file) as image:
            return image.convert("RGB"), CLASSES.index(file.parent.name)


def test_set() -> Photos:
    """Return every image of `data/CLASS/`; CLASS is a name in torchvision's spelling, as in `golden retriever`.

    Raises:
        FileNotFoundError: there is no image.
    """
    files = sorted(file for file in FOLDER.glob("*/*") if file.is_file())
    if not files:
        raise FileNotFoundError(f"{FOLDER}: no images; put photographs there as data/golden retriever/1.jpg")
    return Photos(files)
