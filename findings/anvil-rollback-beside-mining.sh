#!/bin/sh
# anvil 1.7.1 (npm @foundry-rs/anvil): `anvil_rollback` does not wait for the block that is being mined.
#
# A rollback takes the newest N blocks away. Where a block is mined at the same moment (interval mining, or another
# client's `anvil_mine`), that block may still be put on top of the old branch: the head's number stays high, and the
# numbers of the blocks that were taken away have no block for good. `eth_getBlockByNumber` answers null for numbers below the
# head, and `eth_getLogs` over them leaves out their logs without an error: whoever tests an indexer or an oracle against
# reorganisations sees requests "lost" that no program lost.
# What helps: stop mining (`evm_setIntervalMining` 0), mine one block, roll back, and start mining again.
#
# Needs node and npm (20 or newer) on a Linux machine. Prints what was seen; exit code 0 while it is so, 1 once it changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @foundry-rs/anvil@1.7.1
cat >look.mjs <<'JS'
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const [platform] = readdirSync("node_modules/@foundry-rs").filter((name) => name.startsWith("anvil-"));
const anvil = spawn(`node_modules/@foundry-rs/${platform}/bin/anvil`, ["--quiet", "--port", `${port}`]);
const rpc = async (method, ...params) => {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const headers = { "content-type": "application/json" };
  const answer = await (await fetch(`http://127.0.0.1:${port}`, { method: "POST", headers, body })).json();
  if (answer.error) throw new Error(JSON.stringify(answer.error));
  return answer.result;
};
const hex = (number) => `0x${number.toString(16)}`;
const head = async () => Number(await rpc("eth_blockNumber"));
const missing = async (first, last) => {
  const found = [];
  for (let number = first; number <= last; number++)
    if ((await rpc("eth_getBlockByNumber", hex(number), false)) === null) found.push(number);
  return found;
};

try {
  for (let tries = 0; ; tries++) {
    try {
      console.log(await rpc("web3_clientVersion"));
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(100);
    }
  }
  // First the same with nobody mining: no number is without its block.
  await rpc("anvil_mine", hex(60));
  for (let round = 0; round < 20; round++) {
    await rpc("anvil_rollback", 6);
    await rpc("anvil_mine", hex(7));
  }
  const alone = await missing(1, await head());
  console.log(`20 rollbacks while nothing is mined: ${alone.length} numbers without a block`);

  let mining = true;
  const miner = (async () => {
    while (mining) await rpc("anvil_mine", "0x1");
  })();
  let gone = [];
  let rounds = 0;
  while (gone.length === 0 && rounds < 400) {
    await sleep(40);
    const top = await head();
    if (top < 40) continue;
    rounds++;
    await rpc("anvil_rollback", 6);
    gone = await missing(Math.max(1, top - 40), await head());
  }
  mining = false;
  await miner;
  const now = await head();
  const still = gone.length ? await missing(gone[0], gone[gone.length - 1]) : [];
  console.log(`rollbacks beside mining until it was seen: ${rounds}; head ${now}; without a block: ${still.join(" ")}`);
  process.exitCode = alone.length === 0 && still.length > 0 ? 0 : 1;
  console.log(process.exitCode ? "changed: no longer so" : "still so");
} finally {
  anvil.kill();
}
JS
node look.mjs
