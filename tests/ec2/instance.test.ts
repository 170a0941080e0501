// Instances and volumes of the simulated EC2: what may be made, changed and deleted, and in which order things happen.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { UNKNOWN } from "../../lab/engine/properties.ts";
import { Bench, DATA, instanceInputs, type Made, makeInstance, makeNetwork } from "./bench.ts";

let bench: Bench;
let subnet: Made;

beforeEach(async () => {
  bench = new Bench();
  ({ subnet } = await makeNetwork(bench));
});
afterEach(() => bench.remove());

async function attach(more = {}) {
  const { instance } = await makeInstance(bench, subnet, "10.20.1.11");
  const volume = await bench.make("volume", DATA);
  const inputs = { deviceName: "/dev/sdf", volumeId: volume.id, instanceId: instance.id, ...more };
  return { instance, volume, inputs, attachment: await bench.make("attachment", inputs) };
}

test("an instance has an image of its architecture, a free interface and a profile that is there", async () => {
  const card = await bench.make("networkInterface", { subnetId: subnet.id, privateIps: ["10.20.1.11"] });
  const launch = (more: Parameters<typeof instanceInputs>[1]) =>
    bench.make("instance", instanceInputs(card, more));
  await assert.rejects(
    launch({ ami: "ami-0123456789abcdef0" }),
    /creating EC2 Instance: .*InvalidAMIID.NotFound: The image id '\[ami-0123456789abcdef0\]' does not exist/,
  );
  await assert.rejects(
    launch({ instanceType: "m7g.large" }),
    /architecture 'arm64' .* does not match .* 'x86_64'/,
  );
  await assert.rejects(launch({ instanceType: "m99.large" }), /Invalid value 'm99.large' for InstanceType/);
  await assert.rejects(launch({ iamInstanceProfile: "etcd" }), /Invalid IAM Instance Profile name/);
  await assert.rejects(launch({ rootBlockDevice: { volumeSize: 4 } }), /InvalidBlockDeviceMapping.*>= 8GB/);
  await bench.make("instanceProfile", { name: "etcd" });
  const { id, outputs } = await launch({ iamInstanceProfile: "etcd" });
  assert.match(id, /^i-[0-9a-f]{17}$/);
  assert.equal(outputs.privateIp, "10.20.1.11");
  assert.equal(outputs.instanceState, "running");
  assert.equal(outputs.availabilityZone, "eu-central-1a");
  await assert.rejects(launch({}), /InvalidNetworkInterface.InUse/);
  await assert.rejects(bench.drop("networkInterface", card), /is currently in use/);
});

test("which changes replace an instance", async () => {
  const { instance } = await makeInstance(bench, subnet, "10.20.1.11", {
    rootBlockDevice: { volumeSize: 20 },
  });
  const replaces = (changed: Parameters<typeof instanceInputs>[1]) =>
    bench.diff("instance", instance, changed ?? {}).replaces;
  assert.deepEqual(replaces({ ami: "ami-0000000000000a002" }), ["ami"]);
  assert.deepEqual(replaces({ userData: "other" }), ["userData"]);
  assert.deepEqual(replaces({ userData: UNKNOWN }), ["userData"]);
  assert.deepEqual(replaces({ userData: "other", userDataReplaceOnChange: false }), []);
  assert.deepEqual(replaces({ primaryNetworkInterface: { networkInterfaceId: UNKNOWN } }), [
    "primaryNetworkInterface.networkInterfaceId",
  ]);
  assert.deepEqual(replaces({ rootBlockDevice: { volumeSize: 20, encrypted: true } }), [
    "rootBlockDevice.encrypted",
  ]);
  for (const inPlace of [
    { instanceType: "m7i.xlarge" },
    { tags: { Name: "other" } },
    { rootBlockDevice: { volumeSize: 30 } },
    { metadataOptions: { httpTokens: "required" } },
    { disableApiTermination: true },
    { iamInstanceProfile: "x" },
  ]) {
    assert.deepEqual(replaces(inPlace), [], JSON.stringify(inPlace));
  }
  assert.deepEqual(bench.diff("instance", instance, {}).changes, []);
});

