'use strict';

/* `awslambda.InvokeStore`: what code far from the handler (the AWS SDK, Powertools) may ask of the
 * invocation in progress. There is one at a time, so it needs no AsyncLocalStorage. */

const REQUEST_ID = Symbol.for('_AWS_LAMBDA_REQUEST_ID');
const TRACE_ID = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID');
const TENANT_ID = Symbol.for('_AWS_LAMBDA_TENANT_ID');
const PROTECTED = new Set([REQUEST_ID, TRACE_ID, TENANT_ID]);

class InvokeStore {
  #current;

  getContext() {
    return this.#current;
  }

  hasContext() {
    return this.#current !== undefined;
  }

  get(key) {
    return this.#current?.[key];
  }

  set(key, value) {
    if (PROTECTED.has(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.#current ??= {};
    this.#current[key] = value;
  }

  run(context, fn) {
    this.#current = context;
    return fn();
  }

  isProtectedKey(key) {
    return PROTECTED.has(key);
  }

  getRequestId() {
    return this.get(REQUEST_ID) ?? '-';
  }

  getXRayTraceId() {
    return this.get(TRACE_ID);
  }

  getTenantId() {
    return this.get(TENANT_ID);
  }
}

const store = new InvokeStore();

/* Runs fn() as part of the invocation that `context` is of. */
function run({ awsRequestId, xRayTraceId }, fn) {
  return store.run({ [REQUEST_ID]: awsRequestId, [TRACE_ID]: xRayTraceId }, fn);
}

module.exports = { run, store };
