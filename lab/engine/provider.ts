// Part of the stand-ins for machines without downloads: serves resource types to the Pulumi engine.
//
// Secrets never reach this process as such (`acceptSecrets` stays off): the engine sends plain values and marks an output secret
// when the input of the same name is, or when the program names it in `additionalSecretOutputs`. The official providers arrive at the same state.
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { connect } from "node:net";
import grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import { message } from "./errors.ts";
import { fromStruct, type Properties, present, toStruct } from "./properties.ts";

/** What the engine serves on: the last argument of its plugins. */
export const engineAddress = process.argv.slice(2).findLast((argument) => !argument.startsWith("-"));

export interface Failure {
  property: string;
  reason: string;
}

/** One operation on one resource. */
export interface Operation {
  name: string;
  /** Empty when it is created. */
  id: string;
  inputs: Properties;
  preview: boolean;
  /** Fires when the engine is told to stop. */
  cancelled: AbortSignal;
  log: Log;
}

/** `status` lines are shown while the step runs; `warning` lines stay. */
export type Log = (kind: "status" | "warning" | "error", message: string) => void;

export interface Old {
  inputs: Properties;
  outputs: Properties;
}

/** One resource type. What the engine calls, with plain data. */
export interface ResourceType {
  /** `before` are the inputs of the existing resource. */
  check(inputs: Properties, name: string, before: Properties): { inputs: Properties; failures: Failure[] };
  diff(old: Old, inputs: Properties): provider.DiffResponse;
  create(operation: Operation): Promise<{ id: string; outputs: Properties }>;
  update(operation: Operation, old: Old): Promise<Properties>;
  /** The current resource; undefined if it is gone. */
  read?(outputs: Properties, id: string): Properties | undefined | Promise<Properties | undefined>;
  delete?(operation: Operation, outputs: Properties): Promise<void>;
}

/** What a provider can have besides resource types. */
export interface Extras {
  /** What is wrong with its configuration. */
  checkConfiguration?(configuration: Properties): Failure[];
  configure?(configuration: Properties): void;
  /** Functions (data sources), by token. */
  invokes?: Record<string, (inputs: Properties) => Properties>;
}

/** What the messages of all resource operations have in common. */
interface Subject {
  getUrn(): string;
  getName(): string;
  getType(): string;
}

export function serve(version: string, types: Record<string, ResourceType>, extras: Extras = {}): void {
  const cancel = new AbortController();
  const log = engineLog(engineAddress);

  const typeOf = (subject: Subject): ResourceType => {
    const type = types[subject.getType()];
    if (type) return type;
    throw new Error(`${subject.getType()} is not part of this stand-in; it needs the official plugin`);
  };

  /** Runs one operation, and answers only when the engine has all its log lines. */
  async function operate<T>(
    subject: Subject,
    id: string,
    inputs: Properties,
    preview: boolean,
    work: (operation: Operation) => Promise<T>,
  ) {
    const lines = log(subject.getUrn());
    const operation = {
      name: subject.getName(),
      id,
      inputs,
      preview,
      cancelled: cancel.signal,
      log: lines.log,
    };
    return await work(operation).finally(lines.sent);
  }

  const implementation = {
    checkConfig: unary((request: provider.CheckRequest) => {
      const response = new provider.CheckResponse();
      response.setInputs(request.getNews());
      addFailures(response, extras.checkConfiguration?.(present(fromStruct(request.getNews()))) ?? []);
      return response;
    }),
    diffConfig: unary(() => new provider.DiffResponse()),
    configure: unary((request: provider.ConfigureRequest) => {
      extras.configure?.(present(fromStruct(request.getArgs())));
      const response = new provider.ConfigureResponse();
      response.setSupportspreview(true);
      return response;
    }),
    getPluginInfo: unary(() => {
      const response = new plugin.PluginInfo();
      response.setVersion(version);
      return response;
    }),
    cancel: unary(() => {
      cancel.abort();
      return new emptypb.Empty();
    }),
    check: unary((request: provider.CheckRequest) => {
      const { inputs, failures } = typeOf(request).check(
        present(fromStruct(request.getNews())),
        request.getName(),
        present(fromStruct(request.getOlds())),
      );
      const response = new provider.CheckResponse();
      response.setInputs(toStruct(inputs));
      addFailures(response, failures);
      return response;
    }),
    diff: unary((request: provider.DiffRequest) => {
      return typeOf(request).diff(old(request), present(fromStruct(request.getNews())));
    }),
    create: unary(async (request: provider.CreateRequest) => {
      const inputs = present(fromStruct(request.getProperties()));
      const { id, outputs } = await operate(request, "", inputs, request.getPreview(), (it) =>
        typeOf(request).create(it),
      );
      const response = new provider.CreateResponse();
      response.setId(id);
      response.setProperties(toStruct(outputs));
      return response;
    }),
    update: unary(async (request: provider.UpdateRequest) => {
      const inputs = present(fromStruct(request.getNews()));
      const work = (it: Operation) => typeOf(request).update(it, old(request));
      const response = new provider.UpdateResponse();
      response.setProperties(
        toStruct(await operate(request, request.getId(), inputs, request.getPreview(), work)),
      );
      return response;
    }),
    read: unary(async (request: provider.ReadRequest) => {
      const outputs = fromStruct(request.getProperties());
      const type = typeOf(request);
      const now = type.read ? await type.read(outputs, request.getId()) : outputs;
      const response = new provider.ReadResponse();
      if (now === undefined) return response; // without an id, it is gone
      response.setId(request.getId());
      response.setProperties(toStruct(now));
      response.setInputs(request.getInputs());
      return response;
    }),
    invoke: unary((request: provider.InvokeRequest) => {
      const work = extras.invokes?.[request.getTok()];
      if (!work)
        throw new Error(`${request.getTok()} is not part of this stand-in; it needs the official plugin`);
      const response = new provider.InvokeResponse();
      response.setReturn(toStruct(work(present(fromStruct(request.getArgs())))));
      return response;
    }),
    delete: unary(async (request: provider.DeleteRequest) => {
      const outputs = fromStruct(request.getProperties());
      await operate(request, request.getId(), outputs, false, async (it) =>
        typeOf(request).delete?.(it, outputs),
      );
      return new emptypb.Empty();
    }),
  };

  listen((server) => server.addService(providerGrpc.ResourceProviderService, implementation));
}

