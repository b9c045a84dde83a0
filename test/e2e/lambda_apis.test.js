/* APIs of CloudFormation's resources by real requests: events, parameters, and what browsers ask before they send. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import test from 'node:test';
import { startPlatform } from './harness.js';

const TEMPLATE = `
Resources:
  Echo:
    Type: AWS::Lambda::Function
    Properties: { Handler: echo.handler, Runtime: nodejs24.x, Code: . }
  Rest: { Type: AWS::ApiGateway::RestApi, Properties: { Name: items } }
  Item:
    Type: AWS::ApiGateway::Resource
    Properties: { RestApiId: !Ref Rest, ParentId: !GetAtt Rest.RootResourceId, PathPart: '{id}' }
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Rest
      ResourceId: !Ref Item
      HttpMethod: GET
      Integration:
        Type: AWS_PROXY
        IntegrationHttpMethod: POST
        Uri: !Sub arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Echo.Arn}/invocations
  Options:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Rest
      ResourceId: !Ref Item
      HttpMethod: OPTIONS
      Integration:
        Type: MOCK
        IntegrationResponses: [{ StatusCode: 204, ResponseParameters: { method.response.header.Access-Control-Allow-Origin: "'*'" } }]
  Http: { Type: AWS::ApiGatewayV2::Api, Properties: { Name: books, ProtocolType: HTTP } }
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Http, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Echo.Arn, PayloadFormatVersion: '2.0' }
  Book:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Http, RouteKey: 'GET /books/{isbn}', Target: !Sub 'integrations/\${Integration}' }
`;

test('REST and HTTP APIs of a CloudFormation template answer at their paths', async (t) => {
  const echo = 'exports.handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });\n';
  const platform = await startPlatform(t, { files: { 'template.yaml': TEMPLATE, 'echo.js': echo } });
  const rest = await (await platform.fetch('/7?a=1')).json();
  assert.deepEqual([rest.resource, rest.httpMethod, rest.pathParameters, rest.queryStringParameters], ['/{id}', 'GET', { id: '7' }, { a: '1' }]);
  const http = await (await platform.fetch('/books/9')).json();
  assert.deepEqual([http.version, http.routeKey, http.pathParameters], ['2.0', 'GET /books/{isbn}', { isbn: '9' }]);
  const preflight = await platform.fetch('/7', { method: 'OPTIONS' });
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin'), await preflight.text()], [204, '*', '']);
  assert.equal((await platform.fetch('/7', { method: 'PUT' })).status, 404);
});

/** As node:http sends it: with the names that it is given. */
function sendNamed(url, headers) {
  return new Promise((resolve, reject) => {
    request(url, { headers }, async (response) => resolve(JSON.parse((await response.toArray()).join('')))).on('error', reject).end();
  });
}

test('a REST API shows the names of headers as the client wrote them, and its own in capitals; an HTTP API lowers them', async (t) => {
  const echo = 'exports.handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });\n';
  const platform = await startPlatform(t, { files: { 'template.yaml': TEMPLATE, 'echo.js': echo } });
  const sent = { Host: 'localhost', 'X-GitHub-Event': 'push', 'Stripe-Signature': 't=1', authorization: 'Bearer x', 'user-agent': 'hooks/1', 'x-AMZ-CLIENT-CONTEXT': '', 'X-Twice': ['1', '2'] };
  const { headers, multiValueHeaders } = await sendNamed(new URL('/7', platform.origin), sent);
  const names = ['Host', 'X-GitHub-Event', 'Stripe-Signature', 'authorization', 'User-Agent', 'x-AMZ-CLIENT-CONTEXT', 'X-Twice', 'X-Forwarded-For', 'X-Forwarded-Port', 'X-Forwarded-Proto', 'X-Amzn-Trace-Id'];
  assert.deepEqual(Object.keys(headers).toSorted(), names.toSorted());
  assert.deepEqual(Object.keys(multiValueHeaders).toSorted(), names.toSorted());
  assert.deepEqual([headers['X-GitHub-Event'], headers['X-Twice'], multiValueHeaders['X-Twice']], ['push', '2', ['1', '2']]);
  const http = await sendNamed(new URL('/books/9', platform.origin), sent);
  assert.deepEqual([http.headers['x-github-event'], http.headers['x-twice'], http.headers['X-Twice']], ['push', '1,2', undefined]);
});

test('functions reach one another, and their APIs, by the URLs that the template gives them', async (t) => {
  const platform = await startPlatform(t, { files: {
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs24.x } }
Resources:
  Front:
    Type: AWS::Serverless::Function
    Properties:
      Handler: front.handler
      Events: { Get: { Type: Api, Properties: { Path: /front, Method: get } } }
      Environment:
        Variables:
          BACK_URL: !GetAtt BackUrl.FunctionUrl
          API_URL: !Sub https://\${ServerlessRestApi}.execute-api.\${AWS::Region}.amazonaws.com/Prod/back
  Back:
    Type: AWS::Serverless::Function
    Properties:
      Handler: back.handler
      FunctionUrlConfig: { AuthType: NONE }
      Events: { Get: { Type: Api, Properties: { Path: /back, Method: get } } }
`,
    'front.js': `exports.handler = async () => {
  const texts = [process.env.BACK_URL, process.env.API_URL].map(async (url) => (await fetch(url)).text());
  return { statusCode: 200, body: (await Promise.all(texts)).join() };
};
`,
    'back.js': "exports.handler = async ({ rawPath, path }) => ({ statusCode: 200, body: `back at ${rawPath ?? path}` });\n",
  } });
  assert.equal(await (await platform.fetch('/front')).text(), 'back at /,back at /back');
});
