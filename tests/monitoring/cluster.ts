/** A proven cluster of three, as the stack's outputs tell it. */

import { monitoredCluster } from "../../monitoring/cluster.ts";

const names = ["node1", "node2", "node3"];

export const outputs = {
  deployed: {
    version: "3.6.14",
    token: "etcd-cluster-1-0123abcd",
    dataDir: "/var/lib/etcd",
    adminHost: "node1",
    nodes: Object.fromEntries(
      names.map((name, index) => [
        name,
        {
          address: `192.168.1.10${index + 1}`,
          incarnation: 1,
          initialState: "new",
          initialCluster: `${name}=https://192.168.1.10${index + 1}:2380`,
        },
      ]),
    ),
  },
  members: names.map((name, index) => ({ name, clientUrl: `https://192.168.1.10${index + 1}:2379` })),
};

export const cluster = monitoredCluster(outputs, 3600);
