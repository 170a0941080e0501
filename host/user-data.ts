/** How cloud-init sets up a new machine on its first boot: plain data in, text out. */

export interface UserDataSpec {
  readonly hostname: string;
  /** The only login, with sudo. The image's own default user is not created. */
  readonly user: string;
  readonly authorizedKeys: readonly string[];
  /** The key that the first connection pins: created by the program, so that it is known before. */
  readonly hostKey: HostKey;
}

/** As cloud-init and the files of sshd name them. */
export type HostKeyType = "ecdsa" | "ed25519";

export interface HostKey {
  readonly type: HostKeyType;
  /** In OpenSSH's own format. */
  readonly privateKey: string;
  /** `type base64` */
  readonly publicKey: string;
}

export function renderUserData({ hostname, user, authorizedKeys, hostKey }: UserDataSpec): string {
  const cloudConfig = {
    hostname,
    preserve_hostname: false,
    // named apart from the user: some images have such a group already, with which useradd alone fails
    groups: [user],
    users: [
      {
        name: user,
        primary_group: user,
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: authorizedKeys,
      },
    ],
    disable_root: true,
    ssh_pwauth: false,
    // keys of the image or of an earlier instance are nobody's here
    ssh_deletekeys: true,
    ssh_keys: {
      [`${hostKey.type}_private`]: hostKey.privateKey,
      [`${hostKey.type}_public`]: hostKey.publicKey,
    },
    package_update: false,
    package_upgrade: false,
  };
  return `#cloud-config\n${JSON.stringify(cloudConfig, null, 2)}\n`; // JSON is YAML
}
