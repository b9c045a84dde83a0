'use strict';

/* The environment variables that AWS Lambda gives every function. What the manifest says wins. */

const { randomBytes } = require('node:crypto');

const DEFAULT_ACCOUNT = '000000000000';
const DEFAULT_REGION = 'us-east-1';
const DEFAULT_RUNTIME = 'nodejs24.x';

const PATH = '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin';

/* "node24", as layers name their folders for one version. */
function runtimeName(spec) {
  return /^(node)js(\d+)/.exec(spec.settings?.runtime ?? DEFAULT_RUNTIME)?.slice(1).join('') ?? 'node';
}

function nameOf(spec) {
  return spec.settings?.function_name ?? spec.name.replace(/^.*\//, '');
}

function arnOf(spec) {
  const region = process.env.AWS_REGION ?? DEFAULT_REGION;
  const account = spec.settings?.account_id ?? DEFAULT_ACCOUNT;
  return spec.settings?.arn ?? `arn:aws:lambda:${region}:${account}:function:${nameOf(spec)}`;
}

/* What is the same for every instance of the function, hence set in the zygote. */
function defineEnvironment(spec) {
  const name = nameOf(spec);
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? DEFAULT_REGION;
  const root = process.env.LAMBDA_TASK_ROOT ?? spec.settings?.task_root ?? '/var/task';
  const defaults = {
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${spec.settings?.runtime ?? DEFAULT_RUNTIME}`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memory_mb ?? 128),
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_REGION: region,
    LD_LIBRARY_PATH: '/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    LAMBDA_TASK_ROOT: root,
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    NODE_PATH: `/opt/nodejs/${runtimeName(spec)}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task`,
    PWD: root,
    SHLVL: '0',
    TZ: ':UTC',
    _HANDLER: spec.settings?.handler ?? 'index.handler',
  };
  for (const [key, value] of Object.entries(defaults)) {
    process.env[key] ??= value;
  }
  /* These every process here has; Lambda has others. */
  for (const [key, value] of Object.entries({ LANG: 'en_US.UTF-8', PATH })) {
    process.env[key] = spec.env?.[key] ?? value;
  }
}

/* One log stream an execution environment, so this waits for the fork. */
function defineLogStream() {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  process.env.AWS_LAMBDA_LOG_STREAM_NAME ??=
    `${day}/[$LATEST]${randomBytes(16).toString('hex')}`;
}

module.exports = { arnOf, defineEnvironment, defineLogStream };
