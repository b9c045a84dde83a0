'use strict';

/* What every handler gets to know of its invocation, whichever Node.js its function asks for. */

const { traceHeader } = require('./event');

function parseHeader(text, name) {
  if (!text) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function clientContextOf(exchange) {
  const encoded = exchange.settings.invoke && exchange.headers['x-amz-client-context'];
  return encoded ? Buffer.from(encoded, 'base64').toString('utf8') : undefined;
}

function traceOf(exchange) {
  return exchange.headers['x-amzn-trace-id'] ?? traceHeader(exchange.traceparent);
}

function publishTrace(trace) {
  if (trace) {
    process.env._X_AMZN_TRACE_ID = trace;
  } else {
    delete process.env._X_AMZN_TRACE_ID;
  }
}

/* Of the request, and of the environment: two objects, since the two generations of the managed
 * runtime put them together in different orders. */
function contextParts(exchange, arn) {
  const deadline = exchange.deadlineMs;
  const trace = traceOf(exchange);
  publishTrace(trace);
  return {
    trace,
    environment: {
      functionVersion: exchange.local?.version ?? process.env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    },
    request: {
      clientContext: parseHeader(clientContextOf(exchange), 'ClientContext'),
      identity: undefined,
      invokedFunctionArn: arn,
      awsRequestId: exchange.requestId,
      tenantId: undefined,
    },
    getRemainingTimeInMillis() {
      return deadline - Date.now();
    },
  };
}

module.exports = { contextParts, traceOf };
