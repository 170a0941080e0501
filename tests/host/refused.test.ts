// A member that is healthy after its restart, and refuses what etcd-host asks: its settings go back.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import type { FakeCluster } from "./cluster.ts";
import { isRefused, UNIT } from "./member.ts";
import { isUnhealthy, NEW_UNIT, roll, rollingCluster, rollOptions } from "./rolling.ts";

const unitFile = "etc/systemd/system/etcd.service";
const REFUSING_UNIT = `${UNIT}Environment=REFUSES=yes\n`;
const RESTORED = /etcd does not answer with the new settings on node1, which runs with the old ones again/;
const TOO_MANY = "etcdserver: too many operations in txn request\n";

/** node1 is asked on its own port, where the machine of the tests has no etcd. */
async function askedCluster(t: TestContext): Promise<FakeCluster> {
  let cluster: FakeCluster | undefined;
  const refuses = () => cluster?.host.read(unitFile) === REFUSING_UNIT;
  cluster = await rollingCluster(t, (index) => (index === 0 ? { refuses } : {}));
  const own = cluster.member(0).clientUrl.replace("https://", "");
  cluster.host.fake(
    "openssl",
    `for word; do shift; [ "$word" != 127.0.0.1:2379 ] || word=${own}; set -- "$@" "$word"; done\nexec /usr/bin/openssl "$@"`,
  );
  return cluster;
}

test("a member that closes every connection gets its old settings back, and its reason is told", async (t) => {
  const { host } = await askedCluster(t);
  const { code, stderr } = await roll(host, {}, { unit: REFUSING_UNIT });
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /etcd refuses what is asked of it \(\/version: (unexpected eof while reading|the connection is closed)\): restoring the old settings of node1/,
  );
  assert.match(stderr, RESTORED);
  assert.equal(host.read(unitFile), UNIT);
});

test("so does one that refuses a transaction", async (t) => {
  const { host } = await askedCluster(t);
  const starts = host.read("systemd/start");
  host.write(
    "systemd/start",
    `${starts}grep -q LimitNOFILE "$unit" || exit 0\n: >"$HOST_ROOT/answers/refuses-txn"\n`,
  );
  host.write(
    "answers/before-txn",
    `[ ! -e refuses-txn ] || ! grep -q LimitNOFILE "$HOST_ROOT/${unitFile}" || refuse '${TOO_MANY.trim()}'\n`,
  );
  const { code, stderr } = await roll(host);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /refuses what is asked of it \(a transaction: Error: etcdserver: too many operations/);
  assert.match(stderr, RESTORED);
  assert.equal(host.read(unitFile), UNIT);
});

test("a member that answers everything is rolled as ever", async (t) => {
  const { host } = await askedCluster(t);
  assert.match((await roll(host)).stderr, /^etcd-host: restarted node1 in \d+ s\n$/);
  assert.equal(host.read(unitFile), NEW_UNIT);
});

test("another binary does not go back: that may be the cluster's new version", async (t) => {
  const { host } = await askedCluster(t);
  const unit = REFUSING_UNIT.replace("3.6.14/etcd ", "3.6.15/etcd ");
  assert.doesNotMatch((await roll(host, {}, { unit })).stderr, /restoring/);
  assert.equal(host.read(unitFile), unit);
});

test("nothing goes back while another member is down: that restart could take the quorum away", async (t) => {
  const cluster = await askedCluster(t);
  const { host } = cluster;
  const starts = host.read("systemd/start");
  isUnhealthy(cluster, "node3");
  cluster.answer("answers-after");
  host.write("systemd/start", `${starts}cp "$HOST_ROOT"/answers-after/health* "$HOST_ROOT/answers/"\n`);
  // the roll waits for node3, as long as a start may take
  const options = { stdin: REFUSING_UNIT };
  const { stderr } = await host.shell("ROLL_SECONDS=5; cmd_roll", rollOptions(host), options);
  assert.doesNotMatch(stderr, /restoring/);
  assert.equal(host.read(unitFile), REFUSING_UNIT);
});

test("a member that refused before its restart is not judged by it", async (t) => {
  const { host } = await askedCluster(t);
  host.write(unitFile, REFUSING_UNIT);
  assert.doesNotMatch((await roll(host)).stderr, /restoring/);
  assert.equal(host.read(unitFile), NEW_UNIT);
});

const withFlag = (flag: string, value: string) =>
  UNIT.replace(/\n$/, ` \\\n  --${flag}=${value} \\\n  --log-level=info\n`);

/** An empty list; of version 2 if it has a number. */
function revoked(file: string, options: readonly string[], form = "DER"): void {
  const folder = fs.mkdtempSync(`${file}-`);
  const run = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  fs.writeFileSync(
    `${folder}/conf`,
    "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n[v2]\nauthorityKeyIdentifier=keyid\n",
  );
  fs.writeFileSync(`${folder}/index`, "");
  fs.writeFileSync(`${folder}/number`, "01\n");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key"];
  run("req", "-x509", ...key, "-subj", "/CN=ca", "-out", "ca.crt");
  const from = ["-keyfile", "ca.key", "-cert", "ca.crt", "-crldays", "30"];
  run("ca", "-config", "conf", "-gencrl", ...from, ...options, "-out", "list.pem");
  run("crl", "-in", "list.pem", "-outform", form, "-out", file);
  fs.rmSync(folder, { recursive: true });
}

for (const flag of ["client-crl-file", "peer-crl-file"])
  test(`a list for ${flag} that etcd would not take is refused before the restart; one that it takes is not`, async (t) => {
    const { host } = await askedCluster(t);
    const file = host.file("etc/etcd/revoked.crl");
    const step = () => roll(host, {}, { unit: withFlag(flag, file) });
    await isRefused(
      host,
      step,
      /refused: \S+revoked\.crl \(\S+-crl-file\) is not on this host; put it there/,
    );
    fs.writeFileSync(file, "no list");
    await isRefused(
      host,
      step,
      /is not a list of revoked certificates as etcd takes it, in DER and of version 2/,
    );
    revoked(file, ["-crlexts", "v2"], "PEM");
    await isRefused(host, step, /in DER and of version 2/);
    revoked(file, ["-crlexts", "v2"]);
    assert.match((await step()).stderr, /^etcd-host: restarted node1/);
  });

test("the keys that tokens are signed with have to be there", async (t) => {
  const { host } = await askedCluster(t);
  const unit = withFlag(
    "auth-token",
    `jwt,pub-key=${host.file("a.pub")},priv-key=${host.file("a.key")},sign-method=RS256`,
  );
  host.write("a.pub", "");
  await isRefused(
    host,
    () => roll(host, {}, { unit }),
    /refused: \S+a\.key \(auth-token\) is not on this host/,
  );
});
