import assert from "node:assert/strict";
import process from "node:process";
import { after, test } from "node:test";
import { type Run, runProgram } from "./harness.ts";
import { steps } from "./queries.ts";
import { clusterOf, hostKey, loginKey, nodes } from "./stacks.ts";

const { SSH_AUTH_SOCK } = process.env;
after(() => {
  if (SSH_AUTH_SOCK === undefined) delete process.env.SSH_AUTH_SOCK;
  else process.env.SSH_AUTH_SOCK = SSH_AUTH_SOCK;
});

/** Every step's connection, by the step's name. */
function connections(run: Run): readonly (readonly [string, Record<string, unknown>])[] {
  return steps(run).map(({ name, inputs }) => [name, { ...Object(inputs.connection) }]);
}

const bastion = { address: "bastion.example", port: 2222, user: "jump", hostKey: hostKey("the bastion") };

function assertSoonGivenUp(name: string, { dialErrorLimit, perDialTimeout }: Record<string, unknown>): void {
  assert.ok(typeof dialErrorLimit === "number" && dialErrorLimit > 0, `${name} dials for ever`);
  assert.ok(typeof perDialTimeout === "number" && perDialTimeout > 0, `${name} waits for ever`);
  const seconds = (dialErrorLimit + 1) * perDialTimeout;
  assert.ok(seconds <= 30, `${name} gives a silent host ${seconds} s`);
}

test("every connection has its host's own pinned key and address, and gives a silent host up within 30 s", async () => {
  const run = await runProgram({ config: clusterOf(3) });
  const admin = "node1";
  for (const [name, connection] of connections(run)) {
    const node = nodes(3).find((one) => one.name === (/^node\d/.exec(name)?.[0] ?? admin));
    assert.equal(connection.hostKey, node?.hostKey, name);
    assert.equal(connection.host, node?.address, name);
    assert.equal(connection.privateKey, loginKey, name);
    assertSoonGivenUp(name, connection);
  }
});

test("through a bastion too, both ends are pinned and given up in time", async () => {
  const config = clusterOf(3, { ssh: { user: "admin", bastion } });
  const run = await runProgram({ config });
  for (const [name, connection] of connections(run)) {
    const proxy = { ...Object(connection.proxy) };
    assert.equal(proxy.hostKey, bastion.hostKey, name);
    assert.equal(proxy.host, bastion.address, name);
    assert.equal(proxy.port, bastion.port, name);
    assert.equal(proxy.user, "jump", name);
    assert.equal(proxy.privateKey, loginKey, name);
    assert.equal(connection.user, "admin", name);
    assert.notEqual(connection.hostKey, bastion.hostKey, name);
    assertSoonGivenUp(name, connection);
    assertSoonGivenUp(`${name}'s bastion`, proxy);
  }
});

test("an ssh address and port of its own is dialled, and nothing but the connection and the record knows it", async () => {
  const [first, ...others] = nodes(3);
  const forwarded = { ...first, sshAddress: "198.51.100.7", sshPort: 2201 };
  const run = await runProgram({ config: clusterOf(3, { nodes: [forwarded, ...others] }) });
  for (const [name, { host, port }] of connections(run)) {
    const isFirst = !/^node[23]/.test(name);
    assert.equal(port, isFirst ? 2201 : 22, name);
    assert.equal(host === "198.51.100.7", isFirst, name);
  }
  const recordless = steps(run).filter(({ name }) => name !== "health"); // for the next plan
  const texts = JSON.stringify(recordless.map(({ inputs: { connection: _, ...texts } }) => texts));
  assert.ok(!texts.includes("198.51.100.7"));
});

test("the ssh agent's socket, another one at every login, is in no input", async () => {
  process.env.SSH_AUTH_SOCK = "/run/the-agent-of-this-login";
  const { sshPrivateKey: _, ...config } = clusterOf(3, { ssh: { agent: true, bastion } });
  const run = await runProgram({ config });
  const inputs = JSON.stringify(run.resources.map((one) => one.inputs));
  assert.ok(!inputs.includes(process.env.SSH_AUTH_SOCK));
  for (const [name, { privateKey, agentSocketPath }] of connections(run)) {
    assert.deepEqual(
      { privateKey, agentSocketPath },
      { privateKey: undefined, agentSocketPath: undefined },
      name,
    );
  }
});

test("every login but root's becomes root by sudo in every text", async () => {
  const run = await runProgram({ config: clusterOf(1, { ssh: { user: "admin" } }) });
  for (const { name, inputs } of steps(run)) {
    for (const key of ["create", "update", "delete"]) {
      const text = inputs[key];
      if (typeof text === "string")
        assert.match(text, /sudo -n (sh "\$f"|\/usr\/local\/sbin\/etcd-host) /, `${name} ${key}`);
    }
  }
});
