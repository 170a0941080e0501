import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../cluster/digest.ts";
import { BACKUP, partOf, UPKEEP_TYPE } from "../cluster/resource-names.ts";
import type { BackupSchedule, MaintenanceConfig } from "../config/model.ts";
import { deleteCommand, hostCommand, identityOptions, type Options } from "../host/commands.ts";
import type { Host } from "./host.ts";
import { GIVEN_UP_FIRST, hostStep, ownerOf, remoteStep, type Step } from "./step.ts";

/** What hosts do by themselves, by timers. */
export interface UpkeepSettings {
  readonly backup?: BackupSchedule | undefined;
  readonly maintenance?: MaintenanceConfig | undefined;
  /** `ID:SECRET` of the store. */
  readonly accessKey?: pulumi.Input<string> | undefined;
}

export interface UpkeepArgs {
  readonly host: Host;
  readonly settings: UpkeepSettings;
  readonly checkId: number;
  readonly after: readonly Step[];
}

export function hasUpkeep({ backup, maintenance }: UpkeepSettings): boolean {
  return backup !== undefined || maintenance !== undefined;
}

/** The timers of one host: they are written and switched on, and taken away with this. */
export class Upkeep extends pulumi.ComponentResource {
  readonly step: Step;

  constructor(
    name: string,
    { host, settings, checkId, after }: UpkeepArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(UPKEEP_TYPE, name, {}, opts);
    const call = (render: typeof hostCommand, subcommand: string, options: Options) =>
      ownerOf(this).apply((owner) =>
        render(host.caller, subcommand, { ...identityOptions(host, owner, checkId), ...options }),
      );
    const sections = storeSections(settings);
    this.step = hostStep(
      partOf(name, "upkeep"),
      host,
      {
        create: call(hostCommand, "upkeep", upkeepOptions(settings)),
        delete: call(deleteCommand, "remove-upkeep", {}),
        ...(sections === undefined ? {} : { stdin: sections }),
      },
      { parent: this, dependsOn: after.map(({ command }) => command), ...GIVEN_UP_FIRST },
    );
    this.registerOutputs({ digest: this.step.digest });
  }
}

/** All of it is read in a review: nothing here is a secret. */
function upkeepOptions({ backup, maintenance }: UpkeepSettings): Options {
  return {
    interval: backup?.interval,
    keep: backup?.keep,
    reserve: backup?.reserveMiB,
    "max-age": backup?.maxAge,
    recipients: backup?.recipients.join(),
    "metrics-file": backup?.metricsFile,
    ...storeOptions(backup),
    defragment: maintenance?.at,
    "free-mib": maintenance?.freeMiB,
    "free-percent": maintenance?.freePercent,
  };
}

function storeOptions(backup: BackupSchedule | undefined): Options {
  const { store } = backup ?? {};
  return {
    store: store?.url,
    "store-prefix": store?.prefix,
    "store-region": store?.region,
    "store-sse": store?.sse,
    "store-kms-key": store?.kmsKeyId,
    proxy: store?.proxy,
  };
}

/** Sections of a step's input; nothing without a store. */
function storeSections({ backup, accessKey }: UpkeepSettings): pulumi.Output<string> | undefined {
  const { store } = backup ?? {};
  if (store === undefined) return undefined;
  const ca = store.ca === undefined ? "" : `== store-ca.crt\n${store.ca.trimEnd()}\n`;
  return pulumi.secret(pulumi.interpolate`== store.key\n${accessKey ?? ""}\n${ca}`);
}

/** What a host needs to ask the store for a snapshot, whether or not it has its timers yet. */
export function storeAccess(settings: UpkeepSettings): {
  readonly options: Options;
  readonly sections: pulumi.Input<string>;
} {
  return { options: storeOptions(settings.backup), sections: storeSections(settings) ?? "" };
}

export interface FirstBackupArgs {
  readonly host: Host;
  /** Of the cluster: a restored one is another, and has no backup yet. */
  readonly token: pulumi.Input<string>;
  readonly upkeep: readonly Step[];
  readonly after: Step;
}

/**
 * One backup as a timer takes it, whenever the timers were set up or the cluster was restored: the key, the bucket and the encryption are proven in
 * the same run. After the proof, so that nothing of it keeps what is proven from being recorded.
 */
export class FirstBackup extends pulumi.ComponentResource {
  constructor(
    name: string,
    { host, token, upkeep, after }: FirstBackupArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("etcd:cluster:Backup", name, {}, opts);
    // of what they said, not of what they carry: a change that failed here and is taken back is one more change
    const said = pulumi.unsecret(pulumi.all([token, ...upkeep.map(({ command }) => command.stdout)]));
    const create = said.apply((all) => hostCommand(host.caller, BACKUP, { checked: digestOf(all) }));
    remoteStep(name, host, { create }, { parent: this, dependsOn: after.command });
    this.registerOutputs({});
  }
}
