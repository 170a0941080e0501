// The only JavaScript here: Pulumi runs a pack's TypeScript through an old compiler, but leaves what JavaScript imports
// to Node, which runs TypeScript itself.
import { flushCompileCache } from "node:module";
import "./pack.ts";

// Where Node keeps what it compiled (NODE_COMPILE_CACHE), it does so as a process ends: the engine kills this one.
flushCompileCache();
