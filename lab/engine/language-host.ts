// Stand-in for the official Node.js language host, only for machines that cannot download it: runs the program for the engine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import path from "node:path";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import { fromStruct, type Properties } from "./properties.ts";
import { engineAddress, listen, unary } from "./provider.ts";
import { runPlugin } from "./run-plugin.ts";

/** The program's way to say that it has already told the user what is wrong. */
const ALREADY_REPORTED = 32;

const cancel = new AbortController();

async function run(request: language.RunRequest): Promise<language.RunResponse> {
  const info = request.getInfo() ?? new language.ProgramInfo();
  const options = fromStruct(info.getOptions());
  const program = spawn(process.execPath, [...nodeArguments(options), ...programArguments(request, info)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...programEnvironment(request, options) },
    signal: cancel.signal,
    killSignal: "SIGINT",
  });
  const response = new language.RunResponse();
  const [code, signal] = await once(program, "exit");
  if (code === ALREADY_REPORTED) response.setBail(true);
  else if (code !== 0)
    response.setError(`Program exited with ${signal ? `signal ${signal}` : `non-zero exit code: ${code}`}`);
  return response;
}

function nodeArguments({ nodeargs }: Properties): string[] {
  return typeof nodeargs === "string" ? nodeargs.split(/\s+/).filter((word) => word !== "") : [];
}

function programArguments(request: language.RunRequest, info: language.ProgramInfo): string[] {
  const directory = info.getProgramDirectory();
  const values = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    pwd: request.getPwd(),
    "root-directory": info.getRootDirectory(),
    parallel: String(request.getParallel()),
  };
  return [
    createRequire(path.join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run"),
    ...Object.entries(values).flatMap(([name, value]) => (value ? [`--${name}=${value}`] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    path.resolve(directory, info.getEntryPoint()),
    ...request.getArgsList(),
  ];
}

function programEnvironment(
  request: language.RunRequest,
  { typescript }: Properties,
): Record<string, string> {
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    ...(typescript === false ? {} : { PULUMI_NODEJS_TYPESCRIPT: "true" }),
  };
}

// The engine is told that everything else (code generation, installing packages) is not implemented.
const implementation = {
  // The plugins are on PATH, so the engine need not look for any.
  getRequiredPlugins: unary(() => new language.GetRequiredPluginsResponse()),
  getRequiredPackages: unary(() => new language.GetRequiredPackagesResponse()),
  getPluginInfo: unary(() => new plugin.PluginInfo()),
  run: unary(run),
  runPlugin,
  cancel: unary(() => {
    cancel.abort();
    return new emptypb.Empty();
  }),
};

// A program without its engine can wait forever, so it ends with it.
listen(
  (server) => server.addService(languageGrpc.LanguageRuntimeService, implementation),
  () => cancel.abort(),
);
