'use strict';
/* The second AWS SDK for JavaScript (npm: aws-sdk) knows no AWS_ENDPOINT_URL, which the third and all others read.
 * Where a function has it, its configuration gets the endpoint when it is loaded, and the path style, for buckets'
 * names cannot be looked up below an address. */

const fs = require('node:fs');
const path = require('node:path');
const { registerHooks } = require('node:module');

/* Where the configuration that counts is made. */
const CONFIG = 'aws-sdk/lib/node_loader.js';
const ADDITION = `
;if (process.env.AWS_ENDPOINT_URL) {
  AWS.config.update({ endpoint: process.env.AWS_ENDPOINT_URL, s3ForcePathStyle: true });
}
`;

/** In a function's zygote, before its code loads. `task`: its folder. Returns the hooks, or null without a need. */
function install(task) {
  if (!process.env.AWS_ENDPOINT_URL || !fs.existsSync(path.join(task, 'node_modules', CONFIG))) return null;
  return registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      return url.endsWith(`/${CONFIG}`) ? { ...loaded, source: `${loaded.source}${ADDITION}` } : loaded;
    },
  });
}

module.exports = { install };
