// Runs tuf-js as its users do: refreshes metadata from a repository and downloads targets.
//
// Reads one JSON object a line: {"state": directory with root.json, "base": URL, "targets": [path]}.
// Writes one a line: {"ok": true, "root", "timestamp", "snapshot", "targets": {path: base64}} or
// {"ok": false, "error": name, "message"}.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { Updater } = require("tuf-js");

async function refresh({ state, base, targets }) {
  const updater = new Updater({
    metadataDir: state,
    metadataBaseUrl: base,
    targetDir: state,
    targetBaseUrl: `${base}/targets`,
    config: { fetchRetries: 0 },
  });
  await updater.refresh();
  const found = {};
  for (const name of targets) {
    const info = await updater.getTargetInfo(name);
    if (!info) throw new Error(`no target ${name}`);
    const file = path.join(state, "target");
    await updater.downloadTarget(info, file);
    found[name] = fs.readFileSync(file).toString("base64");
  }
  const version = (role) =>
    JSON.parse(fs.readFileSync(path.join(state, `${role}.json`), "utf8")).signed.version;
  return {
    ok: true,
    root: version("root"),
    timestamp: version("timestamp"),
    snapshot: version("snapshot"),
    targets: found,
  };
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await refresh(JSON.parse(line));
    } catch (error) {
      answer = { ok: false, error: error.constructor.name, message: String(error.message) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

main();
