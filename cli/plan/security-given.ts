/** CAs that somebody else made: what a reviewer has to know of them is their key, since no resource shows it. */

import type { AuthorityTerms } from "../../cluster/deployed.ts";
import { AUTHORITY_ROLES, authorityNamed } from "../../cluster/resource-names.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { type Found, NONE } from "./security-row.ts";

export function givenRows(
  { givenCas, certificates }: Pick<ClusterConfig, "certificates" | "givenCas">,
  deployed: Deployed | undefined,
): readonly Found[] {
  return AUTHORITY_ROLES.flatMap((role) => {
    const { list = [], terms = {} } = deployed?.[`${role}Ca`] ?? {};
    const numbers = new Set([...list, ...certificates[`${role}Ca`]]);
    return [...numbers].flatMap((number): readonly Found[] => {
      const now = givenCas.find((ca) => ca.role === role && ca.number === number);
      const old = list.includes(number) ? terms[String(number)] : undefined;
      const row = { what: authorityNamed(role, number), old: shown(old), new: shown(now) };
      const note =
        now === undefined
          ? {}
          : { note: now.root === now.subject ? now.subject : `${now.subject}, below ${now.root}` };
      return row.old === row.new ? [] : [{ kind: "trust", ...row, ...note }];
    });
  });
}

/** Nothing of one that the program makes: that has rows of its own. */
function shown(ca: Pick<AuthorityTerms, "publicKey" | "chain" | "expires"> | undefined): string {
  if (ca?.publicKey === undefined) return NONE;
  return `given, public key sha256:${ca.publicKey}, certificates sha256:${ca.chain}, until ${ca.expires}`;
}
