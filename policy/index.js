// The only JavaScript here: Pulumi runs a pack's TypeScript through an old compiler, but leaves what JavaScript imports
// to Node, which runs TypeScript itself.
import "./pack.ts";
