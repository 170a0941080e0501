// The simulated EC2 for tests of what the engine calls: it notes what is done to machines, and has none.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Cloud } from "../../lab/ec2/cloud.ts";
import { invokes } from "../../lab/ec2/invokes.ts";
import type { Launch, Machines } from "../../lab/ec2/machines.ts";
import { Store } from "../../lab/ec2/store.ts";
import { typesOf } from "../../lab/ec2/types.ts";
import { serve } from "../../lab/engine/provider.ts";

const folder = process.env.RECORDED ?? "";
const store = new Store(join(folder, "cloud"));

/** `10.20.2.11 launch`: of an address, because an instance that is replaced keeps it. */
function note(address: string, what: string): void {
  appendFileSync(join(folder, "calls"), `${address} ${what}\n`);
}

class Noted implements Machines {
  hostNumber(): number {
    return 1;
  }
  async launch({ address }: Launch) {
    note(address, "launch");
    store.put("running", address, {});
  }
  async terminate(address: string) {
    note(address, "terminate");
    store.remove("running", address);
  }
  async stop(address: string) {
    note(address, "power-off");
    store.remove("running", address);
  }
  async start(address: string) {
    note(address, "power-on");
    store.put("running", address, {});
  }
  async isRunning(address: string) {
    return store.get("running", address) !== undefined;
  }
  async makeVolume() {}
  async growVolume() {}
  async dropVolume() {}
  async attach() {}
  async detach(): Promise<"detached"> {
    return "detached";
  }
}

const cloud: Cloud = { region: "eu-central-1", store, machines: new Noted() };
serve(
  "7.48.0",
  typesOf(() => cloud),
  { invokes: invokes(() => cloud) },
);
