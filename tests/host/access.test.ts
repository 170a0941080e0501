// The step of the cluster behind its members, where etcd's authentication is managed: users and roles as they are declared.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type FakeCluster, pki } from "./cluster.ts";
import type { Result } from "./host.ts";
import { authorities } from "./pki.ts";
import { step, steppingCluster } from "./stepping.ts";

const root = authorities.client.issue("root", { names: "" });
const DECLARED = [
  "auth on",
  "user app1",
  "grant app1 readwrite prefix /app1/",
  "grant app1 read key compact_rev_key",
];

/** What etcd has, as the fake keeps it. */
interface Access {
  readonly auth: string;
  readonly users: string;
  readonly roles: string;
  readonly grants: string;
}
const NONE: Access = { auth: "off", users: "", roles: "", grants: "" };
const AS_DECLARED: Access = {
  auth: "on",
  users: "app1 app1\nroot root\n",
  roles: "app1\nroot\n",
  grants: "app1 read compact_rev_key\napp1 readwrite /app1/ /app10\n",
};

async function accessCluster(
  t: TestContext,
  lines: readonly string[] = DECLARED,
  has: Partial<Access> = {},
  { leaf = root, marks = ["app1"] }: { leaf?: typeof root; marks?: readonly string[] } = {},
): Promise<FakeCluster> {
  const cluster = await steppingCluster(t);
  cluster.host.write("etc/etcd/pki/operator.crt", leaf.certificate);
  cluster.declared.push(...lines.map((line) => `${line}\n`));
  for (const [file, content] of Object.entries({ ...NONE, ...has }))
    cluster.host.write(`answers/${file}`, content);
  if (Object.keys(has).length > 0)
    cluster.host.write(
      "answers/keys",
      cluster.host.read("answers/keys") + marks.map((name) => `etcd-host/users/${name} ${name}\n`).join(""),
    );
  return cluster;
}

function accessOf({ host }: FakeCluster): Access {
  const sorted = (file: string) => host.read(`answers/${file}`).split("\n").filter(Boolean).sort();
  const [users, roles, grants] = ["users", "roles", "grants"].map((file) =>
    sorted(file)
      .map((line) => `${line}\n`)
      .join(""),
  );
  return {
    auth: host.read("answers/auth").trim(),
    users: users ?? "",
    roles: roles ?? "",
    grants: grants ?? "",
  };
}
const marksOf = ({ host }: FakeCluster) => host.read("answers/keys").match(/^etcd-host\/users\/\S+/gm) ?? [];

/** Changes of users and roles, in order. */
function asked({ host }: FakeCluster): readonly string[] {
  const calls = host.read("asked").trim().split("\n");
  return calls.flatMap(
    (call) =>
      / ((auth|user|role) (?!status|list|get).*|(put|del) etcd-host\/users\/.*)$/.exec(call)?.[1] ?? [],
  );
}

async function isDone(cluster: FakeCluster): Promise<Result> {
  const result = await step(cluster, "membership");
  assert.equal(result.code, 0, result.stderr);
  return result;
}

test("users, roles and grants are made, and authentication is switched on as the last thing", async (t) => {
  const cluster = await accessCluster(t);
  const { stderr } = await isDone(cluster);
  assert.deepEqual(asked(cluster), [
    "put etcd-host/users/app1 app1",
    "user add root --no-password",
    "user add app1 --no-password",
    "role add root",
    "role add app1",
    "role grant-permission -- app1 readwrite /app1/ /app10",
    "role grant-permission -- app1 read compact_rev_key",
    "user grant-role root root",
    "user grant-role app1 app1",
    "auth enable",
  ]);
  assert.deepEqual(accessOf(cluster), AS_DECLARED);
  assert.match(
    stderr,
    /added: the permission of app1 to readwrite \/app1\/ \(up to \/app10\)\n[\s\S]*authentication is on\n$/,
  );
});