test("what the API keeps is left out without a change, and what it chooses differs with another instance", async () => {
  const kmsKeyId = "arn:aws:kms:eu-central-1:111122223333:key/x";
  await bench.make("instanceProfile", { name: "etcd" });
  const root = { volumeSize: 20, encrypted: true };
  const { instance } = await makeInstance(bench, subnet, "10.20.1.11", {
    iamInstanceProfile: "etcd",
    rootBlockDevice: { ...root, kmsKeyId },
  });
  const inputs = { iamInstanceProfile: null, rootBlockDevice: root };
  assert.deepEqual(bench.diff("instance", instance, inputs).changes, []);
  const updated = await bench.update("instance", instance, { ...inputs, tags: { Name: "other" } });
  assert.equal(updated.iamInstanceProfile, "etcd");
  const asked = bench.invoke("aws:ec2/getInstance:getInstance", { instanceId: instance.id });
  assert.deepEqual(
    [asked.iamInstanceProfile, asked.rootBlockDevices],
    ["etcd", [{ ...Object(updated.rootBlockDevice), kmsKeyId }]],
  );
  const another = { ...inputs, ami: "ami-0000000000000a002", tags: { Name: "other" } };
  assert.deepEqual(bench.diff("instance", instance, another), {
    changes: ["ami", "rootBlockDevice", "tags.Name", "tagsAll"],
    replaces: ["ami"],
  });
});

test("another type stops and starts the instance, and fits the image", async () => {
  const { instance } = await makeInstance(bench, subnet, "10.20.1.11");
  await bench.update("instance", instance, { instanceType: "m7i.xlarge" });
  assert.deepEqual(bench.machines.lines, ["launch ami-0000000000000a001", "stop", "start"]);
  assert.equal((await bench.read("instance", instance))?.instanceState, "running");
  await assert.rejects(bench.update("instance", instance, { instanceType: "m7g.large" }), /architecture/);
});

test("a protected instance is terminated only by force", async () => {
  const { instance } = await makeInstance(bench, subnet, "10.20.1.11", { disableApiTermination: true });
  await assert.rejects(bench.drop("instance", instance), /OperationNotPermitted/);
  const forced = { ...instance, outputs: await bench.update("instance", instance, { forceDestroy: true }) };
  await bench.drop("instance", forced);
  assert.equal(await bench.read("instance", instance), undefined);
  await bench.drop("instance", forced); // gone already
  assert.deepEqual(bench.events(), ["launching", "running", "shutting-down", "terminated"]);
});

test("what a read says of an instance whose host was switched off, or is gone", async () => {
  const { instance, card } = await makeInstance(bench, subnet, "10.20.1.11");
  bench.machines.running.clear();
  assert.equal((await bench.read("instance", instance))?.instanceState, "stopped");
  await bench.drop("instance", instance);
  assert.deepEqual((await bench.read("networkInterface", card))?.attachments, []);
});

test("a launch that fails leaves nothing behind", async () => {
  const card = await bench.make("networkInterface", { subnetId: subnet.id, privateIps: ["10.20.1.11"] });
  bench.machines.running.add("10.20.1.11");
  await assert.rejects(bench.make("instance", instanceInputs(card)), /there is a host already/);
  assert.deepEqual(bench.cloud.store.list("instance"), []);
  await bench.make("instance", instanceInputs(card)); // its interface is free
});

test("gp3 has limits together", async () => {
  const volume = (more: object) => bench.make("volume", { ...DATA, ...more });
  await assert.rejects(volume({ iops: 2000 }), /iops of 2000 is too low/);
  await assert.rejects(volume({ size: 10, iops: 6000 }), /ratio of 6000\/10 is too high; maximum is 500/);
  await assert.rejects(volume({ throughput: 1000 }), /ratio of 1000\/3000 is too high; maximum is 0.25/);
  await assert.rejects(volume({ availabilityZone: "eu-west-1a" }), /zones of eu-central-1/);
  const made = await volume({ size: 5 });
  assert.deepEqual(bench.diff("volume", made, { size: 6, iops: 3500 }), {
    changes: ["iops", "size"],
    replaces: [],
  });
  assert.deepEqual(bench.diff("volume", made, { availabilityZone: "eu-central-1b" }).replaces, [
    "availabilityZone",
  ]);
  assert.deepEqual(bench.diff("volume", made, { encrypted: false }).replaces, ["encrypted"]);
  await bench.update("volume", made, { size: 6 });
  assert.deepEqual(bench.machines.lines, ["grow to 6"]);
  const grown = { ...made, inputs: { ...made.inputs, size: 6 } };
  await assert.rejects(
    bench.update("volume", grown, { size: 5 }),
    /New size cannot be smaller than existing size/,
  );
});

