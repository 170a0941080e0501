import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { keyOf, settingOf } from "../../config/project.ts";
import { read } from "./configuration.ts";

const folder = fileURLToPath(new URL("../../examples/clients/", import.meta.url));
const files = globSync("*.yaml", { cwd: folder });

test("there are examples for Kubernetes, Prometheus and backups", () => {
  assert.deepEqual(files.toSorted(), ["backup-reader.yaml", "kube-apiserver.yaml", "prometheus.yaml"]);
});

for (const file of files)
  test(`${file} is right as a part of a stack file`, () => {
    const given: Record<string, unknown> = parse(readFileSync(`${folder}${file}`, "utf8")).config;
    const values = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [settingOf(key) ?? key, value]),
    );
    assert.deepEqual(Object.keys(given), Object.keys(values).map(keyOf));
    const { config, problems, warnings } = read(values);
    assert.deepEqual({ problems, warnings }, { problems: [], warnings: read().warnings });
    assert.equal(config?.clients.length, 1);
  });
