// Part of the stand-in language host: runs a policy pack, as the official one does.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import type { Readable } from "node:stream";
import grpc from "@grpc/grpc-js";
import type analyzer from "@pulumi/pulumi/proto/analyzer_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import { message } from "./errors.ts";
import { type StartPack, startPolicyProxy } from "./policy-proxy.ts";
import { fromStruct } from "./properties.ts";

type Call = grpc.ServerWritableStream<language.RunPluginRequest, language.RunPluginResponse>;
type Pack = ChildProcessByStdio<null, Readable, Readable>;

/** Runs until the pack ends or the engine cancels the call; what the pack prints goes to the engine as it comes. */
export async function runPlugin(call: Call): Promise<void> {
  const cancel = new AbortController();
  call.on("cancelled", () => cancel.abort());
  try {
    const kind = call.request.getKind();
    if (kind !== "analyzer") throw new Error(`a ${kind} plugin needs the official language host`);
    await runPolicyPack(call, cancel.signal);
    call.end();
  } catch (error) {
    if (cancel.signal.aborted) call.end();
    else call.emit("error", { code: grpc.status.UNKNOWN, details: message(error) });
  }
}

async function runPolicyPack(call: Call, signal: AbortSignal): Promise<void> {
  const run = locate(call.request); // before anything is started: it fails where nothing is installed
  const ended = Promise.withResolvers<void>();
  const startPack: StartPack = async (stack) => {
    const pack = spawnPack(call.request, run, stack, signal);
    once(pack, "close").then(([code]) => {
      if (code === 0) ended.resolve();
      else ended.reject(new Error(`Program exited with non-zero exit code: ${code}`));
    }, ended.reject);
    pack.stderr.on("data", (chunk: Buffer) => call.write(new language.RunPluginResponse().setStderr(chunk)));
    return await portOf(pack, (chunk) => call.write(new language.RunPluginResponse().setStdout(chunk)));
  };
  const proxy = await startPolicyProxy(startPack);
  try {
    call.write(new language.RunPluginResponse().setStdout(Buffer.from(`${proxy.port}\n`)));
    signal.addEventListener("abort", () => ended.resolve());
    await ended.promise;
  } finally {
    proxy.close();
  }
}

function programDirectory(request: language.RunPluginRequest): string {
  return request.getInfo()?.getProgramDirectory() ?? request.getPwd();
}

function locate(request: language.RunPluginRequest): string {
  const folder = programDirectory(request);
  try {
    return createRequire(path.join(folder, "package.json")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  } catch {
    throw new Error(`The Pulumi SDK has not been installed. Have you run npm install in ${folder}?`);
  }
}

function spawnPack(
  request: language.RunPluginRequest,
  run: string,
  stack: analyzer.AnalyzerStackConfigureRequest | undefined,
  signal: AbortSignal,
): Pack {
  const folder = programDirectory(request);
  const { nodeargs } = fromStruct(request.getInfo()?.getOptions());
  const nodeArguments =
    typeof nodeargs === "string" ? nodeargs.split(/\s+/).filter((word) => word !== "") : [];
  return spawn(process.execPath, [run, ...nodeArguments, ...request.getArgsList(), folder], {
    cwd: folder,
    env: { ...process.env, ...ofTheEngine(request), ...(stack === undefined ? {} : ofTheStack(stack)) },
    stdio: ["ignore", "pipe", "pipe"],
    signal,
    killSignal: "SIGKILL",
  });
}

function ofTheEngine(request: language.RunPluginRequest): Record<string, string> {
  return Object.fromEntries(
    request.getEnvList().map((entry) => {
      const equals = entry.indexOf("=");
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

function ofTheStack(stack: analyzer.AnalyzerStackConfigureRequest): Record<string, string> {
  return {
    PULUMI_NODEJS_ORGANIZATION: stack.getOrganization(),
    PULUMI_NODEJS_PROJECT: stack.getProject(),
    PULUMI_NODEJS_STACK: stack.getStack(),
    PULUMI_NODEJS_DRY_RUN: String(stack.getDryRun()),
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(stack.getConfigMap().entries())),
  };
}

/** The first line that the pack prints is its port; the rest is for the user. */
async function portOf(pack: Pack, rest: (chunk: Buffer) => void): Promise<number> {
  return await new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\n");
      if (end === -1) return;
      pack.stdout.off("data", read).on("data", rest);
      if (end + 1 < head.length) rest(head.subarray(end + 1));
      resolve(Number(head.subarray(0, end).toString()));
    };
    pack.stdout.on("data", read);
    pack.on("close", () => reject(new Error("could not read policy pack port: it ended first")));
    pack.on("error", reject);
  });
}
