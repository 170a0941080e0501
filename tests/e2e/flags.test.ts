// A flag that is accepted is a promise: etcd starts with it under the unit, and all of etcd-host's questions work. A
// round takes some flags of one minor; `npm test -- flags` takes all of each.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { prepareEtcd } from "../../lab/prepare.ts";
import { type Flags, groupsOf, LOG_FOLDER, REVOKED, TOKEN_KEY } from "./flag-cases.ts";
import { labDown, must, onHost } from "./lab.ts";
import { startedAt } from "./members.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { swept } from "./sweep.ts";

const NODES = [1, 2, 3];

const UNIT = {
  memoryHigh: "1G",
  memoryMax: "1536M",
  cpuWeight: 500,
  nice: -5,
  limitNOFILE: 100_000,
  environment: { GOMEMLIMIT: "700MiB" },
  readWritePaths: [LOG_FOLDER],
};

const minors =
  process.env.SWEEP === "all"
    ? ([
        ["3.5", "3.5.35"],
        ["3.6", "3.6.16"],
        ["3.7", "3.7.3"],
      ] as const)
    : ([["3.6", "3.6.14"]] as const);

after(labDown);

/** Memory is locked up to a hard limit, which a host may raise only where the machine of the tests lets it. */
function lockable(flags: Flags): Flags {
  const CAP_SYS_RESOURCE = 24n;
  const [, effective = "0"] =
    /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  if ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) % 2n === 1n) return flags;
  return Object.fromEntries(Object.entries(flags).filter(([flag]) => !flag.endsWith("memory-mlock")));
}

for (const [minor, version] of minors)
  describe(`etcd ${version}`, () => {
    let project: Project;

    before(async () => {
      await prepareEtcd(version, () => {});
      project = await savedCluster(3, version === "3.6.14" ? {} : { version });
      await writeFiles();
    });
    after(() => project.dispose());

    for (const flags of swept(`flags of etcd ${minor}`, groupsOf(minor).map(lockable), 1))
      test(`each member starts with ${Object.keys(flags).join(", ")}, and answers all questions`, async () => {
        await project.configure({ extraFlags: flags, unit: UNIT });
        await must(project.up()); // each roll asks the members that have the flags already, the proof asks all of them
        for (const n of NODES) {
          assert.deepEqual(await runningWith(n, flags), []);
          assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
        }
        await onHost(1, "etcd-host health");
        if (flags["enable-log-rotation"])
          assert.match(await onHost(1, `cat ${LOG_FOLDER}/etcd.log`), /"level":"info"/);
        if (Object.keys(flags).some((flag) => flag.endsWith("memory-mlock")))
          assert.notEqual(await onHost(1, `${PID}; awk '/^VmLck/ { print $2 }' /proc/$pid/status`), "0");
      });

    test("the service has what it was given of its host, and no core file", async () => {
      // what systemd was told: the machine of the tests may not let it raise limits, or spare a process
      const asked = ["CPUWeight", "LimitNOFILE", "MemoryHigh", "MemoryMax", "Nice", "OOMScoreAdjust"];
      const told = await onHost(
        1,
        `systemctl show etcd ${asked.map((name) => `-p ${name}`).join(" ")} | sort`,
      );
      assert.deepEqual(told.split("\n"), [
        "CPUWeight=500",
        "LimitNOFILE=100000",
        `MemoryHigh=${1024 ** 3}`,
        `MemoryMax=${1536 * 1024 ** 2}`,
        "Nice=-5",
        "OOMScoreAdjust=-900",
      ]);
      const [limits, variables] = await Promise.all([
        onHost(1, `${PID}; cat /proc/$pid/limits`),
        onHost(1, `${PID}; tr '\\0' '\\n' </proc/$pid/environ`),
      ]);
      assert.match(limits, /^Max core file size +0 +0 /m);
      assert.match(variables, /^GOMEMLIMIT=700MiB$/m);
    });

    test("a flag with which etcd is healthy and refuses its operator goes back on the first member", async () => {
      const serial = await onHost(
        1,
        "openssl x509 -in /etc/etcd/pki/operator.crt -noout -serial | cut -d= -f2",
      );
      await writeFiles(OWN, `R\\t491231235959Z\\t261127000000Z\\t${serial}\\tunknown\\t/CN=operator\\n`);
      const [second, third] = await Promise.all([startedAt(2), startedAt(3)]);
      await project.configure({ extraFlags: { "client-crl-file": OWN }, unit: undefined });
      const { code, all } = await project.up();
      assert.notEqual(code, 0, all);
      assert.match(all, /etcd refuses what is asked of it \(.*\): restoring the old settings of node1/);
      assert.match(all, /node1, which runs with the old ones again; no other member was touched/);
      assert.deepEqual(await Promise.all([startedAt(2), startedAt(3)]), [second, third]);
      await project.configure({ checkId: 1 });
    });

    test("without them the members are as before, rolled while the others still had them", async () => {
      await project.configure({ extraFlags: undefined, unit: undefined });
      await must(project.up());
      for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
      await must(project.up("--expect-no-changes"));
    });
  });

/** A list that names the operator of node1. */
const OWN = "/etc/etcd/revoked-operator.crl";

const PID = "pid=$(systemctl show etcd -p MainPID --value)";

/** The flags that the running process does not have as they were given. */
async function runningWith(n: number, flags: Flags): Promise<readonly string[]> {
  const line = (await onHost(n, `${PID}; tr '\\0' '\\n' </proc/$pid/cmdline`)).split("\n");
  return Object.entries(flags)
    .filter(([flag]) => flag !== "feature-gates") // merged with the program's own
    .map(([flag, value]) => `--${flag}=${value}`)
    .filter((argument) => !line.includes(argument));
}

/** The files that some flags name: a list of revoked certificates, which may be empty, and the key pair of tokens. */
async function writeFiles(list = REVOKED, index = ""): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-flags-"));
  try {
    await promisify(execFile)("sh", ["-euc", MAKE, "make", index], { cwd: folder });
    for (const [name, path] of [
      ["revoked.crl", list],
      ["token.key", `${TOKEN_KEY}.key`],
      ["token.pub", `${TOKEN_KEY}.pub`],
    ] as const) {
      const content = (await readFile(join(folder, name))).toString("base64");
      await Promise.all(
        NODES.map((n) =>
          onHost(n, `echo ${content} | base64 -d >${path}; chown root:etcd ${path}; chmod 640 ${path}`),
        ),
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const MAKE = `
printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\ncrlnumber=number\\ndefault_md=sha256\\n[v2]\\nauthorityKeyIdentifier=keyid\\n' >conf
printf "$1" >index
echo 01 >number
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=revoker -keyout ca.key -out ca.crt 2>/dev/null
openssl ca -config conf -gencrl -keyfile ca.key -cert ca.crt -crldays 30 -crlexts v2 -out revoked.pem 2>/dev/null
openssl crl -in revoked.pem -outform DER -out revoked.crl
openssl genrsa -out token.key 2048 2>/dev/null
openssl rsa -in token.key -pubout -out token.pub 2>/dev/null
`;
