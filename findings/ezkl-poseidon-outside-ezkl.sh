#!/bin/sh
# EZKL 23.0.5's `poseidon_hash` is no Poseidon that another library gives out of the box.
#
# EZKL's documentation names the hash of hashed inputs "Poseidon" and no parameter of it. What it computes, over BN254's
# scalar field: a sponge of width 2 and rate 1 (circom's and light-poseidon's hash of one element have this width too, and give
# other values), x^5, 8 full and 56 partial rounds, round constants and matrix of Poseidon's own Grain generator. The capacity
# starts at 2^64 whatever the length, so the length is bound by nothing but the number of permutations; nothing is padded; the
# hash is the rate element. Field elements go in and come out as little-endian hex of 64 digits: a number's usual hex is taken
# without a word, as another number.
# With these, a browser or a wallet commits to a model's private input and needs no EZKL: @noble/curves has the permutation.
#
# Needs python3.11, node and npm (20 or newer). Prints what was seen; exit code 0 while it is so, 1 once it changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3.11 -m venv python
python/bin/pip install --quiet --disable-pip-version-check ezkl==23.0.5
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @noble/curves@1.9.7 circomlibjs@0.1.7
cat >ask.py <<'PY'
import json
import ezkl

def little(number):
    return number.to_bytes(32, "little").hex()

rows = [[5], [0], [1, 2], list(range(29)), [2**253 + 1, 7]]
told = [int.from_bytes(bytes.fromhex(ezkl.poseidon_hash([little(one) for one in row])[0]), "little") for row in rows]
usual = int.from_bytes(bytes.fromhex(ezkl.poseidon_hash([(5).to_bytes(32, "big").hex()])[0]), "little")
print(json.dumps({"rows": [[str(one) for one in row] for row in rows], "hashes": [str(one) for one in told], "usual": str(usual)}))
PY
python/bin/python ask.py >told.json
cat >compare.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Field } from "@noble/curves/abstract/modular";
import { grainGenConstants, poseidon } from "@noble/curves/abstract/poseidon";
import { buildPoseidon } from "circomlibjs";

const Fp = Field(21888242871839275222246405745257275088548364400416034343698204186575808495617n);
const parameters = { Fp, t: 2, roundsFull: 8, roundsPartial: 56, sboxPower: 5 };
const permute = poseidon({ ...parameters, ...grainGenConstants(parameters) });
const sponge = (row, capacity) => row.reduce(([rate, kept], one) => permute([Fp.add(rate, one), kept]), [0n, capacity])[0];

const told = JSON.parse(readFileSync("told.json", "utf8"));
const rows = told.rows.map((row) => row.map(BigInt));
const equal = rows.filter((row, place) => sponge(row, 1n << 64n) === BigInt(told.hashes[place])).length;
const byLength = rows.filter((row, place) => sponge(row, BigInt(row.length) << 64n) === BigInt(told.hashes[place])).length;
const circom = await buildPoseidon();
const circoms = BigInt(circom.F.toString(circom([5n])));
console.log(`equal with capacity 2^64: ${equal} of ${rows.length}; with the length times 2^64: ${byLength}`);
console.log(`of the one element 5: EZKL ${told.hashes[0]}`);
console.log(`                    circom ${circoms}`);
console.log(`of the one element 5 in big-endian hex, without a complaint: ${told.usual}`);
const still = equal === rows.length && byLength === 2 && circoms !== BigInt(told.hashes[0]) && told.usual !== told.hashes[0];
process.exit(still ? 0 : 1);
JS
node compare.mjs
# Seen on 2026-11-28:
# equal with capacity 2^64: 5 of 5; with the length times 2^64: 2
# of the one element 5: EZKL 15005036347333085607548224028708913628522744581191515899049102699835181870944
#                     circom 19065150524771031435284970883882288895168425523179566388456001105768498065277
# of the one element 5 in big-endian hex, without a complaint: 9596626780669949518704059351282876775582879344041976399530767975084832620904
