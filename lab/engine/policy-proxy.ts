// Part of the stand-in language host: stands between the engine and a policy pack until the pack's process runs.
//
// The engine sends the stack's configuration by gRPC, but the pack expects it in its environment. So the engine talks to
// this server, which starts the pack once it knows the configuration, and forwards every further call unchanged.
import grpc from "@grpc/grpc-js";
import analyzerGrpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import analyzer from "@pulumi/pulumi/proto/analyzer_pb.js";
import { message } from "./errors.ts";

/** Starts the pack's process, with the stack's configuration if there is one, and resolves with its port. */
export type StartPack = (stack: analyzer.AnalyzerStackConfigureRequest | undefined) => Promise<number>;

export interface PolicyProxy {
  readonly port: number;
  close(): void;
}

const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

type Bytes = Buffer;
const asTheyAre = (bytes: Bytes): Bytes => bytes;

/** The pack's service with messages left as bytes. */
const service: grpc.ServiceDefinition = Object.fromEntries(
  Object.entries(analyzerGrpc.AnalyzerService).map(([name, { path }]) => [
    name,
    {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: asTheyAre,
      requestDeserialize: asTheyAre,
      responseSerialize: asTheyAre,
      responseDeserialize: asTheyAre,
    },
  ]),
);

export async function startPolicyProxy(startPack: StartPack): Promise<PolicyProxy> {
  let pack: Promise<grpc.Client> | undefined;
  const start = (stack?: Bytes): Promise<grpc.Client> => {
    pack ??= connect(startPack, stack);
    pack.catch(() => {}); // whoever waits for it gets the error
    return pack;
  };

  /** Calls that the proxy answers itself; their answers are empty messages. */
  const own: Record<string, (request: Bytes) => void> = {
    handshake: () => {},
    configureStack: (request) => void start(request),
  };
  const handlers = Object.entries(service).map(([name, { path }]) => {
    const handle: grpc.handleUnaryCall<Bytes, Bytes> = ({ request }, callback) => {
      const answer = own[name];
      if (answer !== undefined) {
        answer(request);
        callback(null, Buffer.alloc(0));
        return;
      }
      start().then(
        (client) => client.makeUnaryRequest(path, asTheyAre, asTheyAre, request, callback),
        (error: unknown) => callback({ code: grpc.status.UNKNOWN, details: message(error) }),
      );
    };
    return [name, handle];
  });

  const server = new grpc.Server(UNLIMITED);
  server.addService(service, Object.fromEntries(handlers));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, close: () => server.forceShutdown() };
}

/** Starts the pack and passes on the configuration, from which it takes the stack's tags. */
async function connect(startPack: StartPack, stack: Bytes | undefined): Promise<grpc.Client> {
  const request =
    stack === undefined ? undefined : analyzer.AnalyzerStackConfigureRequest.deserializeBinary(stack);
  const port = await startPack(request);
  const client = new analyzerGrpc.AnalyzerClient(
    `127.0.0.1:${port}`,
    grpc.credentials.createInsecure(),
    UNLIMITED,
  );
  if (request !== undefined) {
    await new Promise<void>((resolve, reject) => {
      client.configureStack(request, (error) => (error ? reject(error) : resolve()));
    });
  }
  return client;
}
