import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import * as pulumi from "@pulumi/pulumi";

/** What its agent calls; AWS's own policy for it also reads every parameter of the account. */
const AGENT = [
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
];

export interface SessionManagerArgs {
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Lets Session Manager's agent on the instances register: ssh without an open port. */
export class SessionManager extends pulumi.ComponentResource {
  /** For the instances. */
  readonly profileName: pulumi.Output<string>;

  constructor(name: string, { region, tags }: SessionManagerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:aws:SessionManager", name, {}, opts);
    const child = { parent: this };
    const role = new Role(
      name,
      {
        description: "etcd members reached through Session Manager",
        assumeRolePolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Principal: { Service: ec2In(region) }, Action: "sts:AssumeRole" }],
        }),
        tags: { ...tags },
      },
      child,
    );
    const policy = new RolePolicy(
      name,
      {
        role: role.name,
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Action: AGENT, Resource: "*" }],
        }),
      },
      child,
    );
    const profile = new InstanceProfile(
      name,
      { role: role.name, tags: { ...tags } },
      { ...child, dependsOn: policy },
    );
    this.profileName = profile.name;
    this.registerOutputs({ profileName: this.profileName });
  }
}

/** The service as a role trusts it: in China it has another name. */
function ec2In(region: string): string {
  return `ec2.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}
