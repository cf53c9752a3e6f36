// Checks receipts with sigstore's own verifier: the checkpoint's signature by the log's key and
// the inclusion proof. Reads JSON lines {policy, receipt, entry} of file names, answers JSON lines.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

const modules = path.join(__dirname, "..", "node_modules");
const tlog = path.join(modules, "@sigstore", "verify", "dist", "tlog");
const { verifyCheckpoint } = require(path.join(tlog, "checkpoint.js"));
const { verifyMerkleInclusion } = require(path.join(tlog, "merkle.js"));

// The DER prefix of an Ed25519 public key (RFC 8410).
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex");

function authorities(policy) {
  const lines = fs.readFileSync(policy, "utf8").split("\n");
  return lines
    .filter((line) => line.startsWith("log "))
    .map((line) => {
      const [name, id, material] = line.split(" ")[1].split(/\+(.*?)\+(.*)/s);
      const key = Buffer.from(material, "base64").subarray(1);
      return {
        baseURL: name,
        logID: Buffer.from(id, "hex"),
        publicKey: crypto.createPublicKey({
          key: Buffer.concat([SPKI_ED25519, key]),
          format: "der",
          type: "spki",
        }),
      };
    });
}

function check({ policy, receipt, entry }) {
  const text = fs.readFileSync(receipt, "utf8");
  const split = text.indexOf("\n\n");
  const lines = text.slice(0, split).split("\n").filter((line) => !line.startsWith("extra "));
  const proof = {
    canonicalizedBody: fs.readFileSync(entry),
    inclusionProof: {
      logIndex: lines[1].slice("index ".length),
      hashes: lines.slice(2).map((line) => Buffer.from(line, "base64")),
      checkpoint: { envelope: text.slice(split + 2) },
    },
  };
  const checkpoint = verifyCheckpoint(proof, authorities(policy));
  verifyMerkleInclusion(proof, checkpoint);
  return { ok: true, origin: checkpoint.origin, size: Number(checkpoint.logSize) };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let answer;
  try {
    answer = check(JSON.parse(line));
  } catch (error) {
    answer = { ok: false, error: String(error.message) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