test("where nothing differs nothing is changed, without the cluster's lock", async (t) => {
  const cluster = await accessCluster(t, DECLARED, AS_DECLARED);
  const { stdout, stderr } = await isDone(cluster);
  assert.deepEqual([stdout, stderr], ["checked the members\n", ""]);
  assert.deepEqual(asked(cluster), []);
  assert.equal(cluster.host.exists("answers/auth-revision"), false);
  assert.doesNotMatch(cluster.host.read("asked"), / lock /);
});

test("a step that is told nothing of authentication asks nothing of it", async (t) => {
  const cluster = await accessCluster(t, [], AS_DECLARED);
  await isDone(cluster);
  assert.doesNotMatch(cluster.host.read("asked"), / (auth|user|role) /);
});

test("keys of any printable character, and prefixes that end with the last of them, are as declared once they are", async (t) => {
  const grants = ["prefix a~", "prefix a!", 'key a"b', "key a\\b", "prefix a[", "key -k"].map(
    (range) => `grant app1 read ${range}`,
  );
  const quoted = ["a~ a\\x7f", 'a! a\\"', 'a\\"b', "a\\\\b", "a[ a\\\\", "-k"]
    .map((range) => `app1 read ${range}\n`)
    .join("");
  const cluster = await accessCluster(t, ["auth on", "user app1", ...grants], {
    ...AS_DECLARED,
    grants: quoted,
  });
  await isDone(cluster);
  assert.deepEqual(asked(cluster), []);
});

test("what is granted comes before what is taken away, and another permission takes the place of the one before", async (t) => {
  const cluster = await accessCluster(
    t,
    ["auth on", "user app1", "grant app1 read prefix /app1/", "grant app1 readwrite prefix /new/"],
    AS_DECLARED,
  );
  await isDone(cluster);
  assert.deepEqual(asked(cluster), [
    "role grant-permission -- app1 read /app1/ /app10",
    "role grant-permission -- app1 readwrite /new/ /new0",
    "role revoke-permission -- app1 compact_rev_key",
  ]);
});

test("a client that is taken out goes with its role, and its mark last; a role that somebody else made for nobody stays", async (t) => {
  const cluster = await accessCluster(t, ["auth on"], { ...AS_DECLARED, roles: "app1\nroot\nadmin\n" });
  await isDone(cluster);
  assert.deepEqual(asked(cluster), ["user delete app1", "role delete app1", "del etcd-host/users/app1"]);
  assert.deepEqual(accessOf(cluster), {
    auth: "on",
    users: "root root\n",
    roles: "admin\nroot\n",
    grants: "",
  });
});

test("a declared user of somebody else's is taken over, and has no other role afterwards", async (t) => {
  const cluster = await accessCluster(
    t,
    DECLARED,
    { ...AS_DECLARED, users: "app1 admin\nroot root\n", roles: "admin\nroot\n", grants: "" },
    { marks: [] },
  );
  await isDone(cluster);
  assert.deepEqual(accessOf(cluster), { ...AS_DECLARED, roles: "admin\napp1\nroot\n" });
  assert.deepEqual(marksOf(cluster), ["etcd-host/users/app1"]);
});

test("authentication is switched off, and users stay without use", async (t) => {
  const cluster = await accessCluster(t, ["auth off"], AS_DECLARED);
  const { stderr } = await isDone(cluster);
  assert.deepEqual(asked(cluster), ["auth disable"]);
  assert.match(stderr, /authentication is off: every certificate of the client CA may do everything\n$/);
  assert.deepEqual(accessOf(cluster), { ...AS_DECLARED, auth: "off" });
  await isDone(cluster);
  assert.deepEqual(asked(cluster), ["auth disable"], "a second run");
});

