'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createRequire } = require('node:module');
const { install } = require('../../runtime/js/aws_sdk2');

/* A package with the shape of aws-sdk, as far as it matters here. */
function makeTask(t) {
  const task = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-sdk2-')));
  t.after(() => fs.rmSync(task, { recursive: true }));
  const write = (file, text) => {
    const target = path.join(task, 'node_modules/aws-sdk', file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  };
  write('package.json', '{ "name": "aws-sdk", "version": "2.0.0", "main": "lib/aws.js" }');
  write('lib/core.js', 'module.exports = {};\n');
  write('lib/node_loader.js', "var AWS = require('./core');\nAWS.config = { update(more) { Object.assign(this, more); } };\n");
  write('lib/aws.js', "module.exports = require('./core');\nrequire('./node_loader');\n");
  return task;
}

test('the second SDK goes where AWS_ENDPOINT_URL says, by the path style', (t) => {
  process.env.AWS_ENDPOINT_URL = 'http://127.0.0.1:4566';
  const task = makeTask(t);
  const hooks = install(task);
  t.after(() => hooks.deregister());
  const AWS = createRequire(path.join(task, 'x.js'))('aws-sdk');
  assert.equal(AWS.config.endpoint, 'http://127.0.0.1:4566');
  assert.equal(AWS.config.s3ForcePathStyle, true);
});

test('nothing is hooked without the package, or without an endpoint', (t) => {
  process.env.AWS_ENDPOINT_URL = 'http://127.0.0.1:4566';
  assert.equal(install(os.tmpdir()), null);
  delete process.env.AWS_ENDPOINT_URL;
  assert.equal(install(makeTask(t)), null);
});