interface Failing {
  addFailures(): { setProperty(property: string): unknown; setReason(reason: string): unknown };
}

function addFailures(response: Failing, failures: readonly Failure[]): void {
  for (const { property, reason } of failures) {
    const failure = response.addFailures();
    failure.setProperty(property);
    failure.setReason(reason);
  }
}

interface Changing {
  getOlds(): Parameters<typeof fromStruct>[0];
  getOldInputs(): Parameters<typeof fromStruct>[0];
}

function old(request: Changing): Old {
  return { inputs: present(fromStruct(request.getOldInputs())), outputs: fromStruct(request.getOlds()) };
}

let running = 0;

/** A gRPC handler from a function; whatever it throws is the error the user reads. */
export function unary<Request, Response>(
  work: (request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return async ({ request }, callback) => {
    running++;
    try {
      callback(null, await work(request));
    } catch (error) {
      callback({
        code: grpc.status.UNKNOWN,
        details: message(error),
      });
    } finally {
      running--;
    }
  };
}

/** Serves on a free port, and tells the engine which one by printing it. Calls `orphaned` when the engine has gone. */
export function listen(register: (server: grpc.Server) => void, orphaned = () => {}): void {
  const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
  const server = new grpc.Server(unlimited);
  register(server);
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(port);
    flushCompileCache(); // the engine ends its plugins with SIGKILL: nothing is written at exit
  });
  endWithEngine(orphaned);
}

const parent = process.ppid;

/**
 * A killed engine must leave no plugin behind, but a step that is under way runs to its end, as with the official
 * providers. One that was killed while Node.js started here was never seen as the parent: its address tells.
 */
function endWithEngine(orphaned: () => void): void {
  setInterval(async () => {
    if (process.ppid === parent && (await answers(engineAddress))) return;
    orphaned();
    if (running === 0) process.exit();
  }, 1000);
}

async function answers(address: string | undefined): Promise<boolean> {
  if (address === undefined) return true;
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const SEVERITIES = { status: "INFO", warning: "WARNING", error: "ERROR" } as const;

/** Log lines of one resource, shown by the engine below its row. */
function engineLog(address: string | undefined) {
  let client: InstanceType<typeof engineGrpc.EngineClient> | undefined;
  return (urn: string): { log: Log; sent: () => Promise<void> } => {
    let pending = Promise.resolve();
    const log: Log = (kind, message) => {
      if (address === undefined) return;
      client ??= new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
      const request = new engine.LogRequest();
      request.setUrn(urn);
      request.setSeverity(engine.LogSeverity[SEVERITIES[kind]]);
      request.setEphemeral(kind === "status");
      request.setMessage(message);
      const send = () => new Promise<void>((resolve) => client?.log(request, () => resolve()));
      // One after the other, so that lines keep their order; a line that cannot be shown fails no step.
      pending = pending.then(send);
    };
    return { log, sent: async () => await pending };
  };
}
