// What else looks at etcd's authentication: verify, status, and the step that could take root's certificate away.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { certificates, hasSet, pki as operators, runningHost } from "./certificates.ts";
import { servingHost } from "./member.ts";
import { authorities, type Pki, placePki } from "./pki.ts";
import { declaration, declaredCluster, verifyDeclared } from "./verifying.ts";

const root = authorities.client.issue("root", { names: "" });
const roots: Pki = { ...operators, "operator.crt": root.certificate, "operator.key": root.key };
const DECLARED = ["auth on", "user app1", "grant app1 readwrite prefix /app1/"];
const AS_DECLARED = {
  auth: "on",
  users: "app1 app1\nroot root\n",
  roles: "app1\nroot\n",
  grants: "app1 readwrite /app1/ /app10\n",
  mark: "etcd-host/users/app1 app1\n",
};

/** What differs in etcd, and what verify then says. */
const drifts: Readonly<
  Record<string, readonly [Partial<typeof AS_DECLARED>, readonly string[], readonly string[]]>
> = {
  nothing: [{}, DECLARED, []],
  "authentication is off": [{ auth: "off" }, DECLARED, ["etcd's authentication is off, declared is on"]],
  "authentication is on": [{}, ["auth off"], ["etcd's authentication is on, declared is off"]],
  "a user of somebody's": [
    { users: "app1 app1\nmallory\nroot root\n" },
    DECLARED,
    ["etcd has the user mallory, which is not declared"],
  ],
  "another permission": [
    { grants: "app1 read /app1/ /app10\n" },
    DECLARED,
    [
      "etcd lacks the permission of app1 to readwrite /app1/ (up to /app10), which is declared",
      "etcd has the permission of app1 to read /app1/ (up to /app10), which is not declared",
    ],
  ],
  "a user without its role": [
    { users: "app1\nroot root\n" },
    DECLARED,
    ["etcd lacks the role app1 of the user app1, which is declared"],
  ],
};
for (const [what, [changed, lines, differences]] of Object.entries(drifts))
  test(`verify compares users and what they may do: ${what}`, async (t) => {
    const cluster = await declaredCluster(t);
    const { mark, ...files } = { ...AS_DECLARED, ...changed };
    for (const [file, content] of Object.entries(files)) cluster.host.write(`answers/${file}`, content);
    cluster.host.write("answers/keys", mark);
    // the record of the files is checked by others
    fs.writeFileSync(cluster.host.file("etc/etcd/pki/operator.crt"), root.certificate);
    const { stdout } = await verifyDeclared(cluster.host, [...declaration(cluster), ...lines]);
    const said = stdout
      .trim()
      .split("\n")
      .filter((line) => !line.includes("operator.crt"));
    assert.deepEqual(
      said.filter((line) => line.startsWith("differs: ")),
      differences.map((line) => `differs: ${line}`),
    );
  });

test("users that cannot be asked for are a difference", async (t) => {
  const cluster = await declaredCluster(t);
  cluster.host.write("answers/unanswered/user-list", "always\n");
  const { code, stdout } = await verifyDeclared(cluster.host, [...declaration(cluster), ...DECLARED]);
  assert.equal(code, 5);
  assert.match(stdout, /^differs: etcd does not say who its users are and what they may do: /m);
});

/** What etcd says of its authentication, and whether root's certificate may go. */
const answers: Readonly<Record<string, readonly [string, boolean]>> = {
  "is on": ["Authentication Status: true", false],
  "is off": ["Authentication Status: false", true],
  "is not told": ["", false],
};
for (const [says, [answer, mayGo]] of Object.entries(answers))
  test(`root's certificate ${mayGo ? "may go" : "stays"} while authentication ${says}`, async (t) => {
    const host = runningHost(t, roots);
    placePki(host, roots);
    host.binary("etcdctl", `#!/bin/sh\necho "${answer}"\n`);
    host.link();
    const { code, stderr } = await certificates(host, operators);
    assert.equal(code, mayGo ? 0 : 3, stderr);
    hasSet(host, mayGo ? operators : roots);
    if (!mayGo)
      assert.match(
        stderr,
        /refused: etcd does not say that its authentication is off, .*set etcd:rbac to false and run 'pulumi up', then take it out/,
      );
  });

test("a renewed certificate of root's is not asked about", async (t) => {
  const host = runningHost(t, roots);
  placePki(host, roots);
  const again = authorities.client.issue("root", { names: "" });
  assert.equal(
    (await certificates(host, { ...roots, "operator.crt": again.certificate, "operator.key": again.key }))
      .code,
    0,
  );
});

test("status says whether authentication is on, and for whom", async (t) => {
  const host = await servingHost(t);
  const says = async (status: string) => {
    host.binary(
      "etcdctl",
      `#!/bin/sh\ncase $* in *'auth status') echo "${status}" ;; *'user list') printf 'app1\\nroot\\n' ;; esac\n`,
    );
    return /^access .*$/m.exec((await host.run(["status"])).stdout)?.[0];
  };
  assert.equal(
    await says("Authentication Status: true"),
    "access    authentication is on, for the users app1 root",
  );
  assert.equal(
    await says("Authentication Status: false"),
    "access    authentication is off: every certificate of the client CA may do everything",
  );
  assert.equal(await says(""), "access    etcd does not say whether its authentication is on");
});
