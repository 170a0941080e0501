// Part of the simulated EC2: the cloud of the lab that LAB_DIR and LAB_NET name (`lab exec` sets them).
import path from "node:path";
import { env } from "node:process";
import type { Cloud } from "./cloud.ts";
import { LabMachines } from "./machines.ts";
import { Store } from "./store.ts";

export function cloudOf(region: string): Cloud {
  const { LAB_DIR, LAB_NET } = env;
  if (!LAB_DIR || !LAB_NET) throw new Error("the simulated EC2 runs only inside `lab exec` and `lab cloud`");
  return { region, store: new Store(path.join(LAB_DIR, "ec2")), machines: new LabMachines(LAB_DIR, LAB_NET) };
}
