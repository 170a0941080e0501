/** Names that become parts of file names, resource names and certificates: one label of a host name (RFC 1123). */

import { type Fields, show } from "./value.ts";

export function parseName(fields: Fields, what: string, example: string): string {
  const name = fields.required("name", `give the ${what} a name like ${example}`);
  if (name !== "" && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    fields.problem(
      "name",
      `${show(name)} is not a host label; use 1 to 63 lower-case letters, digits and inner hyphens, like ${example}.`,
    );
  }
  return name;
}
