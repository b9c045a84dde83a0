'use strict';
/* The gateway's address for requests that stay inside the platform, and the token that says who asks. */

/** Takes both out of the environment, which is the user's to read. url: null without a gateway. */
function takeOrigin() {
  const { MAYFLY_ORIGIN: url, MAYFLY_ORIGIN_TOKEN: token = '' } = process.env;
  delete process.env.MAYFLY_ORIGIN;
  delete process.env.MAYFLY_ORIGIN_TOKEN;
  return { url: url ? new URL(url) : null, token };
}

module.exports = { takeOrigin };
