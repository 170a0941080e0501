/** What is shown of calls to an engine that has ended after a failure: nothing, as the failure itself has been. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import { isEngineGone } from "../../lib/engine-gone.mjs";

test("a call on the connection that the runtime has closed is no failure of its own", () => {
  const client = new Client("127.0.0.1:9", credentials.createInsecure());
  client.close();
  const call = () =>
    client.makeUnaryRequest(
      "/pulumirpc.ResourceMonitor/RegisterResource",
      Buffer.from,
      Buffer.from,
      "",
      () => {},
    );
  assert.throws(call, (reason) => {
    assert.ok(isEngineGone(reason), String(reason));
    // As the serializer of the properties wraps it.
    return isEngineGone(new Error(`error serializing property "create": ${Object(reason).message}`));
  });
});

test("the engine's own answer to what was being registered is none either", () => {
  assert.ok(
    isEngineGone(Object.assign(new Error("14 UNAVAILABLE"), { details: "resource monitor shut down" })),
  );
});

test("every other failure is shown", () => {
  for (const reason of [new Error("connect ECONNREFUSED"), undefined, "Channel", { details: "unknown urn" }])
    assert.equal(isEngineGone(reason), false);
});
