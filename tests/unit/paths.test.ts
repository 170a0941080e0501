import assert from "node:assert/strict";
import { test } from "node:test";
import { CLIENT_PORT, PEER_PORT } from "../../etcd/ports.ts";
import {
  BOOTSTRAP_FILE,
  BOOTSTRAP_PERMIT,
  ETC_DIR,
  OPT_DIR,
  PKI_DIR,
  PROGRAM,
  RUN_DIR,
  UNIT_DIR,
  UNIT_FILE,
} from "../../host/paths.ts";
import { hostProgram } from "../../host/program.ts";

/** What `etcd-host` assigns at the beginning of a line, and nowhere again. */
const assigned = new Map<string, string>();
for (const [, name = "", value = ""] of hostProgram().matchAll(/^([A-Z_]+)=(\S+)$/gm)) {
  assigned.set(
    name,
    value.replace(/\$([A-Z_]+)/g, (_, other: string) => assigned.get(other) ?? ""),
  );
}

const both = { PROGRAM, RUN_DIR, ETC_DIR, OPT_DIR, UNIT_DIR, UNIT_FILE, CLIENT_PORT, PEER_PORT };

for (const [name, value] of Object.entries(both)) {
  test(`${name} is the same on the host and here`, () => {
    assert.equal(assigned.get(name), String(value));
  });
}

test("the certificates and the bootstrap settings are where the host writes them", () => {
  for (const [path, name] of [
    [PKI_DIR, "pki"],
    [BOOTSTRAP_FILE, "bootstrap.env"],
  ]) {
    assert.ok(hostProgram().includes(`$ETC_DIR/${name}"`), name);
    assert.equal(path, `${ETC_DIR}/${name}`);
  }
});

test("the permit that the unit looks for is the one that the host gives", () => {
  assert.ok(hostProgram().includes('>"$RUN_DIR/$PERMIT_NAME"'));
  assert.equal(BOOTSTRAP_PERMIT, `${RUN_DIR}/${assigned.get("PERMIT_NAME")}`);
});
