// Verifies a phone certificate with npm @sd-jwt/sd-jwt-vc, and with jose and @sd-jwt/jwt-status-list.
//
// One line of JSON in: the credential, the status list token, both keys as JWK, and the moment in
// seconds. One line out: for each verifier VALID, or the message with which it refuses.
"use strict";

const { createHash } = require("node:crypto");
const readline = require("node:readline");
const { ES256, digest } = require("@sd-jwt/crypto-nodejs");
const { getListFromStatusListJWT } = require("@sd-jwt/jwt-status-list");
const { SDJwtVcInstance } = require("@sd-jwt/sd-jwt-vc");

async function withSdJwtVc({ credential, list, key, now, nonce, holder }) {
  const verifier = await ES256.getVerifier(key);
  const instance = new SDJwtVcInstance({
    verifier,
    statusVerifier: verifier,
    statusListFetcher: async () => list,
    hasher: digest,
    hashAlg: "sha-256",
    ...(holder ? { kbVerifier: await ES256.getVerifier(holder) } : {}),
  });
  const options = { currentDate: now, ...(nonce ? { keyBindingNonce: nonce } : {}) };
  const { payload } = await instance.verify(credential, options);
  return payload;
}

async function withJose({ credential, list, key, now }) {
  const { importJWK, compactVerify, jwtVerify } = await import("jose");
  const imported = await importJWK(key, "ES256");
  const currentDate = new Date(now * 1000);
  const [jwt, ...disclosures] = credential.split("~").slice(0, -1);
  const shown = await jwtVerify(jwt, imported, {
    algorithms: ["ES256"],
    typ: "dc+sd-jwt",
    currentDate,
  });
  const digests = new Set(shown.payload._sd ?? []);
  const claims = { ...shown.payload };
  for (const each of disclosures) {
    const hash = createHash("sha256").update(each, "ascii").digest("base64url");
    if (!digests.delete(hash)) throw new Error("a disclosure was not signed for");
    const [, name, value] = JSON.parse(Buffer.from(each, "base64url").toString());
    claims[name] = value;
  }
  const { idx, uri } = shown.payload.status.status_list;
  await compactVerify(list, imported, { algorithms: ["ES256"] });
  const stated = await jwtVerify(list, imported, {
    algorithms: ["ES256"],
    typ: "statuslist+jwt",
    subject: uri,
    currentDate,
  });
  if (stated.payload.status_list.bits !== 2) throw new Error("not two bits");
  const status = getListFromStatusListJWT(list).getStatus(idx);
  if (status !== 0) throw new Error(`Status is not valid: ${status}`);
  return claims;
}

async function answer(verify, asked) {
  try {
    const claims = await verify(asked);
    return { verdict: "VALID", holder_name: claims.holder_name ?? null, grade: claims.grade };
  } catch (error) {
    return { verdict: "REFUSED", message: String(error.message ?? error) };
  }
}

readline.createInterface({ input: process.stdin }).once("line", async (line) => {
  const asked = JSON.parse(line);
  const found = { vc: await answer(withSdJwtVc, asked), jose: await answer(withJose, asked) };
  console.log(JSON.stringify(found));
  process.exit(0);
});
