'use strict';
/* Clients of SQS go where a queue's URL leads, whatever AWS_ENDPOINT_URL says, and many handlers make such a URL of their
 * region and account: https://sqs.us-east-1.amazonaws.com/000000000000/jobs. Those in the environment control has moved;
 * for the others a request that is signed with the function's own credentials, which nobody but the endpoint of the same
 * environment knows, goes there. It keeps the host that it was signed with. */

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const { syncBuiltinESMExports } = require('node:module');

const CLIENTS = ['aws-sdk', '@aws-sdk/client-sqs'];
const SQS_HOST = /^sqs\.[a-z0-9-]+\.amazonaws\.com$/;

function isOurs({ host, headers } = {}) {
  if (!SQS_HOST.test(host) || !headers) return false;
  const signature = headers.authorization ?? headers.Authorization;
  return String(signature).includes(`Credential=${process.env.AWS_ACCESS_KEY_ID}/`);
}

/** In a function's zygote, before its code loads. `task`: its folder. */
function install(task) {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (!endpoint || !CLIENTS.some((name) => fs.existsSync(path.join(task, 'node_modules', name)))) return;
  const { request } = https;
  const { hostname: host, port } = new URL(endpoint);
  https.request = function requestAnywhere(...args) {
    const [options, callback] = args;
    if (!isOurs(options)) return Reflect.apply(request, this, args);
    return http.request({ ...options, protocol: 'http:', host, hostname: host, port, agent: undefined }, callback);
  };
  syncBuiltinESMExports();
}

module.exports = { install };
