/** The setting `aws` as the program uses it. Types only. */

export interface AwsSubnet {
  readonly zone: string;
  readonly cidr: string;
  /** Present if, and only if, the VPC exists already. */
  readonly id?: string;
}

export type Endpoint = "s3" | "ssm";

/** A VPC that the program creates. */
export interface OwnVpc {
  readonly cidr: string;
  readonly nat: "none" | "one" | "per-zone";
  readonly publicSubnets: readonly AwsSubnet[];
  readonly endpoints: readonly Endpoint[];
}

export interface AwsConfig {
  readonly ami: string;
  readonly instanceType: string;
  /** Lines of an authorized_keys file, for the user of `ssh`. Empty: only instances that stay can do without. */
  readonly authorizedKeys: readonly string[];
  readonly vpc: { readonly id: string } | OwnVpc;
  readonly subnets: readonly AwsSubnet[];
  /** CIDRs and security group ids, by what they may reach. */
  readonly access: {
    readonly clients: readonly string[];
    readonly ssh: readonly string[];
    readonly metrics: readonly string[];
  };
  /** Size in GiB, throughput in MiB/s. */
  readonly dataVolume: { readonly size: number; readonly iops: number; readonly throughput: number };
  readonly rootVolume: { readonly size: number };
  readonly kmsKeyId?: string;
  readonly instanceProfile?: string;
  readonly sessionManager: boolean;
  readonly publicAddresses: boolean;
  readonly clientName?: string;
  readonly hostedZoneId?: string;
  readonly loadBalancer: boolean;
  readonly tags: Readonly<Record<string, string>>;
}
