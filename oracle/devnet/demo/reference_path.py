"""The reference lender's whole way in one script, in order: from training to a verified proof of one borrower's score.

It is what this project does not do: one server sees every income, and nothing binds the proof to a wallet. The table is
drawn here, so the script shows the steps and what each takes, not how good a model is.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import ezkl
import torch
from torch import Tensor, nn

from oracle.processes import ProgramError
from oracle.proving.library_home import ensure_home

_FIELDS: Final = ("income", "age", "years employed", "open accounts", "late payments", "utilisation")
_CLASSES: Final = ("low", "average", "high")
_ROWS, _TEST_ROWS, _STEPS = 4_000, 1_000, 300
_SCALE: Final = 7
_ARGUMENTS: Final = {
    "input_visibility": "hashed",
    "output_visibility": "public",
    "param_visibility": "fixed",
    # Not the library's default; with it a product is not bound to what follows from it.
    "disable_freivalds": True,
    # The library's own base makes thirty-two thousand rows of any net, however small.
    "decomp_base": 1024,
    "decomp_legs": 3,
    "logrows": 11,
}

Say = Callable[[str], None]


def reference_path(folder: Path, say: Say) -> None:
    """Go the whole way below a folder; raises ProgramError when a step fails."""
    ensure_home()
    torch.manual_seed(7)
    torch.set_num_threads(1)
    way = _Way(folder, say)
    net, borrower = way.train()
    way.export(net, borrower)
    way.set_up()
    way.prove()


class _Way:
    def __init__(self, folder: Path, say: Say) -> None:
        self._say = say
        self._file: dict[str, str] = {
            name: str(folder / f"{name}.{kind}")
            for name, kind in (
                ("net", "onnx"), ("input", "json"), ("calibration", "json"), ("settings", "json"), ("circuit", "ezkl"),
                ("srs", "key"), ("vk", "key"), ("pk", "key"), ("witness", "json"), ("proof", "json"),
            )
        }  # fmt: skip

    def train(self) -> tuple[nn.Module, Tensor]:
        """Train three layers on a drawn table; return them with a borrower that they have not seen."""
        with self._step("train") as told:
            table = torch.rand(_ROWS + _TEST_ROWS, len(_FIELDS))
            worth = table @ torch.tensor([2.0, 0.3, 1.0, 0.4, -2.0, -1.0]) + 0.1 * torch.randn(len(table))
            classes = torch.bucketize(worth, worth.quantile(torch.tensor([1 / 3, 2 / 3])))
            net = nn.Sequential(
                nn.Linear(len(_FIELDS), 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, len(_CLASSES))
            )
            optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
            for _ in range(_STEPS):
                optimiser.zero_grad()
                nn.functional.cross_entropy(net(table[:_ROWS]), classes[:_ROWS]).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            right = (net(table[_ROWS:]).argmax(1) == classes[_ROWS:]).float().mean().item()
            told(f"{_ROWS:,} drawn rows, {right:.1%} of {_TEST_ROWS:,} others right")
        Path(self._file["calibration"]).write_text(json.dumps({"input_data": [table[:200].flatten().tolist()]}))
        return net, table[_ROWS : _ROWS + 1]

    def export(self, net: nn.Module, borrower: Tensor) -> None:
        """Write the graph, and the borrower's data in the clear, as the server there has them."""
        with self._step("ONNX") as told:
            torch.onnx.export(
                net,
                (borrower,),
                self._file["net"],
                input_names=["input"],
                output_names=["output"],
                opset_version=18,
                dynamo=False,
            )
            Path(self._file["input"]).write_text(json.dumps({"input_data": [borrower.flatten().tolist()]}))
            told(f"{Path(self._file['net']).stat().st_size:,} bytes")

    def set_up(self) -> None:
        """Fix the circuit and make its keys."""
        arguments = ezkl.PyRunArgs()
        for name, value in _ARGUMENTS.items():
            setattr(arguments, name, value)
        file = self._file
        with self._step("settings"):
            _done(ezkl.gen_settings(file["net"], file["settings"], py_run_args=arguments))
        with self._step("calibration") as told:
            rows, net, written = file["calibration"], file["net"], file["settings"]
            _done(ezkl.calibrate_settings(rows, net, written, "resources", scales=[_SCALE]))  # type: ignore[call-arg] # stub
            settings = json.loads(Path(file["settings"]).read_text())
            logrows = int(settings["run_args"]["logrows"])
            told(f"2^{logrows} rows, {settings['num_rows']:,} of them used")
        with self._step("compile"):
            _done(ezkl.compile_circuit(file["net"], file["circuit"], file["settings"]))
        with self._step("setup") as told:
            ezkl.gen_srs(file["srs"], logrows)
            _done(ezkl.setup(file["circuit"], file["vk"], file["pk"], file["srs"]))  # type: ignore[call-arg]
            told(f"a key of {Path(file['pk']).stat().st_size / 1e6:.0f} MB, of a reference string for development")

    def prove(self) -> None:
        """Prove the borrower's score and check the proof."""
        file = self._file
        with self._step("witness") as told:
            ezkl.gen_witness(  # type: ignore[call-arg] # stub without defaults
                file["input"], file["circuit"], file["witness"]
            )
            outputs = json.loads(Path(file["witness"]).read_text())["pretty_elements"]["rescaled_outputs"][0]
            told(
                f"this borrower is of the class {_CLASSES[max(range(len(outputs)), key=lambda at: float(outputs[at]))]}"
            )
        with self._step("proof") as told:
            proof = ezkl.prove(file["witness"], file["circuit"], file["pk"], file["proof"], file["srs"])
            told(f"{len(proof['proof']):,} bytes" if isinstance(proof["proof"], list) else "made")
        with self._step("verification") as told:
            _done(ezkl.verify(file["proof"], file["settings"], file["vk"], file["srs"]))  # type: ignore[call-arg] # stub without defaults
            told("it holds: some data give this class, but whose, nothing says")

    @contextmanager
    def _step(self, name: str) -> Iterator[Say]:
        said: list[str] = []
        began = time.perf_counter()
        try:
            yield said.append
        except RuntimeError as error:
            raise ProgramError(f"{name}: EZKL refused it: {error}") from error
        self._say(f"{name:13}{time.perf_counter() - began:5.1f} s  {'; '.join(said)}".rstrip())


def _done(succeeded: object) -> None:
    if not succeeded:
        raise RuntimeError("the step said that it failed")


def main() -> None:
    """Go the way in a temporary folder."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reference_path(Path(folder), print)


if __name__ == "__main__":
    main()
