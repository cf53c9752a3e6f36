// Checks receipts, verdict files and statement files with sigstore's own verifier, and alters them
// byte by byte to see that none is taken.
//
//   node evidence.js POLICIES < cases
//
// POLICIES is a directory of tlog-policy files. Reads JSON lines {file, entry, stride}: entry is
// that of a bare tlog-proof, or empty; every so many bytes are altered, 0 for none. Answers JSON
// lines {ok, error, altered, accepted}. @sigstore/verify checks checkpoints and inclusion; what it
// has no notion of (cosignatures with a time, one spelling for one value) is checked here.
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
const MASKS = [0x01, 0x02, 0x20, 0x80];
const FORMAT = "deltacare/evidence/v1";

function need(holds, message) {
  if (!holds) throw new Error(message);
}

function fromBase64(text) {
  const data = Buffer.from(text, "base64");
  need(data.toString("base64") === text, "base64 in another spelling");
  return data;
}

// Policies.

function readKey(vkey) {
  const [name, id, material] = vkey.split(/\+(.*?)\+(.*)/s);
  const raw = Buffer.from(material, "base64");
  const publicKey = crypto.createPublicKey({
    key: Buffer.concat([SPKI_ED25519, raw.subarray(1)]),
    format: "der",
    type: "spki",
  });
  return { name, id, baseURL: name, logID: Buffer.from(id, "hex"), publicKey };
}

function readPolicies(directory) {
  const trust = { logs: [], witnesses: new Map(), policies: new Map() };
  for (const file of fs.readdirSync(directory, { recursive: true }).sort()) {
    if (!file.endsWith(".txt")) continue;
    const policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: "" };
    for (const line of fs.readFileSync(path.join(directory, file), "utf8").split("\n")) {
      const [word, ...rest] = line.split(" ");
      if (word === "log") policy.logs.push(readKey(rest[0]));
      if (word === "witness") policy.witnesses.set(rest[0], readKey(rest[1]));
      if (word === "group") policy.groups.set(rest[0], rest.slice(1));
      if (word === "quorum") policy.quorum = rest[0];
    }
    for (const key of policy.logs) {
      trust.logs.push(key);
      trust.policies.set(key.name, policy);
    }
    for (const key of policy.witnesses.values()) {
      trust.witnesses.set(`${key.name} ${key.id}`, key);
    }
  }
  return trust;
}

function met(policy, name, signed) {
  if (name === "none") return true;
  const witness = policy.witnesses.get(name);
  if (witness) return signed.has(`${witness.name} ${witness.id}`);
  const [threshold, ...members] = policy.groups.get(name);
  const count = members.filter((member) => met(policy, member, signed)).length;
  if (threshold === "any") return count >= 1;
  return count >= (threshold === "all" ? members.length : Number(threshold));
}

// Notes.

// Returns the text of a note whose every line is by a known key, and the witnesses among them.
function open(trust, envelope) {
  const split = envelope.lastIndexOf("\n\n");
  need(split > 0, "not a note");
  const text = envelope.slice(0, split + 1);
  const name = text.slice(0, text.indexOf("\n"));
  const rows = envelope.slice(split + 2).split("\n");
  need(rows.pop() === "" && rows.length > 0 && rows.length <= 100, "lines of signatures");
  const signed = new Set();
  let own = false;
  for (const row of rows) {
    const parts = row.split(" ");
    need(parts.length === 3 && parts[0] === "\u2014", "a line of a signature");
    const data = fromBase64(parts[2]);
    const id = data.subarray(0, 4).toString("hex");
    const body = data.subarray(4);
    const log = trust.logs.find((key) => key.name === parts[1] && key.id === id);
    const witness = trust.witnesses.get(`${parts[1]} ${id}`);
    if (log && log.name === name) {
      need(crypto.verify(null, Buffer.from(text), log.publicKey, body), "signature");
      own = true;
    } else if (witness) {
      need(body.length === 72, "a cosignature is a time and a signature");
      const message = `cosignature/v1\ntime ${body.readBigUInt64BE()}\n${text}`;
      const holds = crypto.verify(null, Buffer.from(message), witness.publicKey, body.subarray(8));
      need(holds, "cosignature");
      signed.add(`${parts[1]} ${id}`);
    } else {
      throw new Error("a line by a key that is not known");
    }
  }
  need(own, `not signed by ${name}`);
  return { text, name, signed };
}

