/** The options of a call of `etcd-host`, read back from its text; a quoted value without its quotes. */
export function optionsOf(command: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const [, name = "", value = ""] of command.matchAll(/ --([a-z0-9-]+)(?:=('(?:[^']|'\\'')*'|\S*))?/g)) {
    options.set(name, value.replace(/^'(.*)'$/, "$1").replaceAll("'\\''", "'"));
  }
  return options;
}
