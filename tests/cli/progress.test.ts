import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Progress, StageFailed } from "../../lib/progress.ts";

/** Collects what is written, as a terminal of 40 columns or as a file. */
function output(terminal: boolean) {
  const parts: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      parts.push(String(chunk));
      done();
    },
  });
  const out = terminal ? Object.assign(stream, { isTTY: true, columns: 40 }) : stream;
  return { out, text: () => parts.join("") };
}

test("in a file, every line of a stage is kept, and its end says how long it took; no control characters", async () => {
  const { out, text } = output(false);
  await new Progress(out).stage("etcd", "", async (log) => {
    log("compiling");
    log("etcd: packing");
    return "3.6.14";
  });
  assert.match(
    text(),
    /^ {2}etcd …\n {2}etcd: compiling\n {2}etcd: packing\n✔ etcd +\d+\.\d s {2}3\.6\.14\n$/,
  );
});

test("on a terminal, what a stage does is one live line, which its end replaces", async () => {
  const { out, text } = output(true);
  await new Progress(out).stage("etcd", "", async (log) => {
    log("compiling something with a name longer than the terminal is wide");
    return "3.6.14";
  });
  const shown = text().split("\r\x1b[K");
  assert.match(shown.at(-1) ?? "", /^\S*✔\S* etcd +\d+\.\d s {2}3\.6\.14\n$/);
  const live = shown.find((line) => line.includes("compiling"));
  assert.match(live ?? "", /^… etcd \d+ s {2}compiling/);
  assert.ok((live ?? "").length < 40);
});

test("a failed stage says why, what to do, and fails", async () => {
  const { out, text } = output(false);
  const progress = new Progress(out);
  const failing = progress.stage("etcd", "Install Go.", async () => {
    throw new Error("Go is missing");
  });
  await assert.rejects(failing, StageFailed);
  assert.match(text(), /✘ etcd .* failed\nGo is missing\nInstall Go\.\n$/);
});

test("what is waited for is a live line on a terminal, of which nothing stays", async () => {
  const { out, text } = output(true);
  const answer = output(false);
  const progress = new Progress(out);
  const result = await progress.wait("previewing", async () => {
    progress.print("one", answer.out);
    return 7;
  });
  assert.equal(result, 7);
  const [before, ...shown] = text().split("\r\x1b[K");
  assert.equal(before, "");
  assert.match(shown[0] ?? "", /^… previewing \d+ s/);
  assert.equal(shown.at(-1), "");
  assert.equal(answer.text(), "one\n");
});

test("elsewhere it is one line, also when it fails", async () => {
  const { out, text } = output(false);
  const failing = new Progress(out).wait("previewing", async () => {
    throw new Error("no");
  });
  await assert.rejects(failing, /^Error: no$/);
  assert.equal(text(), "  previewing …\n");
});
