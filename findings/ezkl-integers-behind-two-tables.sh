#!/bin/sh
# EZKL 23.0.5: a network of exact integers with depth, from two lookup tables that `Pow` makes at a scale that is only kept in books.
#
# Inputs are given as field elements, so `input_scale` multiplies nothing; weights have `param_scale` 0 and stay integers; an added
# constant b / 2^scale is quantised at its partner's scale, so it is the integer b. Then x^a is 2^(scale (1 - a)) x^a of the
# integers, 0 below 0: with the float32 next to 1 the identity from 0 on, exactly (with 1 itself the library drops the operation,
# and the range check with it), with 1.0755 at scale 100 a ReLU that divides by about 90. One lookup is activation,
# rescaling and range check, one assignment instead of about twenty for a ReLU by decomposition.
# And: the zeros of a weight matrix are assigned like any other weight, so a block matrix costs as much as a full one.
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
import math
import struct
import sys

import ezkl
import onnx
from onnx import TensorProto, helper

SCALE, WIDTH = 100, 16
(SHRINK,) = struct.unpack("f", struct.pack("f", 1.0755))


def constant(name, values, shape):
    return helper.make_tensor(name, TensorProto.FLOAT, shape, values)


def build(weights):
    nodes = [
        helper.make_node("Pow", ["x", "nearly_one"], ["clipped"]),
        helper.make_node("MatMul", ["clipped", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["sum"]),
        helper.make_node("Pow", ["sum", "shrink"], ["y"]),
    ]
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, WIDTH]) for name in ("x", "y")]
    constants = [
        constant("nearly_one", [1 + 2.0**-23], []),
        constant("shrink", [SHRINK], []),
        constant("weights", weights, [WIDTH, WIDTH]),
        constant("bias", [-321 / 2.0**SCALE] * WIDTH, [WIDTH]),
    ]
    graph = helper.make_graph(nodes, "tables", shapes[:1], shapes[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, "model.onnx")
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility, arguments.output_visibility, arguments.param_visibility = "private", "public", "fixed"
    arguments.input_scale, arguments.param_scale, arguments.logrows = SCALE, 0, 15
    arguments.lookup_range, arguments.scale_rebase_multiplier = (-16380, 16379), 10
    arguments.decomp_base, arguments.decomp_legs = 1024, 2
    arguments.ignore_range_check_inputs_outputs = True
    ezkl.gen_settings("model.onnx", "settings.json", py_run_args=arguments)
    with open("settings.json") as file:
        return json.load(file)


full = build([float((place * 7) % 9 - 4) for place in range(WIDTH * WIDTH)])
ezkl.compile_circuit("model.onnx", "circuit", "settings.json")
given = [0, 1, 2, 3, 500, 1024, 777, 64, 13, 1023, 9, 1000, 250, 31, 4, 600]
with open("input.json", "w") as file:
    json.dump({"input_data": [[value.to_bytes(32, "little").hex() for value in given]]}, file)
ezkl.gen_witness("input.json", "circuit", "witness.json")
with open("witness.json") as file:
    found = [int.from_bytes(bytes.fromhex(cell), "little") for cell in json.load(file)["outputs"][0]]
sums = [sum(x * ((row * WIDTH + unit) * 7 % 9 - 4) for row, x in enumerate(given)) - 321 for unit in range(WIDTH)]
expected = [math.floor(2.0**SCALE * math.pow(max(value, 0) / 2.0**SCALE, SHRINK) + 0.5) for value in sums]
diagonal = build([float(row == unit) for row in range(WIDTH) for unit in range(WIDTH)])
print("sums", sums)
print("the circuit", found)
print("the integers", expected)
print("rows with every weight, with a diagonal:", full["num_rows"], diagonal["num_rows"])
same = found == expected and not full["required_range_checks"]
sys.exit(0 if same and full["num_rows"] == diagonal["num_rows"] else 1)
PY
python/bin/python ask.py
