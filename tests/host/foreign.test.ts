// An etcd from elsewhere that the configuration allows to set aside.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { Host } from "./host.ts";
import { prepare } from "./preflight.ts";

test("its unit and its commands are kept under other names beside their places, and the host is prepared", async (t) => {
  const host = Host.create(t);
  host.write(host.paths.UNIT_FILE, "[Unit]\n");
  host.write("usr/local/bin/etcdctl", "theirs", 0o755);
  fs.symlinkSync("/srv/etcd-3.4/etcd", host.file("usr/local/bin/etcd"));
  const { code, stderr } = await prepare(host, { allow: "foreign-etcd" });
  assert.equal(code, 0, stderr);
  const kept = [...stderr.matchAll(/^etcd-host: (\S+), of an etcd from elsewhere, is kept in (\S+)$/gm)];
  const places = ["usr/local/bin/etcd", "usr/local/bin/etcdctl", "etc/systemd/system/etcd.service"].map(
    (file) => host.file(file),
  );
  assert.deepEqual(
    kept.map(([, file]) => file),
    places,
  );
  for (const [, file = "", aside = ""] of kept) {
    assert.match(aside.slice(file.length), /^\.aside-\d{8}T\d{6}Z$/);
    assert.ok(fs.lstatSync(aside));
    assert.ok(!fs.existsSync(file));
  }
  assert.deepEqual(host.systemdCalls(), ["disable --quiet etcd.service", "daemon-reload"]);
  const again = await prepare(host, { allow: "foreign-etcd" });
  assert.deepEqual([again.code, again.stderr], [0, ""]);
});

test("a package's unit is disabled and stays where it is", async (t) => {
  const host = Host.create(t);
  host.write(
    "systemd/properties",
    "ActiveState=inactive\nSubState=dead\nMainPID=0\nFragmentPath=/lib/systemd/system/etcd.service\n",
  );
  const { code } = await prepare(host, { allow: "foreign-etcd" });
  assert.equal(code, 0);
  assert.deepEqual(host.systemdCalls(), ["disable --quiet etcd.service", "daemon-reload"]);
});

test("a user that cannot be made ends the step, which says so", async (t) => {
  for (const command of ["groupadd", "useradd"]) {
    const host = Host.create(t);
    host.fake(command, `echo "${command}: cannot lock /etc/passwd; try again later." >&2; exit 10`);
    const { code, stderr } = await prepare(host);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /cannot lock .*\n.*failed: the (user|group) etcd cannot be made on this host; see the line above\n$/,
    );
  }
});
