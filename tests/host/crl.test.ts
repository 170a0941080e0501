// The list of revoked certificates: without it, or with a broken one, etcd refuses every client.
import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { crlOf } from "../../cluster/crl.ts";
import { certificates, hostWith, pki, preparedHost, runningHost } from "./certificates.ts";
import { ETCD_ID, type Host, permissions } from "./host.ts";
import { isRefused, UNIT } from "./member.ts";
import type { Pki } from "./pki.ts";
import { roll, rollingCluster } from "./rolling.ts";

const LIST = "etc/etcd/pki/client.crl";
const one = crlOf(["170141183460469231731687303715884105727"]);
const two = crlOf(["1", "170141183460469231731687303715884105727"]);

/** The set with this list, as the step sends it. */
function withList(list: Buffer): Partial<Pki> {
  return { ...pki, ...{ "client.crl": `${list.toString("base64").replace(/.{64}/g, "$&\n")}\n` } };
}

const listOf = (host: Host) => fs.readFileSync(host.file(LIST));
const flagOn = (host: Host) => `  --client-crl-file=${host.paths.ETC_DIR}/pki/client.crl \\\n`;

test("the list comes with the certificates, in DER, and is declared like them", async (t) => {
  const host = preparedHost(t);
  const { code, stderr } = await certificates(host, withList(one));
  assert.equal(code, 0, stderr);
  assert.deepEqual(listOf(host), one);
  assert.equal(permissions(host.file(LIST)), `644 0:${ETCD_ID}`);
  assert.match(host.read("var/lib/etcd-host/declared-certificates"), /\/client\.crl\n/);
});

test("another entry alone is another set, swapped whole; the same again changes nothing", async (t) => {
  const host = preparedHost(t);
  await certificates(host, withList(one));
  const set = fs.readlinkSync(host.file("etc/etcd/pki"));
  assert.match((await certificates(host, withList(two))).stdout, /^wrote the certificates/);
  assert.deepEqual(listOf(host), two);
  assert.notEqual(fs.readlinkSync(host.file("etc/etcd/pki")), set);
  const before = host.snapshot();
  assert.equal((await certificates(host, withList(two))).stdout, "the certificates are in place\n");
  assert.deepEqual(host.snapshot(), before);
});

test("a list that etcd could not read never gets beside it", async (t) => {
  const host = hostWith(t, pki);
  const before = host.snapshot();
  for (const broken of [one.subarray(0, -1), Buffer.from("no list"), Buffer.alloc(0)]) {
    const { code, stderr } = await certificates(host, withList(broken));
    assert.equal(code, 3, stderr);
    assert.match(stderr, /the list of revoked certificates cannot be read, .* the host keeps what it has\n$/);
    assert.deepEqual(host.snapshot(), before);
  }
});

for (const where of ["run/etcd-host/started/unit", "etc/systemd/system/etcd.service"])
  test(`a list that ${where} names stays until nothing names it`, async (t) => {
    const host = runningHost(t, pki);
    await certificates(host, withList(one));
    host.write(where, `ExecStart=etcd \\\n${flagOn(host)}`);
    assert.equal((await certificates(host, pki)).code, 0);
    assert.deepEqual(listOf(host), one);
    host.write(where, "ExecStart=etcd\n");
    assert.equal((await certificates(host, pki)).code, 0);
    assert.equal(host.exists(LIST), false);
  });

/** A running member, and the step that gives it the flag. */
async function flagged(t: TestContext) {
  const { host } = await rollingCluster(t);
  const unit = UNIT.replace(
    /^ExecStart=.*\n/m,
    (line) => `${line.replace(/( \\)?\n$/, " \\\n")}${flagOn(host)}`,
  );
  return {
    host,
    step: () => roll(host, {}, { unit: unit.includes(flagOn(host)) ? unit : `${unit}${flagOn(host)}` }),
  };
}

test("a member is not started with the flag before its list is there", async (t) => {
  const { host, step } = await flagged(t);
  const sentence =
    /refused: the list of revoked certificates is not on this host, or cannot be read, .* raise checkId/;
  await isRefused(host, step, sentence);
  fs.writeFileSync(host.file(LIST), "broken");
  await isRefused(host, step, sentence);
  fs.writeFileSync(host.file(LIST), one);
  assert.match((await step()).stderr, /^etcd-host: restarted node1/);
});