function checkpoint(trust, envelope) {
  const { text, name, signed } = open(trust, envelope);
  const found = verifyCheckpoint({ inclusionProof: { checkpoint: { envelope } } }, trust.logs);
  need(found.origin === name && text.split("\n").length === 4, "a checkpoint has three lines");
  need(`${name}\n${found.logSize}\n${found.logHash.toString("base64")}\n` === text, "spelling");
  const policy = trust.policies.get(name);
  need(met(policy, policy.quorum, signed), `too few cosignatures on ${name}`);
  return found;
}

// Receipts.

function checkReceipt(trust, text, entry) {
  const split = text.indexOf("\n\n");
  need(split > 0, "not a tlog-proof");
  const [head, index, ...rows] = text.slice(0, split).split("\n");
  need(head === "c2sp.org/tlog-proof@v1", "not a tlog-proof");
  need(/^index (0|[1-9][0-9]*)$/.test(index), "index");
  const logIndex = index.slice("index ".length);
  const hashes = rows.map(fromBase64);
  const envelope = text.slice(split + 2);
  const found = checkpoint(trust, envelope);
  const inclusionProof = { logIndex, hashes, checkpoint: { envelope } };
  verifyMerkleInclusion({ canonicalizedBody: entry, inclusionProof }, found);
  const leaf = crypto.createHash("sha256").update(Buffer.from([0])).update(entry).digest("hex");
  return { found, index: logIndex, leaf };
}

// Evidence files.

function checkFile(trust, bytes) {
  const text = bytes.toString("utf8");
  need(Buffer.from(text).equals(bytes), "not UTF-8");
  const file = JSON.parse(text);
  need(`${JSON.stringify(file)}\n` === text, "the file is spelled in another way");
  const fields = file.kind === "verdict" ? "checkpoints,format,kind,note,receipts" : "format,kind,receipts";
  need(file.format === FORMAT && Object.keys(file).join() === fields, "not an evidence file");
  need(["receipt", "verdict", "statement"].includes(file.kind), "kind");
  const receipts = () =>
    file.receipts.map((row) => {
      need(Object.keys(row).join() === "entry,proof", "a receipt has two fields");
      return checkReceipt(trust, row.proof, fromBase64(row.entry));
    });
  if (file.kind !== "verdict") return receipts();
  // 1. The node signed it.
  const note = open(trust, file.note);
  const lines = note.text.split("\n");
  need(lines.length === 4 && lines[1] === "deltacare/verdict/v1", "not a verdict");
  const verdict = JSON.parse(lines[2]);
  // 2. The checkpoints are those it names.
  const named = verdict.logs.filter((log) => log.checkpoint !== null);
  need(named.length === file.checkpoints.length, "more or fewer checkpoints than it names");
  named.forEach((log, i) => {
    const found = checkpoint(trust, file.checkpoints[i]);
    const same =
      found.origin === log.log &&
      Number(found.logSize) === log.checkpoint.size &&
      found.logHash.toString("hex") === log.checkpoint.root;
    need(same, "another checkpoint than it names");
  });
  // 3. The receipts are those of the entries it names.
  const proved = receipts();
  need(proved.length === verdict.said.length, "more or fewer receipts than it names");
  verdict.said.forEach((said, i) => {
    const one = proved[i];
    const same =
      one.found.origin === said.log && Number(one.index) === said.index && one.leaf === said.leaf;
    need(same, "another entry than it names");
  });
  return proved;
}

function* altered(data, stride) {
  const changed = Buffer.from(data);
  for (let i = 0; i < data.length; i += stride) {
    for (const mask of MASKS) {
      changed[i] = data[i] ^ mask;
      yield changed;
    }
    changed[i] = data[i];
  }
}

function check(trust, data, entry) {
  try {
    if (entry === null) {
      checkFile(trust, data);
    } else {
      const text = data.toString("utf8");
      need(Buffer.from(text).equals(data), "not UTF-8");
      checkReceipt(trust, text, entry);
    }
    return "";
  } catch (error) {
    return String(error.message) || "refused";
  }
}

function run(trust, { file, entry: name, stride }) {
  const data = fs.readFileSync(file);
  const entry = name ? fs.readFileSync(name) : null;
  const error = check(trust, data, entry);
  const answer = { ok: error === "", error, altered: 0, accepted: 0 };
  const count = (said) => {
    answer.altered += 1;
    answer.accepted += said === "" ? 1 : 0;
  };
  if (stride) {
    for (const changed of altered(data, stride)) count(check(trust, changed, entry));
    if (entry) for (const changed of altered(entry, 1)) count(check(trust, data, changed));
  }
  return answer;
}

const trust = readPolicies(process.argv[2]);
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(run(trust, JSON.parse(line)))}\n`);
});
