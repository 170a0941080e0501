import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { AsnConvert } from "@peculiar/asn1-schema";
import { CertificateList, Version } from "@peculiar/asn1-x509";
import { crlOf } from "../../cluster/crl.ts";

const parsed = (serials: readonly string[]) => AsnConvert.parse(crlOf(serials), CertificateList).tbsCertList;

function serialsIn(serials: readonly string[]): readonly string[] {
  const { revokedCertificates = [] } = parsed(serials);
  return revokedCertificates.map(({ userCertificate }) =>
    BigInt(`0x${Buffer.from(userCertificate).toString("hex")}`).toString(),
  );
}

test("a list has the serials by their size, each once, and nothing that differs from run to run", () => {
  const largest = (2n ** 128n - 1n).toString();
  assert.deepEqual(serialsIn(["300", largest, "5", "128", "5"]), ["5", "128", "300", largest]);
  assert.deepEqual(crlOf(["2", "1"]), crlOf(["1", "2"]));
  assert.equal(parsed(["1"]).version, Version.v2);
});

test("a list of none has no entries, since an empty one is not valid", () => {
  assert.equal(parsed([]).revokedCertificates, undefined);
});

test("hundreds are as good as one", () => {
  const many = Array.from({ length: 700 }, (_, index) => (2n ** 120n + BigInt(index)).toString());
  assert.deepEqual(serialsIn(many), many);
});

test("openssl reads it as the hosts do", () => {
  for (const serials of [[], ["255", "4096"]]) {
    const said = execFileSync("openssl", ["crl", "-inform", "DER", "-noout", "-text"], {
      input: crlOf(serials),
      stdio: "pipe",
    }).toString();
    assert.match(said, /Version 2/);
    assert.equal([...said.matchAll(/Serial Number: /g)].length, serials.length);
  }
});
