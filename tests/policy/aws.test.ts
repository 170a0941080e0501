// The rules on AWS on plain data: what they refuse, what they let pass, and values that a preview cannot know.
import { test } from "node:test";
import { deleteProtection, encryptedVolumes, imdsv2Required, pinnedImage } from "../../policy/machines.ts";
import { noOpenClientPort, noOpenSsh } from "../../policy/ports.ts";
import { type Given, passes, refuses, UNKNOWN } from "./validate.ts";

const INSTANCE = "aws:ec2/instance:Instance";
const VOLUME = "aws:ebs/volume:Volume";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";

type Props = Readonly<Record<string, unknown>>;

test("no-open-ssh, no-open-client-port", () => {
  const group = (rule: Props): Given => ({ type: GROUP, props: { ingress: [rule] } });
  const single = (rule: Props): Given => ({
    type: "aws:ec2/securityGroupRule:SecurityGroupRule",
    props: rule,
  });
  const vpc = (rule: Props): Given => ({
    type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    props: rule,
  });
  const world = { cidrBlocks: ["10.0.0.0/8", "0.0.0.0/0"] };
  const tcp = (fromPort: unknown, toPort: unknown) => ({ protocol: "tcp", fromPort, toPort });

  for (const given of [
    group({ ...tcp(22, 22), ...world }),
    group({ ...tcp(0, 1000), ipv6CidrBlocks: ["::/0"] }),
    group({ ...tcp("20", "30"), ...world }),
    single({ type: "ingress", ...tcp(22, 22), ...world }),
    vpc({ ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv6: "::/0" }),
  ]) {
    refuses(noOpenSsh, given, /reach port 22: name the addresses that administer/);
    passes(noOpenClientPort, given);
  }
  for (const given of [
    group({ ...tcp(2379, 2379), ...world }),
    group({ ...tcp(2000, 2379), ...world }),
    group({ protocol: "6", fromPort: 2381, toPort: 9999, ...world }),
    vpc({ ipProtocol: "tcp", fromPort: 2380, toPort: 2380, cidrIpv4: "0.0.0.0/0" }),
  ]) {
    refuses(noOpenClientPort, given, /reach ports 2379 to 2381/);
    passes(noOpenSsh, given);
  }
  for (const given of [
    group({ protocol: "-1", fromPort: 0, toPort: 0, ...world }),
    vpc({ ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" }),
    group({ ...tcp(0, 65535), ...world }),
  ]) {
    for (const rule of [noOpenSsh, noOpenClientPort]) refuses(rule, given, /^It lets 0\.0\.0\.0\/0 reach/);
  }
  for (const given of [
    group({ ...tcp(443, 443), ...world }),
    group({ ...tcp(0, 65535), cidrBlocks: ["10.0.0.0/8"] }),
    group({ protocol: "udp", fromPort: 0, toPort: 65535, ...world }),
    group({ ...tcp(0, 65535), cidrBlocks: [UNKNOWN] }),
    group({ ...tcp(UNKNOWN, UNKNOWN), ...world }),
    single({ type: "egress", ...tcp(0, 65535), ...world }),
    { type: GROUP, props: { ingress: UNKNOWN } },
    { type: GROUP },
    { type: VOLUME, props: { ingress: [{ ...tcp(22, 22), ...world }] } },
  ]) {
    for (const rule of [noOpenSsh, noOpenClientPort]) passes(rule, given);
  }
});

test("encrypted-volumes", () => {
  const machine = (rootBlockDevice: unknown, ebsBlockDevices?: unknown): Given => ({
    type: INSTANCE,
    props: { rootBlockDevice, ebsBlockDevices },
  });
  passes(encryptedVolumes, { type: VOLUME, props: { encrypted: true } });
  passes(encryptedVolumes, { type: VOLUME, props: { encrypted: UNKNOWN } });
  refuses(encryptedVolumes, { type: VOLUME }, /^The volume is not encrypted/);
  passes(encryptedVolumes, machine({ encrypted: true }, [{ encrypted: true }]));
  passes(encryptedVolumes, machine(UNKNOWN, UNKNOWN));
  for (const root of [undefined, {}, { encrypted: false }])
    refuses(encryptedVolumes, machine(root), /^Its root volume/);
  refuses(encryptedVolumes, machine({ encrypted: true }, [{ encrypted: true }, {}]), /^One of its volumes/);
  passes(encryptedVolumes, { type: GROUP });
});

test("delete-protection", () => {
  passes(deleteProtection, { type: INSTANCE, props: { disableApiTermination: true } });
  passes(deleteProtection, { type: INSTANCE, props: { disableApiTermination: UNKNOWN } });
  refuses(deleteProtection, { type: INSTANCE }, /could be terminated/);
  passes(deleteProtection, { type: VOLUME, protect: true });
  refuses(deleteProtection, { type: VOLUME }, /volume could be deleted/);
});

test("imdsv2-required", () => {
  const machine = (metadataOptions: unknown): Given => ({ type: INSTANCE, props: { metadataOptions } });
  for (const options of [{ httpTokens: "required" }, { httpTokens: UNKNOWN }, UNKNOWN])
    passes(imdsv2Required, machine(options));
  for (const options of [undefined, {}, { httpTokens: "optional" }])
    refuses(imdsv2Required, machine(options), /answers version 1/);
  passes(imdsv2Required, { type: VOLUME });
});

test("pinned-image", () => {
  const machine = (ami: unknown): Given => ({ type: INSTANCE, props: { ami } });
  for (const ami of ["ami-0abcdef1234567890", "ami-0abcdef1"]) passes(pinnedImage, machine(ami));
  for (const ami of [undefined, "latest", "ami-latest", "resolve:ssm:/aws/x", UNKNOWN])
    refuses(pinnedImage, machine(ami), /not pinned: set ami to an id/);
  passes(pinnedImage, { type: VOLUME });
});
