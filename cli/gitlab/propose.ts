/** npm run gitlab -- propose FILE: a merge request with the stack's file as pin left it, and with what pin printed. */

import { readFile } from "node:fs/promises";
import { record } from "../../lib/json.ts";
import { indented, list, request, variable } from "./api.ts";

export async function propose(saidFile: string): Promise<void> {
  const stack = variable("STACK").split("/").at(-1) ?? "";
  const main = variable("CI_DEFAULT_BRANCH");
  const file = `Pulumi.${stack}.yaml`;
  const content = await readFile(file, "utf8");
  const of = `repository/files/${encodeURIComponent(file)}/raw?ref=${encodeURIComponent(main)}`;
  if ((await (await request(of)).text()) === content) return; // there is nothing newer

  const [, version] = /^ *etcd:version: *["']?([0-9.]+)/m.exec(content) ?? [];
  const branch = `pin/${stack}-etcd-${version}`;
  // One that was closed is a decision: it is not opened again.
  if ((await list(`merge_requests?state=all&source_branch=${encodeURIComponent(branch)}`)).length > 0) {
    console.log(`The merge request of ${branch} is there already.`);
    return;
  }
  const title = `Declare etcd ${version} for ${stack}`;
  await request("repository/commits", "POST", {
    branch,
    start_branch: main,
    force: true, // what is there came from a run that could not open its merge request
    commit_message: title,
    actions: [{ action: "update", file_path: file, content }],
  });
  const said = indented(await readFile(saidFile, "utf8"));
  const opened = await request("merge_requests", "POST", {
    source_branch: branch,
    target_branch: main,
    title,
    description: `\`npm run pin -- --stack ${stack} newest\` says:\n\n${said}`,
    remove_source_branch: true,
  });
  console.log(`Opened ${record(await opened.json()).web_url}`);
}
