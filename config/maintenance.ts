/** When the members' databases are defragmented, and from how much on it is worth it. */

import { schedules } from "./defaults.ts";
import type { MaintenanceConfig } from "./model.ts";
import { type Fields, show } from "./value.ts";

const { maintenance: usual } = schedules;
const times = { weekly: "Sun 03:00", daily: "03:00" } as const;
const clock = "([01]\\d|2[0-3]):[0-5]\\d";
const forms = {
  weekly: new RegExp(`^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${clock}$`),
  daily: new RegExp(`^${clock}$`),
} as const;

const WARNING =
  "no database is defragmented on a schedule, so its file keeps the size that it once had; {} does it every Sunday where it is worth it, and defragment: off says that it is not wanted.";

export function parseMaintenance(top: Fields): MaintenanceConfig | undefined {
  if (top.get("maintenance") === undefined) {
    top.report.warning("maintenance", WARNING);
    return undefined;
  }
  const maintenance = top.object("maintenance");
  maintenance.refuseUnknown(["defragment", "at", "freeMiB", "freePercent"]);
  const defragment = maintenance.choice("defragment", usual.defragment, ["weekly", "daily", "off"]);
  if (defragment === "off") return undefined;
  const at = maintenance.text("at", times[defragment]);
  if (!forms[defragment].test(at))
    maintenance.problem(
      "at",
      `${show(at)} is not a time for ${defragment}; write it in UTC, like "${times[defragment]}".`,
    );
  return {
    defragment,
    at,
    freeMiB: maintenance.integer("freeMiB", usual.freeMiB, 1),
    freePercent: maintenance.integer("freePercent", usual.freePercent, 1, 99),
  };
}
