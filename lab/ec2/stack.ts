// stack.ts [COUNT [FILE]]: writes the stack file of a cluster on the simulated EC2, Pulumi.lab.yaml unless another is named.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { describeLab } from "../describe.ts";
import { digestsOf, newStack, OWN_ARCHIVES } from "../stack.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

/** Three zones of the lab's network, each big enough for the smallest subnet that AWS allows. */
const SUBNETS = [
  { zone: "eu-central-1a", first: 96 },
  { zone: "eu-central-1b", first: 112 },
  { zone: "eu-central-1c", first: 128 },
];

const FIRST_FREE = 5; // AWS reserves four addresses of each

/** The host in the lab of a node of such a stack: in three zones node1 is host 1, node2 17, node3 33, node4 2 …; in one 1, 2, 3 … */
export function labHostOf(node: number, zones = SUBNETS.length): number {
  const { first } = SUBNETS[(node - 1) % zones] ?? { first: 0 };
  return first + FIRST_FREE + Math.floor((node - 1) / zones) - 100;
}

/** A new stack like Pulumi.aws.yaml, with what the lab has; its network is that of LAB_NET. */
export async function writeEc2Stack(
  count: number,
  file = join(project, "Pulumi.lab.yaml"),
  { zones = SUBNETS.length } = {},
): Promise<void> {
  const net = process.env.LAB_NET ?? "192.168.1";
  const lab = await describeLab();
  const document = newStack(await readFile(join(project, "Pulumi.aws.yaml"), "utf8"));
  document.commentBefore = " A cluster on the simulated EC2, made from Pulumi.aws.yaml by lab/ec2/stack.ts.";
  const set = (path: readonly string[], value: unknown) =>
    document.setIn(["config", ...path], document.createNode(value));
  const nodes = Array.from({ length: count }, (_, index) => ({
    name: `node${index + 1}`,
    address: `${net}.${100 + labHostOf(index + 1, zones)}`,
  }));
  set(["etcd:nodes"], nodes);
  set(["etcd:ssh"], { user: "admin", privateKeyFile: lab.privateKeyFile });
  set(["etcd:mirror"], lab.mirror);
  set(["etcd:sha256"], await digestsOf(lab.archives));
  set(["etcd:allow"], [OWN_ARCHIVES]);
  set(["etcd:protect"], false); // the lab is made to be taken down
  set(["etcd:aws", "ami"], "ami-0000000000000a001");
  set(["etcd:aws", "authorizedKeys"], [(await readFile(`${lab.privateKeyFile}.pub`, "utf8")).trim()]);
  set(["etcd:aws", "vpc"], { cidr: `${net}.0/24`, nat: "none" });
  set(
    ["etcd:aws", "subnets"],
    SUBNETS.slice(0, zones).map(({ zone, first }) => ({ zone, cidr: `${net}.${first}/28` })),
  );
  set(["etcd:aws", "access"], { clients: [`${net}.0/28`], ssh: [`${net}.1/32`], metrics: [] });
  await writeFile(file, document.toString({ lineWidth: 0 }));
}

if (import.meta.main) await writeEc2Stack(Number(argv[2] ?? 3), argv[3]);
