'use strict';

/* How an environment ended, in Lambda's words. */
function exitText(requestId, code, signal) {
  const how = signal ? `signal: ${signal}` : `exit status ${code}`;
  const reason = code === 0 && !signal
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: ${how}`;
  return `RequestId: ${requestId} Error: ${reason}`;
}

module.exports = { exitText };
