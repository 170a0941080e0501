// npm run pin: what it asks of the mirror, by which way, and what it makes of no answer.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { settingsIn } from "../../cli/pin/stack-file.ts";
import { FILE, listening, stackOn, sums } from "./pinned.ts";

test("newest: the patches are asked for one after the other, past one that is missing", async (t) => {
  const served = Object.fromEntries(["3.6.14", "3.6.16", "3.6.18"].map((one) => [one, sums(one)]));
  const { pin, file } = await stackOn(t, { served: { ...served, "3.7.3": sums("3.7.3") } });
  assert.equal((await pin("newest")).code, 0);
  assert.equal(settingsIn(file()).version, "3.6.18");
  const { code, stdout } = await pin("newest");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^3\.6\.18 is the newest patch that http:\S+ has of its minor: nothing was changed\.$/m,
  );
});

test("newest: a mirror that has no sums at all says nothing of what is the newest", async (t) => {
  const { pin } = await stackOn(t, {});
  const { code, stderr } = await pin("newest");
  assert.equal(code, 1);
  assert.match(stderr, /has no SHA256SUMS of the declared 3\.6\.14, so what it lacks says nothing/);
});

test("what cannot be downloaded is no release that is missing", async (t) => {
  const forbidding = await listening(
    t,
    createServer((_, response) => response.writeHead(403).end("<h1>no</h1>")),
  );
  const { folder, pin, text } = await stackOn(t, { served: { "3.6.14": sums("3.6.14") } });
  const { stderr } = await pin("3.6.16");
  assert.match(stderr, /has no SHA256SUMS of 3\.6\.16: is there such a release\?/);
  folder.write(FILE, text.replace(/etcd:mirror: .*/, `etcd:mirror: ${forbidding}`));
  for (const word of ["3.6.16", "newest"]) {
    const { code, stderr } = await pin(word);
    assert.equal(code, 1);
    assert.match(stderr, /^cannot download http:\S+SHA256SUMS: the answer is HTTP 403$/m);
  }
  folder.write(FILE, text.replace(/etcd:mirror: .*/, "etcd:mirror: http://127.0.0.1:1"));
  assert.match((await pin("3.6.16")).stderr, /^cannot download http:\S+: curl: \(7\) /);
});

test("the stack's proxy is the way, whatever the environment says", async (t) => {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end(sums("3.6.16"));
  });
  const url = await listening(t, proxy);
  const { pin, file } = await stackOn(t, {
    lines: ["etcd:version: 3.6.14", `etcd:proxy: ${url}`],
  });
  assert.equal((await pin("3.6.16")).code, 0);
  assert.match(asked.join(), /^http:\/\/127\.0\.0\.1:\d+\/v3\.6\.16\/SHA256SUMS$/);
  assert.equal(settingsIn(file()).version, "3.6.16");
});
