import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { stringify } from "yaml";
import { type Alert, alertsFor } from "../../monitoring/alerts.ts";
import { monitoringFiles } from "../../monitoring/files.ts";
import { RULES_FILE } from "../../monitoring/prometheus.ts";
import { type Case, cases, type Series } from "./cases.ts";
import { cluster } from "./cluster.ts";
import { promtool } from "./promtool.ts";

const files = monitoringFiles(cluster);
const alerts = alertsFor(cluster);
/** Minutes that the slowest of the rates and increases takes to see a change whole. */
const LONGEST_WINDOW = 15;

test("promtool accepts the scrape job and the rules", async () => {
  const bundle = { "bundle/ca.crt": "", "bundle/client.crt": "", "bundle/client.key": "" };
  await promtool({ ...files, ...bundle }, "check", "config", "--syntax-only", "prometheus.yml");
  await promtool({ ...files }, "check", "rules", RULES_FILE);
});

test("every alert has a case, says what to do next, and what it means", () => {
  const key = ({ severity }: { severity: string }, name: string) => `${name} ${severity}`;
  assert.deepEqual(
    cases.map((one) => key(one, one.alert)).sort(),
    alerts.map((one) => key(one, one.name)).sort(),
  );
  for (const { name, summary, description } of alerts) {
    assert.match(description, /`npm run (status|verify|client)\b|`etcd-host status`/, name);
    assert.match(summary, /\.$/, name);
    assert.doesNotMatch(summary + description, /[—–]|undefined/, name);
  }
});

test("docs/monitoring.md has a line for every alert", async () => {
  const docs = await readFile(new URL("../../docs/monitoring.md", import.meta.url), "utf8");
  const documented = [...docs.matchAll(/^\| `(etcd\w+)` /gm)].map(([, name]) => name);
  assert.deepEqual(documented, [...new Set(alerts.map(({ name }) => name))]);
});

for (const one of cases) {
  test(`${one.alert} (${one.severity}) fires when it should, not before and not otherwise`, async () => {
    const alert = alerts.find(({ name, severity }) => name === one.alert && severity === one.severity);
    assert.ok(alert);
    const tests = stringify(testFile(one, alert), { lineWidth: 0 });
    await promtool({ ...files, "tests.yml": tests }, "test", "rules", "tests.yml");
  });
}

function testFile(one: Case, alert: Alert) {
  const wait = minutesOf(alert.for);
  const late = wait + (one.history ?? LONGEST_WINDOW);
  return {
    rule_files: [RULES_FILE],
    evaluation_interval: "1m",
    tests: [
      group(one.firing, [
        firing(one, 1, late),
        firing(one, 0, wait - 1), // the condition may hold from minute 0 on
      ]),
      group(one.quiet, [firing(one, 0, late)]),
    ],
  };
}

function group(series: readonly Series[], expectations: readonly unknown[]) {
  return { interval: "1m", input_series: series, promql_expr_test: expectations };
}

function firing({ alert, severity }: Case, count: number, minute: number) {
  return {
    expr: `count(ALERTS{alertname="${alert}",severity="${severity}",alertstate="firing"})`,
    eval_time: `${minute}m`,
    exp_samples: count === 0 ? [] : [{ labels: "{}", value: count }],
  };
}

function minutesOf(duration: string): number {
  return Number.parseInt(duration, 10) * (duration.endsWith("h") ? 60 : 1);
}

test("an alert names the member in its summary and description", async () => {
  const down = cases.find(({ alert }) => alert === "etcdMembersDown");
  const alert = alerts.find(({ name }) => name === "etcdMembersDown");
  assert.ok(down && alert);
  const named = (text: string) => text.replaceAll("{{ $labels.member }}", "node3");
  const expected = {
    exp_labels: {
      severity: "warning",
      cluster: cluster.name,
      member: "node3",
      job: `etcd/${cluster.name}`,
    },
    exp_annotations: { summary: "node3 does not answer.", description: named(alert.description) },
  };
  const tests = {
    rule_files: [RULES_FILE],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: down.firing,
        alert_rule_test: [{ eval_time: "10m", alertname: "etcdMembersDown", exp_alerts: [expected] }],
      },
    ],
  };
  await promtool({ ...files, "tests.yml": stringify(tests) }, "test", "rules", "tests.yml");
});
