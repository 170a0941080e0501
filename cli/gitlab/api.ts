/** GitLab's API, as its CI variables name it, with the access token in GITLAB_TOKEN. */

import { env } from "node:process";
import { list as array, record } from "../../lib/json.ts";

/** An object of GitLab's. */
export type Item = Readonly<Record<string, unknown>>;

export function variable(name: string): string {
  const value = env[name];
  if (!value)
    throw new Error(`${name} is not set: this command is for .gitlab-ci.yml, see docs/pipelines.md`);
  return value;
}

/** One request to the project's API. */
export function request(path: string, method = "GET", body?: Item): Promise<Response> {
  return call(`projects/${variable("CI_PROJECT_ID")}/${path}`, method, body);
}

export async function call(path: string, method = "GET", body?: Item): Promise<Response> {
  const url = `${variable("CI_API_V4_URL")}/${path}`;
  const headers = { "PRIVATE-TOKEN": variable("GITLAB_TOKEN"), "Content-Type": "application/json" };
  const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  if (!response.ok) throw new Error(`GitLab answered ${response.status} to ${method} ${path}`);
  return response;
}

/** All pages of it. */
export async function list(path: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let page: string | null = "1"; page; ) {
    const response = await request(page === "1" ? path : `${path}&page=${page}`);
    items.push(...array(await response.json()).map(record));
    page = response.headers.get("x-next-page");
  }
  return items;
}

/** A block that nothing in it can end. */
export function indented(text: string): string {
  return text.replace(/^/gm, "    ");
}
