/** The project, as Pulumi.yaml names it: its settings are `etcd:NAME` in the files of stacks. */
const PROJECT = "etcd";

/** The key of a setting in the file of a stack. */
export function keyOf(setting: string): string {
  return `${PROJECT}:${setting}`;
}

/** The setting of a key; nothing for keys of others, like `aws:region`. */
export function settingOf(key: string): string | undefined {
  const prefix = keyOf("");
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}
