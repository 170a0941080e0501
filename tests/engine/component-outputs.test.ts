// What components register as outputs: no change of a stack that was made without them, and no secret in the clear.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isSecret, Project } from "./project.ts";

let project: Project;

before(async () => {
  project = await Project.create();
});

after(async () => {
  await project.remove();
});

/** A component with a key, and what it registers. */
function component(outputs: string): string {
  return `
    class Authority extends pulumi.ComponentResource {
      constructor(name: string, bits: number) {
        super("etcd:test:Authority", name, {});
        const key = new tls.PrivateKey(name + "-key", { algorithm: "RSA", rsaBits: bits }, { parent: this });
        this.registerOutputs(${outputs});
      }
    }
    new Authority("ca", Number(process.env.BITS ?? 2048));
  `;
}

const WITH = component("{ publicKey: key.publicKeyPem, deep: { key: key.privateKeyPem } }");

test("a stack made before shows no change when its components register outputs", async () => {
  await project.up(component(""));
  const steps = await project.preview(WITH);
  assert.deepEqual([...new Set(steps.map(({ op }) => op))], ["same"]);
  const shown = await project.succeed("preview", "--expect-no-changes", "--diff", "--save-plan", "same.json");
  assert.doesNotMatch(shown, /publicKey|BEGIN/);
  assert.match(await project.succeed("up", "--yes", "--plan", "same.json"), /3 unchanged/);
});

test("what is registered is in the state, a secret encrypted however deep it is", async () => {
  const { outputs } = await project.resource("ca");
  assert.match(String(outputs.publicKey), /^-----BEGIN PUBLIC KEY-----/);
  assert.ok(isSecret(Object(outputs.deep).key) || isSecret(outputs.deep));
  assert.doesNotMatch(JSON.stringify(outputs), /PRIVATE KEY/);
});

test("a saved plan that does not know their values yet allows them", async () => {
  const changed = project.under({ BITS: "3072" });
  await changed.succeed("preview", "--save-plan", "changed.json");
  assert.match(await changed.succeed("up", "--yes", "--plan", "changed.json"), /1 replaced/);
});
