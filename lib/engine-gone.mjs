// Plain JavaScript, as main.mjs, which imports it.

/**
 * Whether this is what a call to the engine ends with once a step has failed: the engine's last answer to what was
 * being registered, or, for what comes later, that of the connection that the runtime has closed on that answer.
 *
 * @param {unknown} reason of a rejection
 * @returns {boolean}
 */
export function isEngineGone(reason) {
  const { details, message } = Object(reason);
  return (
    /resource monitor shut down/.test(String(details)) || /Channel has been shut down/.test(String(message))
  );
}
