/** Every rule of the pack, in the order of docs/policy.md. */

import type { Policies } from "@pulumi/policy";
import { caProtected, certificateLifetimes, leafCertificatesFromOwnCa } from "./certificates.ts";
import { hostKeysPinned, noTriggers } from "./commands.ts";
import { deleteProtection, encryptedVolumes, imdsv2Required, pinnedImage } from "./machines.ts";
import { oddAfterLoss, oddMemberCount } from "./members.ts";
import { noOpenClientPort, noOpenSsh } from "./ports.ts";
import { secretsAreSecret } from "./secrets.ts";
import { pinnedVersions, versionFloor } from "./versions.ts";

export const rules: Readonly<Policies> = [
  oddMemberCount,
  oddAfterLoss,
  pinnedVersions,
  versionFloor,
  noTriggers,
  hostKeysPinned,
  secretsAreSecret,
  caProtected,
  certificateLifetimes,
  leafCertificatesFromOwnCa,
  noOpenSsh,
  noOpenClientPort,
  encryptedVolumes,
  deleteProtection,
  imdsv2Required,
  pinnedImage,
];
