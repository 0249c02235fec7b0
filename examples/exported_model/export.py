"""Write a checkpoint of the digits network as TorchScript, as ONNX, and as ONNX with int8 weights.

The ONNX files need `pip install onnx onnxruntime`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import nn

DIGITS = Path(__file__).resolve().parents[1] / "digits"
IMAGES = torch.zeros(2, 1, 32, 32)


def main() -> None:
    """Write digits.pt, digits.onnx and digits_int8.onnx into a folder, by default `exported` beside this file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--checkpoint", type=Path, default=DIGITS / "digits.pth")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("exported"), help="a folder")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    network = load(given.checkpoint)
    torch.jit.trace(network, IMAGES).save(given.out / "digits.pt")  # type: ignore[no-untyped-call]  # of torch
    write_onnx(network, given.out / "digits.onnx")
    quantise(given.out / "digits.onnx", given.out / "digits_int8.onnx")
    print("wrote", *sorted(path.name for path in given.out.iterdir()), "to", given.out)


def load(checkpoint: Path) -> nn.Module:
    """Return the trained network in eval mode, so that batch norms and dropout are not exported as in training."""
    sys.path.append(str(DIGITS))
    import digits

    network = digits.network()
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    return network.eval()


def write_onnx(network: nn.Module, path: Path) -> None:
    """Write an ONNX file with a free number of images; all other axes are fixed."""
    torch.onnx.export(
        network, (IMAGES,), str(path), dynamo=False, input_names=["images"], dynamic_axes={"images": {0: "batch"}}
    )


def quantise(source: Path, path: Path) -> None:
    """Write an ONNX file with weights in 8 bits; activations are quantised dynamically in each batch."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, path, weight_type=QuantType.QUInt8)


if __name__ == "__main__":
    main()
