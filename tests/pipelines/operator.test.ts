// The example for the Pulumi Kubernetes Operator. Its fields were checked against the operator's own definition once;
// here, that it stays one cluster's and gives no secret away.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { repository } from "./files.ts";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly subjects?: readonly { readonly name: string }[];
  readonly spec: Readonly<Record<string, unknown>>;
}

const STACK_FIELDS = [
  "stack",
  "backend",
  "secretsProvider",
  "serviceAccountName",
  "projectRepo",
  "branch",
  "shallow",
  "gitAuth",
  "resyncFrequencySeconds",
  "continueResyncOnCommitMatch",
  "retryMaxBackoffDurationSeconds",
  "useLocalStackOnly",
  "refresh",
  "destroyOnFinalize",
  "workspaceTemplate",
];
let text: string;
let account: Manifest | undefined;
let binding: Manifest | undefined;
let stack: Manifest | undefined;

before(async () => {
  text = await readFile(join(repository, "examples/operator/stack.yaml"), "utf8");
  const manifests = parseAllDocuments(text).map((document): Manifest => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });
  const of = (kind: string) => manifests.find((one) => one.kind === kind);
  assert.equal(manifests.length, 3);
  [account, binding, stack] = [of("ServiceAccount"), of("ClusterRoleBinding"), of("Stack")];
});

test("the stack has the fields of the operator's second version, and no others", () => {
  assert.equal(stack?.apiVersion, "pulumi.com/v1");
  assert.deepEqual(Object.keys(stack.spec), STACK_FIELDS);
});

test("it founds no second cluster, and its end is not the cluster's", () => {
  assert.equal(stack?.spec.useLocalStackOnly, true);
  assert.equal(stack.spec.destroyOnFinalize, false);
  assert.equal(stack.spec.continueResyncOnCommitMatch, true);
  assert.ok(Number(stack.spec.resyncFrequencySeconds) >= 600);
});

test("its pod runs as the account that the operator may check, with a role and without a secret of its own", async () => {
  assert.equal(stack?.spec.serviceAccountName, account?.metadata.name);
  assert.deepEqual(
    binding?.subjects?.map(({ name }) => name),
    [account?.metadata.name],
  );
  assert.ok("eks.amazonaws.com/role-arn" in (account?.metadata.annotations ?? {}));
  assert.doesNotMatch(text, /kind: Secret\n|PRIVATE KEY|stringData/);
});

test("its image has the CLI that goes with the SDK, and a pod that may finish an up", async () => {
  const { dependencies } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  assert.match(text, new RegExp(`image: pulumi/pulumi-nodejs-22:${dependencies["@pulumi/pulumi"]} `));
  const gitlab = await readFile(join(repository, ".gitlab-ci.yml"), "utf8");
  assert.match(gitlab, new RegExp(`image: pulumi/pulumi-nodejs-22:${dependencies["@pulumi/pulumi"]}\n`));
  assert.match(text, /terminationGracePeriodSeconds: 3600/);
  assert.match(text, /containers:\n +- name: pulumi /); // its definition requires the list
});
