import "./lib/plain-stacks.ts"; // before all others
import { accessOf } from "./cluster/access.ts";
import { BACKUP, CLUSTER, HEALTH } from "./cluster/resource-names.ts";
import { EtcdCluster } from "./components/cluster.ts";
import {
  clusterToken,
  deployedRecord,
  earliestClock,
  formerToken,
  lastProven,
} from "./components/deployed.ts";
import { makeGuarded } from "./components/guards.ts";
import { HealthCheck } from "./components/health-check.ts";
import { lookupTarget, makeHosts, sshOutputs } from "./components/hosts.ts";
import { checkedTopology } from "./components/topology.ts";
import { makeAuthorities } from "./components/trust.ts";
import { FirstBackup } from "./components/upkeep.ts";
import { loadConfig } from "./config/load.ts";

// What is wanted, and what the last run that ended healthy left.
const config = loadConfig();
const previous = await lastProven();
const topology = checkedTopology(config, previous, await lookupTarget(config, previous));

// 1. Two kinds of certificate authorities: what a client may do ends at the client port.
const authorities = makeAuthorities(config, previous);
const token = clusterToken(config, previous, authorities);

const { hosts, cluster } = await makeGuarded(
  // 2. The machines: given ones, or instances of EC2, which are replaced one at a time, each behind its guard.
  (guards) =>
    makeHosts({
      config,
      topology,
      token,
      ...formerToken(config, previous),
      notBefore: earliestClock(previous, authorities),
      guards,
    }),

  // 3. etcd on them: binaries and certificates everywhere, then the members one at a time.
  (machines) =>
    new EtcdCluster(CLUSTER, {
      topology,
      hosts: machines,
      authorities,
      token,
      release: config.release,
      dataDir: config.dataDir,
      settings: config.settings,
      certificates: config.certificates,
      clients: config.clients,
      access: accessOf(config),
      rolloutOrder: config.rolloutOrder,
      upkeep: {
        backup: config.backup.schedule,
        maintenance: config.maintenance,
        accessKey: config.backupAccessKey,
      },
      allow: config.allow,
      checkId: config.checkId,
      identity: config.backupIdentity,
    }),
);

// 4. The proof.
const check = new HealthCheck(HEALTH, {
  cluster,
  renewBeforeDays: config.certificates.renewBeforeDays,
  previous,
  deployed: deployedRecord({ config, topology, token, previous, authorities, hosts, issued: cluster.issued }),
});

// 5. A backup, where there is to be one: what takes it is proven, too.
if (config.backup.schedule !== undefined) {
  const { adminHost: host, upkeep } = cluster;
  new FirstBackup(BACKUP, { host, token, upkeep, after: check.step });
}

/** The stack's outputs. */
export default {
  endpoints: cluster.endpoints,
  members: check.members,
  version: check.version,
  clusterId: check.clusterId,
  health: check.health,
  certificatesExpire: cluster.certificatesExpire,
  clientBundle: cluster.clientBundle,
  ...(cluster.clients && { clients: cluster.clients }),
  deployed: check.deployed,
  ...sshOutputs(hosts),
};
