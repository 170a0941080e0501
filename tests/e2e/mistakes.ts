/** Mistakes in a stack's configuration: all that one run is to name, and by which sentences. */

export type Config = Readonly<Record<string, unknown>>;

export interface Mistakes {
  readonly config: Config;
  readonly sentences: readonly RegExp[];
}

/** What the mistakes are made of: the lab's own settings for ssh, and a folder and a public key that are no private keys. */
export interface Surroundings {
  readonly ssh: Config;
  readonly folder: string;
  readonly publicKeyFile: string;
}

const nodes = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `node${i + 1}`, address: `192.168.1.${101 + i}` }));

export const configurations: Readonly<Record<string, (around: Surroundings) => Mistakes>> = {
  "names, addresses, flags, times, an unknown version and an unknown key": () => ({
    config: {
      nodes: [
        { name: "node1", address: "192.168.1.101" },
        { name: "node1", address: "192.168.1.102" },
        { name: "Node_3", address: "192.168.1.300" },
        { name: "node4", address: "192.168.1.101" },
      ],
      version: "3.6.99",
      electionTimeout: 400,
      snapshotcount: 5000,
      extraFlags: { name: "x", "force-new-cluster": true, "quota-backend-byte": 1, "cert-file": "/x" },
    },
    sentences: [
      /^nodes\[1\]\.name: node1 is already used by nodes\[0\]; every node needs a name of its own\.$/,
      /^nodes\[2\]\.name: "Node_3" is not a host label; use 1 to 63 lower-case letters/,
      /^nodes\[2\]\.address: "192\.168\.1\.300" looks like a mistyped IPv4 address; write it like/,
      /^nodes\[3\]\.address: 192\.168\.1\.101 is already used by nodes\[0\]; every node needs a machine/,
      /^nodes: 4 nodes tolerate 1 failure, no more than 3 would; use 1, 3, 5 or 7\.$/,
      /^version: no sha256 is known for 3\.6\.99; npm run pin -- 3\.6\.99 takes it from the release's SHA256SUMS\.$/,
      /^electionTimeout: 400 ms is less than five heartbeats of 100 ms.*; use 500 or more\.$/,
      /^snapshotcount: no such setting; did you mean snapshotCount\.$/,
      /^extraFlags\.name: this flag is set by nodes; use that\.$/,
      /^extraFlags\.cert-file: this flag is set by the program itself; leave it out\.$/,
      /^extraFlags\.force-new-cluster: this flag cannot be set here: it makes a member forget the others/,
      /^extraFlags\.quota-backend-byte: etcd 3\.6 has no such flag; did you mean quota-backend-bytes\.$/,
    ],
  }),

  "no node, no key file and a minor that has ended": ({ ssh }) => ({
    config: { nodes: [], ssh: { ...ssh, privateKeyFile: "/no/such/key" }, version: "3.4.45" },
    sentences: [
      /^nodes: no node is declared; list 1, 3, 5 or 7 machines\.$/,
      /^ssh\.privateKeyFile: "\/no\/such\/key" does not exist\.$/,
      /^version: etcd 3\.4 no longer gets security fixes; use one of 3\.5, 3\.6, 3\.7\.$/,
    ],
  }),

  "two nodes and a key file that cannot be read": ({ ssh, folder }) => ({
    config: { nodes: nodes(2), ssh: { ...ssh, privateKeyFile: folder } },
    sentences: [
      /^nodes: 2 nodes tolerate 0 failures, no more than 1 would; use 1, 3, 5 or 7\.$/,
      /^ssh\.privateKeyFile: ".*" is a folder; give the file\.$/,
    ],
  }),

  "six nodes, unknown host keys and a public key": ({ ssh, publicKeyFile }) => ({
    config: {
      nodes: nodes(6),
      ssh: { ...ssh, privateKeyFile: publicKeyFile, knownHostsFile: "/dev/null" },
    },
    sentences: [
      /^nodes: 6 nodes tolerate 2 failures, no more than 5 would; use 1, 3, 5 or 7\.$/,
      /^ssh\.privateKeyFile: ".*" is a public key; give the private one/,
      ...nodes(6).map(({ address }, i) => {
        const remedy = `run "ssh-keyscan -t ed25519 ${address}", compare it with the host's own`;
        return new RegExp(`^nodes\\[${i}\\]\\.hostKey: no host key is known for ${address}; ${remedy}`);
      }),
    ],
  }),

  "eight nodes": () => ({
    config: { nodes: nodes(8).map((node) => ({ ...node, hostKey: `ssh-ed25519 ${someKey}` })) },
    sentences: [/^nodes: 8 nodes are more than the 7 that etcd works well with; use 3, 5 or 7\.$/],
  }),
};

const field = (content: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, content.length]), content]);
/** The public part of no host's key. */
export const someKey = Buffer.concat([
  field(Buffer.from("ssh-ed25519")),
  field(Buffer.alloc(32, 1)),
]).toString("base64");

/** Releases that cannot be had, and what each host says of them. */
export const archives: Readonly<Record<string, Mistakes>> = {
  "an archive with another sha256": {
    config: { sha256: { "3.6.14": { amd64: "0".repeat(64), arm64: "0".repeat(64) } } },
    sentences: [
      /^etcd-host: refused: the archive http:\S+ has sha256 [0-9a-f]{64}, declared is 0{64}: nothing was installed; check etcd:mirror, or correct etcd:sha256/,
    ],
  },
  "a version below the floor, allowed by name, that the mirror does not have": {
    config: { version: "3.6.13", allow: ["version-below-security-floor"] },
    sentences: [
      /^etcd-host: failed: cannot download http:\S+v3\.6\.13-linux-\w+\.tar\.gz: .* 404; check etcd:mirror .*; nothing was installed$/,
    ],
  },
  "a mirror that is down": {
    config: { mirror: "http://192.168.1.1:9" },
    sentences: [
      /^etcd-host: failed: cannot download http:\/\/192\.168\.1\.1:9\/\S+: .*connect.*; check etcd:mirror .*; nothing was installed$/i,
    ],
  },
};