/** What is refused, before anything is changed. */
const refused: Readonly<Record<string, readonly [Partial<Access>, RegExp, typeof root?]>> = {
  "a user that nobody declared": [
    { ...AS_DECLARED, users: "app1 app1\nmallory\neve\nroot root\n", grants: "" },
    /refused: etcd has users that this stack does not declare: mallory eve\. Declare them in etcd:clients, or delete them: etcd-host ctl user delete mallory\n$/,
  ],
  "a permission that cannot be declared": [
    { ...AS_DECLARED, grants: "app1 read k \\x00\n" },
    /refused: the role app1 has a permission that no stack can declare, from the key "k"; take it away by hand/,
  ],
  "an operator certificate that is not root's": [
    { auth: "off" },
    /refused: this host's operator certificate is not that of etcd's user root, so authentication would lock this program out; raise etcd:checkId/,
    { certificate: pki["operator.crt"], key: pki["operator.key"] },
  ],
};
for (const [what, [has, sentence, leaf]] of Object.entries(refused))
  test(`${what} is refused, and nothing is changed`, async (t) => {
    const cluster = await accessCluster(t, DECLARED, has, leaf === undefined ? {} : { leaf });
    const { code, stderr } = await step(cluster, "membership");
    assert.deepEqual([code, asked(cluster)], [3, []], stderr);
    assert.match(stderr, sentence);
  });

for (const question of ["auth-status", "user-list", "role-list", "user-get", "role-get"])
  test(`users that cannot be asked for are not none (${question})`, async (t) => {
    const cluster = await accessCluster(t, DECLARED, { ...AS_DECLARED, auth: "off", grants: "" });
    cluster.host.write(`answers/unanswered/${question}`, "always\n");
    const { code, stderr } = await step(cluster, "membership");
    assert.deepEqual([code, asked(cluster)], [3, []]);
    assert.match(stderr, /refused: etcd does not say who its users are and what they may do: /);
  });

test("authentication stays off where root has not become a user with the role root", async (t) => {
  const cluster = await accessCluster(t);
  cluster.host.write("answers/after-user-grant-role", "sed -i 's/^root root/root/' users\n");
  const { code, stderr } = await step(cluster, "membership");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: users and roles are not as they were just made, so authentication stays off; run again/,
  );
  assert.equal(accessOf(cluster).auth, "off");
});

test("a cluster that is bootstrapped gets its users as soon as it has a quorum", async (t) => {
  const cluster = await accessCluster(t);
  const { code, stderr } = await step(cluster, "membership", ["--founding"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(accessOf(cluster), AS_DECLARED);
});

test("a run that is killed after any one of its changes is finished by the next one", async (t) => {
  const has = {
    users: "app1 app1 old\nold old\n",
    roles: "app1\nold\n",
    grants: "app1 readwrite /old/ /old0\napp1 read /app1/ /app10\n",
  };
  let moment = 0;
  for (let killed = true; killed; ) {
    moment += 1;
    const cluster = await accessCluster(t, DECLARED, has, { marks: ["old"] });
    cluster.host.write(
      "answers/after-any",
      `case $step in auth-* | user-* | role-* | put | del)
        echo >>changes
        if [ "$(wc -l <changes)" = ${moment} ]; then kill -9 "$(cat pid)"; fi ;;
      esac\n`,
    );
    const settings = 'echo "$$" >"$HOST_ROOT/answers/pid"';
    const { code } = await step(cluster, "membership", [], { settings });
    killed = code !== 0;
    if (killed)
      assert.equal((await step(cluster, "membership", [], { settings })).code, 0, `moment ${moment}`);
    assert.deepEqual(accessOf(cluster), AS_DECLARED, `moment ${moment}`);
    assert.deepEqual(marksOf(cluster), ["etcd-host/users/app1"]);
    assert.equal(asked(cluster).at(-1), "auth enable");
  }
  assert.ok(moment > 12, `${moment} moments`);
});

test("whoever was a user while authentication was off is made again, without the password that it may have had", async (t) => {
  const cluster = await accessCluster(t, DECLARED, { ...AS_DECLARED, auth: "off" });
  const { stderr } = await isDone(cluster);
  assert.deepEqual(asked(cluster), [
    "user delete app1",
    "user delete root",
    "user add root --no-password",
    "user add app1 --no-password",
    "user grant-role root root",
    "user grant-role app1 app1",
    "auth enable",
  ]);
  assert.match(stderr, /made again, as it may have been given a password: the user root\n/);
  assert.deepEqual(accessOf(cluster), AS_DECLARED);
});
