// A province's system in JavaScript: made from the .proto files alone, over mutual TLS.
// Reads what to do from standard input as JSON and prints what came back as JSON.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const task = JSON.parse(fs.readFileSync(0, "utf8"));

const definition = loader.loadSync(
  ["certification", "settlement", "clearing"].map((name) =>
    path.join(task.proto, "deltacare", "v1", `${name}_service.proto`),
  ),
  {
    includeDirs: [task.proto, task.common],
    keepCase: true,
    longs: String,
    enums: String,
    bytes: String,
    defaults: true,
  },
);
const api = grpc.loadPackageDefinition(definition).deltacare.v1;
const credentials = grpc.credentials.createSsl(
  fs.readFileSync(task.ca),
  // Encrypted PKCS#8, as `deltacare node client --pkcs8` writes it.
  Buffer.from(
    crypto
      .createPrivateKey({ key: task.key, passphrase: task.passphrase })
      .export({ type: "pkcs8", format: "pem" }),
  ),
  fs.readFileSync(task.certificate),
);
const open = (service) => new api[service](task.endpoint, credentials);
const deadline = () => ({ deadline: Date.now() + 20_000 });

const unary = (client, method, request) =>
  new Promise((resolve, reject) => {
    client[method](request, deadline(), (error, response) =>
      error ? reject(error) : resolve(response),
    );
  });

const file = (client, batches) =>
  new Promise((resolve, reject) => {
    const answers = [];
    const stream = client.FileRecords(deadline());
    stream.on("data", (answer) => answers.push(answer));
    stream.on("error", reject);
    stream.on("end", () => resolve(answers));
    for (const batch of batches) stream.write(batch);
    stream.end();
  });

const main = async () => {
  const certification = open("CertificationService");
  const settlement = open("SettlementService");
  const clearing = open("ClearingService");
  const result = {
    check: await unary(certification, "CheckCertification", task.check),
    filed: await file(settlement, task.batches),
    statement: await unary(clearing, "GetStatement", { name: task.statement }),
  };
  try {
    await unary(settlement, "CloseDay", { request_id: "no", business_date: "2026-13-01" });
  } catch (error) {
    result.refused = { code: error.code, details: error.details };
  }
  process.stdout.write(JSON.stringify(result));
  for (const client of [certification, settlement, clearing]) client.close();
};

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
