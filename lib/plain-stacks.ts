/**
 * Imported first by what Pulumi's Node.js runtime runs: takes the runtime's source maps out of stack traces. It asks for
 * a stack at every resource and output, and each one was mapped by files that for these programs say nothing, because
 * Node runs TypeScript with every line and column where it is: a quarter of the processor time of a preview.
 */
Reflect.deleteProperty(Error, "prepareStackTrace");
