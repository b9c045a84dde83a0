/* Lambda's Invoke API over HTTP: whom it finds, and what it says of functions that cannot run. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually, startPlatform } from './harness.js';

const FUNCTIONS = {
  good: { handler: 'good.handler', runtime: 'nodejs24.x' },
  broken: { handler: 'broken.handler', runtime: 'nodejs24.x' },
  lost: { handler: 'lost.handler', runtime: 'nodejs24.x' },
  bare: { handler: 'bare', runtime: 'nodejs24.x' },
  leaving: { handler: 'leaving.handler', runtime: 'nodejs24.x' },
  slow: { handler: 'slow.handler', runtime: 'nodejs24.x', timeout: 1 },
  loose: { handler: 'loose.handler', runtime: 'nodejs22.x' },
};
const TERRAFORM = `
resource "aws_lambda_function" "one" {
  function_name                  = "one"
  handler                        = "one.handler"
  runtime                        = "nodejs24.x"
  filename                       = "one.zip"
  timeout                        = 30
  reserved_concurrent_executions = 1
}
resource "aws_lambda_function" "off" {
  function_name                  = "off"
  handler                        = "one.handler"
  runtime                        = "nodejs24.x"
  filename                       = "one.zip"
  reserved_concurrent_executions = 0
}
resource "aws_apigatewayv2_api" "api" {
  name          = "api"
  protocol_type = "HTTP"
}
resource "aws_apigatewayv2_integration" "one" {
  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.one.invoke_arn
  payload_format_version = "2.0"
}
resource "aws_apigatewayv2_route" "one" {
  api_id    = aws_apigatewayv2_api.api.id
  route_key = "GET /one/{how}"
  target    = "integrations/\${aws_apigatewayv2_integration.one.id}"
}
`;
const FILES = {
  'main.tf': TERRAFORM,
  'one.js': `exports.handler = async (event) => {
    if (event.pathParameters?.how === 'exit') process.exit(1);
    await new Promise((resolve) => setTimeout(resolve, event.ms ?? 0));
    return { statusCode: 200, body: 'one' };
  };`,
  'mayfly.json': JSON.stringify({ functions: FUNCTIONS }),
  'good.js': 'exports.handler = async (event) => ({ got: event });',
  'broken.js': 'exports.handler = async () => { let x = ; };',
  'leaving.js': 'exports.handler = async () => 1; process.exit(3);',
  'loose.js': "exports.handler = () => new Promise(() => setTimeout(() => { throw new RangeError('loose'); }, 1));",
  'slow.js': 'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 60_000));',
};

test('the Invoke API', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const invoke = (name, event = {}) => platform.post(`/2015-03-31/functions/${name}/invocations`, event);
  const errorOf = async (name) => {
    const answer = await invoke(name);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-amz-function-error'], 'Unhandled');
    assert.ok(answer.headers['x-amzn-requestid']);
    return answer.json;
  };

  await t.test('what a timer throws is the function\'s error, and is logged', async () => {
    assert.equal((await errorOf('loose')).errorType, 'RangeError');
    await platform.log(/^Uncaught Exception/);
  });

  await t.test('finds functions by name and ARN, and says which are not there', async () => {
    assert.deepEqual((await invoke('good', { n: 1 })).json, { got: { n: 1 } });
    const arn = encodeURIComponent('arn:aws:lambda:us-east-1:000000000000:function:good:$LATEST');
    assert.equal((await invoke(arn)).headers['x-amz-executed-version'], '$LATEST');
    const missing = await invoke('nobody');
    assert.deepEqual([missing.status, missing.headers['x-amzn-errortype']], [404, 'ResourceNotFoundException']);
    assert.deepEqual(missing.json, {
      Message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST', Type: 'User',
    });
    const authorization = 'AWS4-HMAC-SHA256 Credential=mayfly/20260101/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0';
    const { json } = await platform.post('/2015-03-31/functions/nobody/invocations', {}, { headers: { authorization } });
    assert.equal(json.Message, 'Function not found: arn:aws:lambda:eu-west-1:000000000000:function:nobody:$LATEST');
  });

  await t.test('has a function that could not be built fail as its runtime would', async () => {
    const syntax = await errorOf('broken');
    assert.equal(syntax.errorType, 'Runtime.UserCodeSyntaxError');
    assert.match(syntax.errorMessage, /^SyntaxError: broken\.js:1:41: /);
    const lost = await errorOf('lost');
    assert.equal(lost.errorType, 'Runtime.ImportModuleError');
    assert.match(lost.errorMessage, /^Error: Cannot find module 'lost'\nRequire stack:/);
    assert.deepEqual([(await errorOf('bare')).errorType, (await errorOf('bare')).errorMessage],
      ['Runtime.MalformedHandlerName', 'Bad handler']);
  });

  await t.test('tells how an environment ended before it began', async () => {
    const { errorType, errorMessage } = await errorOf('leaving');
    assert.equal(errorType, 'Runtime.ExitError');
    assert.match(errorMessage, /^RequestId: \S+ Error: Runtime exited with error: exit status 3$/);
  });

  await t.test('tells of a time-out', async () => {
    const { errorType, errorMessage } = await errorOf('slow');
    assert.equal(errorType, 'Sandbox.Timedout');
    assert.match(errorMessage, /^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/);
  });

  await t.test('refuses what is beyond the reserved concurrency, at once', async () => {
    /* Two at a time: on a busy machine one may be over before the other comes. */
    const [served, refused] = await eventually(async () => {
      const both = await Promise.all([invoke('one', { ms: 2000 }), invoke('one', { ms: 2000 })]);
      both.sort((a, b) => a.status - b.status);
      return both[1].status !== 200 && both;
    }, 'none of two is refused');
    assert.equal(served.status, 200);
    assert.deepEqual([refused.status, refused.headers['x-amzn-errortype']], [429, 'TooManyRequestsException']);
    assert.deepEqual(refused.json, {
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', Type: 'User', message: 'Rate Exceeded.',
    });
    assert.equal((await invoke('off')).status, 429);
  });

  await t.test('is not what an API answers: it has words of its own for functions that fail', async () => {
    const good = await platform.get('/one/well');
    assert.deepEqual([good.status, good.text, good.headers['content-type']], [200, 'one', 'text/plain;charset=UTF-8']);
    const failed = await platform.get('/one/exit');
    assert.deepEqual([failed.status, failed.json], [500, { message: 'Internal Server Error' }]);
  });
});
