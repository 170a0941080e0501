// Part of the simulated EC2: the available images and instance types.

export interface Image {
  readonly architecture: "x86_64" | "arm64";
  readonly name: string;
  /** The minimum size of a root volume, in GiB. */
  readonly size: number;
}

/**
 * Two that boot (lab/lib/instance.bash: the second one has another system user), one that boots but accepts no login, and
 * one for the other architecture, which the lab cannot boot.
 */
const IMAGES: Readonly<Record<string, Image>> = {
  "ami-0000000000000a001": { architecture: "x86_64", name: "lab-debian-12-amd64-1", size: 8 },
  "ami-0000000000000a002": { architecture: "x86_64", name: "lab-debian-12-amd64-2", size: 8 },
  "ami-0000000000000a009": { architecture: "x86_64", name: "lab-debian-12-amd64-broken", size: 8 },
  "ami-0000000000000b001": { architecture: "arm64", name: "lab-debian-12-arm64-1", size: 8 },
};

export function imageOf(id: string): Image | undefined {
  return IMAGES[id];
}

export const ROOT_DEVICE = "/dev/xvda";

export interface InstanceType {
  readonly architecture: Image["architecture"];
  readonly hypervisor: "nitro" | "xen";
  readonly burstable: boolean;
  readonly vcpus: number;
  /** In MiB. */
  readonly memory: number;
}

const FAMILIES: Readonly<
  Record<string, Pick<InstanceType, "architecture" | "hypervisor"> & { perCpu: number }>
> = {
  m4: { architecture: "x86_64", hypervisor: "xen", perCpu: 4 },
  m5: { architecture: "x86_64", hypervisor: "nitro", perCpu: 4 },
  m6i: { architecture: "x86_64", hypervisor: "nitro", perCpu: 4 },
  m7i: { architecture: "x86_64", hypervisor: "nitro", perCpu: 4 },
  c7i: { architecture: "x86_64", hypervisor: "nitro", perCpu: 2 },
  r7i: { architecture: "x86_64", hypervisor: "nitro", perCpu: 8 },
  m7g: { architecture: "arm64", hypervisor: "nitro", perCpu: 4 },
  c7g: { architecture: "arm64", hypervisor: "nitro", perCpu: 2 },
  r7g: { architecture: "arm64", hypervisor: "nitro", perCpu: 8 },
  t3: { architecture: "x86_64", hypervisor: "nitro", perCpu: 4 },
  t4g: { architecture: "arm64", hypervisor: "nitro", perCpu: 4 },
};
const SIZES: Readonly<Record<string, number>> = {
  large: 2,
  xlarge: 4,
  "2xlarge": 8,
  "4xlarge": 16,
  "8xlarge": 32,
};

export function instanceTypeOf(name: string): InstanceType | undefined {
  const [familyName = "", size = ""] = name.split(".");
  const family = FAMILIES[familyName];
  const vcpus = SIZES[size];
  if (!family || vcpus === undefined) return undefined;
  const { architecture, hypervisor, perCpu } = family;
  return {
    architecture,
    hypervisor,
    burstable: familyName.startsWith("t"),
    vcpus,
    memory: vcpus * perCpu * 1024,
  };
}

/** The zones of a region: three, as most have. */
export function zonesOf(region: string): string[] {
  return ["a", "b", "c"].map((letter) => `${region}${letter}`);
}
