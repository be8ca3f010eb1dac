#!/bin/sh
# EZKL 23.0.5: a circuit cannot hash one input and keep another public, and to name one input for hashing replaces it.
#
# `input_visibility` holds for all inputs of a graph. `hashed/public` hashes every one of them. `hashed/private/1` reads as
# "hash input 1" and is accepted without a word: but the network then computes on the hash instead of the value, and input 0 is
# private, bound by nothing. `hashed/public/1` is refused. So a statement with public features beside private data behind a
# commitment cannot be had from visibilities: it takes two circuits, or every input behind a hash.
#
# Needs python3.11. Prints what was seen; exit code 0 while it is so, 1 once it changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3.11 -m venv python
python/bin/pip install --quiet --disable-pip-version-check ezkl==23.0.5 onnx==1.22.0
cat >ask.py <<'PY'
import json
import sys

import ezkl
import onnx
from onnx import TensorProto, helper

ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617


def tensor(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1])


def number(text):
    return int.from_bytes(bytes.fromhex(text), "little")


graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["sum"])], "adds", [tensor("a"), tensor("b")], [tensor("sum")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
model.ir_version = 8
onnx.save(model, "adds.onnx")
[digest] = ezkl.poseidon_hash([(10).to_bytes(32, "little").hex()])
known = {11: "1 + 10", (1 + number(digest)) % ORDER: "1 + hash of 10"}
seen = []
for visibility in ("hashed/public", "hashed/private/1", "hashed/public/1"):
    arguments = ezkl.PyRunArgs()
    try:
        arguments.input_visibility = visibility
        arguments.output_visibility, arguments.param_visibility = "public", "fixed"
        arguments.input_scale = arguments.param_scale = 0
        arguments.logrows, arguments.ignore_range_check_inputs_outputs = 12, True
        ezkl.gen_settings("adds.onnx", "settings.json", py_run_args=arguments)
        ezkl.compile_circuit("adds.onnx", "circuit", "settings.json")
        with open("input.json", "w") as file:
            json.dump({"input_data": [[1], [10]]}, file)
        ezkl.gen_witness("input.json", "circuit", "witness.json")
        with open("witness.json") as file:
            total = number(json.load(file)["outputs"][0][0])
        seen.append(known.get(total, str(total)))
    except (TypeError, ValueError, RuntimeError) as error:
        seen.append(f"refused: {error}")
    print(f"inputs 1 and 10, visibility {visibility}: the sum is {seen[-1]}")
sys.exit(0 if seen == ["1 + 10", "1 + hash of 10", "refused: Invalid value for Visibility"] else 1)
PY
python/bin/python ask.py 2>/dev/null
# Seen on 2026-11-28:
# inputs 1 and 10, visibility hashed/public: the sum is 1 + 10
# inputs 1 and 10, visibility hashed/private/1: the sum is 1 + hash of 10
# inputs 1 and 10, visibility hashed/public/1: the sum is refused: Invalid value for Visibility
