// On EC2: hostile pull requests, and what the comment says.
import { type Hostile, ingress, planWith, step, testComments } from "./security-plans.ts";

const hostile: Hostile = {
  "ports opened to everybody, one half of the internet at a time": [
    planWith(
      {},
      {
        steps: [
          ingress("members-client-0.0.0.0-1", undefined, "0.0.0.0/1"),
          ingress("members-ssh-all", "10.0.0.0/8", "0.0.0.0/0", 22),
          ingress("members-metrics-6", undefined, "::/0", 2381),
          ingress("members-client-office", undefined, "203.0.113.0/24"),
          ingress("members-client-gone", "198.51.100.0/24", undefined),
        ],
      },
    ),
    [
      /^\| exposure: tcp 22 \(ssh\), from \| 10\.0\.0\.0\/8 \| 0\.0\.0\.0\/0 \(EVERYBODY on the internet\) \|$/,
      /^\| exposure: tcp 2379 \(clients\), from \| 198\.51\.100\.0\/24 \| none \|$/,
      /^\| exposure: tcp 2379 \(clients\), from \| none \| 0\.0\.0\.0\/1 \(EVERYBODY on the internet\) \|$/,
      /^\| exposure: tcp 2379 \(clients\), from \| none \| 203\.0\.113\.0\/24 \|$/,
      /^\| exposure: tcp 2381, from \| none \| ::\/0 \(EVERYBODY on the internet\) \|$/,
    ],
  ],
  "another image, and what an instance may do": [
    planWith(
      {},
      {
        steps: [
          step(
            "aws:ec2/instance:Instance",
            "node1-instance",
            "update",
            { ami: "ami-1" },
            { ami: "ami-2", iamInstanceProfile: "admin" },
          ),
          step("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "members-admin", "create", undefined, {}),
          step("aws:ec2/eip:Eip", "node1-address", "create", undefined, {}),
        ],
      },
    ),
    [
      /^\| image: image \(aws\.ami\) of node1 \| ami-1 \| ami-2 \|$/,
      /^\| exposure: instance profile of node1 \| none \| admin \|$/,
      /^\| exposure: members-admin \(RolePolicyAttachment\) \| none \| made \|$/,
      /^\| exposure: public address node1-address \| none \| made \|$/,
    ],
  ],
  "another key for what is created or made again, and an instance that comes back with more rights": [
    planWith(
      {},
      {
        steps: [
          step("aws:ebs/volume:Volume", "node4-data", "create", undefined, {
            encrypted: true,
            kmsKeyId: "evil",
          }),
          step("aws:ec2/instance:Instance", "node2-instance", "create", undefined, {
            ami: "ami-1",
            iamInstanceProfile: "admin",
            metadataOptions: { httpTokens: "required" },
            rootBlockDevice: { encrypted: true, kmsKeyId: "evil" },
          }),
          step(
            "aws:ec2/instance:Instance",
            "node1-instance",
            "update",
            { ami: "ami-1", rootBlockDevice: { kmsKeyId: "ours" } },
            { ami: "ami-1", rootBlockDevice: { kmsKeyId: "evil" } },
          ),
        ],
      },
    ),
    [
      /^\| trust: key of the data volume \(aws\.kmsKeyId\) of node4 \| none \| evil \|$/,
      /^\| trust: key of the root volume \(aws\.kmsKeyId\) of node2 \| none \| evil \|$/,
      /^\| trust: key of the root volume \(aws\.kmsKeyId\) of node1 \| ours \| evil \|$/,
      /^\| image: image \(aws\.ami\) of node2 \| none \| ami-1 \|$/,
      /^\| exposure: instance profile of node2 \| none \| admin \|$/,
    ],
  ],
  "tags that permissions go by, and another zone for the clients' name": [
    planWith(
      {},
      {
        steps: [
          ...["node1-instance", "node2-instance"].map((name) =>
            step(
              "aws:ec2/instance:Instance",
              name,
              "update",
              { tags: { team: "db", Name: name, "etcd:stack": "a" } },
              { tags: { team: "everyone", Name: name, "etcd:stack": "b" } },
            ),
          ),
          step(
            "aws:route53/record:Record",
            "client-name",
            "replace",
            { name: "etcd.example", zoneId: "Z1" },
            { name: "etcd.example", zoneId: "Z2" },
          ),
        ],
      },
    ),
    [
      /^\| exposure: tags \(aws\.tags\) \| team=db \| team=everyone \|$/,
      /^\| exposure: clients' name \(aws\.clientName, aws\.hostedZoneId\) \| etcd\.example in Z1 \| etcd\.example in Z2 \|$/,
    ],
  ],
};

testComments(hostile);
