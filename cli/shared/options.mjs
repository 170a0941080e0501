// Options that several npm scripts have.

export const stack = /** @type {const} */ ({
  type: "string",
  value: "STACK",
  help: "the stack; default: the selected one",
});
export const refresh = /** @type {const} */ ({
  type: "boolean",
  help: "on EC2: refresh the state of the instances first",
});

/** @param {string} help */
const resources = (help) =>
  /** @type {const} */ ({ type: "string", value: "RESOURCE", multiple: true, help });
/** As pulumi's own options of these names. */
export const selection = {
  replace: resources("replace it, like node2-member or a URN; can be repeated"),
  target: resources("change it and nothing else; can be repeated"),
  exclude: resources("leave it as it is; can be repeated"),
};
