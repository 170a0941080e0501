import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "yaml";
import { monitoredCluster } from "../../monitoring/cluster.ts";
import { dashboard } from "../../monitoring/dashboard.ts";
import { prometheusConfig } from "../../monitoring/prometheus.ts";
import { metricsIn } from "../../monitoring/queries.ts";
import { cluster, outputs } from "./cluster.ts";
import { promtool } from "./promtool.ts";

const { panels } = dashboard(cluster);

test("a target for each member, at its client URL, with the cluster's and the member's name", () => {
  const [job] = prometheusConfig(cluster).scrape_configs;
  assert.equal(job?.job_name, "etcd/etcd-cluster-1-0123abcd");
  assert.equal(job?.scheme, "https");
  assert.deepEqual(job?.static_configs[2], {
    targets: ["192.168.1.103:2379"],
    labels: { cluster: "etcd-cluster-1-0123abcd", member: "node3" },
  });
});

test("an IPv6 address keeps its brackets", () => {
  const members = [{ name: "node1", clientUrl: "https://[fd00::1]:2379" }];
  assert.equal(monitoredCluster({ ...outputs, members }).members[0]?.target, "[fd00::1]:2379");
});

test("a stack that was never proven, or whose members cannot be read, is refused in one sentence", () => {
  assert.throws(() => monitoredCluster({}), {
    message: "The stack has no proven cluster yet: run pulumi up first.",
  });
  assert.throws(() => monitoredCluster({ ...outputs, members: [{ name: "node1" }] }), {
    message: "The stack's output members cannot be read: raise checkId and run pulumi up again.",
  });
});

test("no panel covers another, none reaches over the edge, and all have ids of their own", () => {
  const taken = new Set<string>();
  for (const { title, gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x},${y}`), title);
        taken.add(`${x},${y}`);
      }
    }
  }
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
});

test("every query of the dashboard is PromQL, for one cluster", async () => {
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  for (const expr of expressions) assert.match(expr, /cluster="\$cluster"/);
  const rules = expressions.map((expr, index) => ({
    record: `panel:query${index}`,
    expr: expr.replaceAll("$cluster", cluster.name).replaceAll("$__rate_interval", "2m"),
  }));
  const file = stringify({ groups: [{ name: "panels", rules }] }, { lineWidth: 0 });
  const said = await promtool({ "panels.yml": file }, "check", "rules", "panels.yml");
  assert.match(said, new RegExp(`${rules.length} rules found`));
});

test("the names of the metrics in an expression", () => {
  const expr = 'sum by (member) (rate(etcd_x_bucket{cluster="etcd-a"}[5m])) / process_max_fds and up{a="b"}';
  assert.deepEqual(metricsIn(expr), ["etcd_x_bucket", "process_max_fds", "up"]);
});
