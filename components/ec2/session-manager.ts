import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import * as pulumi from "@pulumi/pulumi";

/** Lets Session Manager's agent on the instances register: ssh without an open port. */
export class SessionManager extends pulumi.ComponentResource {
  /** For the instances. */
  readonly profileName: pulumi.Output<string>;

  constructor(
    name: string,
    { tags }: { readonly tags: Readonly<Record<string, string>> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("etcd:aws:SessionManager", name, {}, opts);
    const child = { parent: this };
    const role = new Role(
      name,
      {
        description: "etcd members reached through Session Manager",
        assumeRolePolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" },
          ],
        }),
        tags: { ...tags },
      },
      child,
    );
    const policy = new RolePolicyAttachment(
      name,
      { role: role.name, policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" },
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
