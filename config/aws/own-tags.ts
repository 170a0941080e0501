/** Tags by which the program's things are found again, by it and by people. Docs: docs/aws.md. */

export const CLUSTER = "etcd:cluster";
/** Of the stack, as `organization/project/stack`. */
export const STACK = "etcd:stack";
export const NODE = "etcd:node";
/** Of an instance: the digest of what made it this one (cluster/machines.ts). */
export const MADE_FROM = "etcd:made-from";