test("a volume is attached once, in its own zone, under a free name", async () => {
  const { volume, instance, inputs, attachment } = await attach();
  assert.equal((await bench.make("attachment", inputs)).id, attachment.id); // already as asked
  const shown = () =>
    bench.invoke("aws:ec2/getInstance:getInstance", { instanceId: instance.id }).ebsBlockDevices;
  assert.deepEqual(shown(), [{ deviceName: inputs.deviceName, volumeId: volume.id }]);
  const other = await makeInstance(bench, subnet, "10.20.1.12");
  await assert.rejects(bench.make("attachment", { ...inputs, instanceId: other.instance.id }), /VolumeInUse/);
  const second = await bench.make("volume", DATA);
  await assert.rejects(
    bench.make("attachment", { ...inputs, volumeId: second.id }),
    /Attachment point \/dev\/sdf is already in use/,
  );
  const far = await bench.make("volume", { ...DATA, availabilityZone: "eu-central-1b" });
  await assert.rejects(
    bench.make("attachment", { ...inputs, volumeId: far.id, deviceName: "/dev/sdg" }),
    /InvalidVolume.ZoneMismatch/,
  );
  await assert.rejects(
    bench.drop("volume", volume),
    /VolumeInUse: Volume vol-\w+ is currently attached to i-/,
  );
  for (const key of ["deviceName", "volumeId", "instanceId"])
    assert.deepEqual(bench.diff("attachment", attachment, { [key]: UNKNOWN }).replaces, [key]);
  await bench.drop("instance", instance);
  assert.equal(await bench.read("attachment", attachment), undefined);
  assert.ok(await bench.read("volume", volume));
  await bench.drop("attachment", attachment);
  await bench.drop("volume", volume);
});

test("a mounted volume stays busy, unless the instance is stopped first", async () => {
  const { volume, attachment } = await attach();
  bench.machines.mounted = volume.id;
  await assert.rejects(bench.drop("attachment", attachment), /last state: 'busy'/);
  assert.ok(await bench.read("attachment", attachment));
  const stopping = await bench.make("attachment", attachment.inputs);
  await bench.update("attachment", stopping, { stopInstanceBeforeDetaching: true });
  await bench.drop("attachment", attachment);
  assert.deepEqual(bench.machines.lines.slice(-2), ["stop", "detach"]);
});

test("the functions", () => {
  const filters = [{ name: "image-id", values: ["ami-0000000000000b001"] }];
  const image = bench.invoke("aws:ec2/getAmi:getAmi", { filters, includeDeprecated: true });
  assert.equal(image.architecture, "arm64");
  assert.equal(image.state, "available");
  assert.throws(
    () =>
      bench.invoke("aws:ec2/getAmi:getAmi", {
        filters: [{ name: "image-id", values: ["ami-0123456789abcdef0"] }],
      }),
    /Your query returned no results/,
  );
  const type = bench.invoke("aws:ec2/getInstanceType:getInstanceType", { instanceType: "m7i.large" });
  assert.deepEqual(type.supportedArchitectures, ["x86_64"]);
  assert.equal(type.memorySize, 8192);
  assert.throws(
    () => bench.invoke("aws:ec2/getInstanceType:getInstanceType", { instanceType: "x" }),
    /InvalidInstanceType/,
  );
  const found = bench.invoke("aws:ec2/getSubnet:getSubnet", { id: subnet.id });
  assert.equal(found.cidrBlock, "10.20.1.0/24");
  assert.equal(found.mapPublicIpOnLaunch, false);
  assert.throws(
    () => bench.invoke("aws:ec2/getSubnet:getSubnet", { id: "subnet-0" }),
    /InvalidSubnetID.NotFound/,
  );
});
