/* What is told of APIs, and where their parts come from besides one template. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, functionNamed, projectOf, visit } from './harness.js';

const handler = (text) => `exports.handler = async () => ${JSON.stringify(text)};\n`;
const told = ({ diagnostics }) => diagnostics.map(({ severity, text }) => `${severity}: ${text}`);
const OPEN = 'authorizers do not run here: everybody may call it';

test('SAM: authorizers of APIs, of all APIs and of events are told', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'template.yaml': `
Globals:
  HttpApi: { Auth: { DefaultAuthorizer: Jwt } }
Resources:
  Api: { Type: AWS::Serverless::Api, Properties: { StageName: x, Auth: { DefaultAuthorizer: Pool } } }
  Keys: { Type: AWS::Serverless::Api, Properties: { StageName: x, Auth: { ApiKeyRequired: true } } }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f.handler
      Runtime: nodejs24.x
      Events:
        Pool: { Type: Api, Properties: { Path: /pool, Method: get, RestApiId: !Ref Api } }
        Open: { Type: Api, Properties: { Path: /open, Method: get, RestApiId: !Ref Api, Auth: { Authorizer: NONE } } }
        Keys: { Type: Api, Properties: { Path: /keys, Method: get, RestApiId: !Ref Keys } }
        Iam: { Type: Api, Properties: { Path: /iam, Method: get, Auth: { Authorizer: AWS_IAM } } }
        Http: { Type: HttpApi, Properties: { Path: /http, Method: get } }
        Plain: { Type: Api, Properties: { Path: /plain, Method: get } }
`,
    'f.js': handler('f'),
  }));
  assert.deepEqual(told(manifest), [`warning: template.yaml: F.Pool (Pool) and 3 more routes: ${OPEN}`]);
});

test('serverless.yml: authorizers and private routes are told', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'serverless.yml': `
service: s
provider: { name: aws, runtime: nodejs24.x }
functions:
  f:
    handler: f.handler
    events:
      - http: { path: /a, method: get, authorizer: { name: auth } }
      - http: { path: /b, method: get, private: true }
      - httpApi: { path: /c, method: get, authorizer: jwt }
      - http: { path: /d, method: get }
`,
    'f.js': handler('f'),
  }));
  assert.deepEqual(told(manifest), [`warning: serverless.yml: f./a (auth) and 2 more routes: ${OPEN}`]);
});

test('Terraform: a REST method\'s authorization is told, and the security of a definition', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'main.tf': `
resource "aws_lambda_function" "f" {
  function_name = "f"
  handler       = "f.handler"
  runtime       = "nodejs24.x"
  filename      = "f.zip"
}
resource "aws_api_gateway_rest_api" "api" { name = "api" }
resource "aws_api_gateway_method" "get" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  resource_id   = aws_api_gateway_rest_api.api.root_resource_id
  http_method   = "GET"
  authorization = "CUSTOM"
}
resource "aws_api_gateway_integration" "get" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  resource_id = aws_api_gateway_method.get.resource_id
  http_method = aws_api_gateway_method.get.http_method
  type        = "AWS_PROXY"
  uri         = aws_lambda_function.f.invoke_arn
}
resource "aws_api_gateway_rest_api" "spec" {
  name = "spec"
  body = jsonencode({ security = [{ pool = [] }], paths = {
    "/pets" = { get = { "x-amazon-apigateway-integration" = { type = "aws_proxy", uri = aws_lambda_function.f.invoke_arn } } }
    "/open" = { get = { security = [], "x-amazon-apigateway-integration" = { type = "aws_proxy", uri = aws_lambda_function.f.invoke_arn } } }
  } })
}
`,
    'f.js': handler('f'),
  }));
  assert.deepEqual(told(manifest), [`warning: main.tf: aws_api_gateway_integration.get (CUSTOM) and 1 more route: ${OPEN}`]);
});

test('SAM and serverless.yml: resources of the API that is made for events', async (t) => {
  const resources = (api) => `
  Extra: { Type: AWS::ApiGateway::Resource, Properties: { RestApiId: !Ref ${api}, ParentId: !GetAtt ${api}.RootResourceId, PathPart: extra } }
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref ${api}
      ResourceId: !Ref Extra
      HttpMethod: GET
      Integration: { Type: AWS_PROXY, Uri: !Sub 'arn:aws:lambda:path/functions/\${FLambdaFunction.Arn}/invocations' }
`;
  const sam = await build(t, projectOf(t, {
    'template.yaml': `
Resources:
  FLambdaFunction:
    Type: AWS::Serverless::Function
    Properties: { Handler: f.handler, Runtime: nodejs24.x, Events: { A: { Type: Api, Properties: { Path: /a, Method: get } } } }
${resources('ServerlessRestApi')}`,
    'f.js': handler('f'),
  }));
  assert.deepEqual(told(sam), []);
  assert.equal(visit(sam, 'GET', '/extra').function, 'lambda/FLambdaFunction');
  const framework = await build(t, projectOf(t, {
    'serverless.yml': `
service: s
provider: { name: aws, runtime: nodejs24.x }
functions: { f: { handler: f.handler, events: [{ http: GET /a }] } }
resources:
  Resources: ${resources('ApiGatewayRestApi').replaceAll('\n', '\n  ')}`,
    'f.js': handler('f'),
  }));
  assert.deepEqual(told(framework), []);
  assert.equal(visit(framework, 'GET', '/extra').function, 'lambda/s-dev-f');
});

test('SAM: definitions in files of the project are read', async (t) => {
  const get = (uri) => ({ 'x-amazon-apigateway-integration': { type: 'aws_proxy', httpMethod: 'POST', uri } });
  const manifest = await build(t, projectOf(t, {
    'infra/template.yaml': `
Resources:
  Included:
    Type: AWS::Serverless::Api
    Properties: { StageName: x, DefinitionBody: { Fn::Transform: { Name: AWS::Include, Parameters: { Location: ./api.yaml } } } }
  Named: { Type: AWS::Serverless::HttpApi, Properties: { DefinitionUri: api.json } }
  Away: { Type: AWS::Serverless::Api, Properties: { StageName: x, DefinitionUri: 's3://bucket/api.yaml' } }
  F: { Type: AWS::Serverless::Function, Properties: { FunctionName: f, Handler: f.handler, Runtime: nodejs24.x } }
`,
    'infra/api.yaml': `
openapi: 3.0.1
paths:
  /included:
    get: { x-amazon-apigateway-integration: { type: aws_proxy, uri: { Fn::Sub: 'arn:aws:lambda:path/functions/\${F.Arn}/invocations' } } }
`,
    'infra/api.json': JSON.stringify({ openapi: '3.0.1', paths: { '/named': { get: get('arn:aws:lambda:path/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations') } } }),
    'infra/f.js': handler('f'),
  }));
  assert.deepEqual(told(manifest), [
    'warning: infra/template.yaml: Away: a definition that is no file of this project is not read, its routes are not served; write it into the template (DefinitionBody)',
  ]);
  assert.equal(visit(manifest, 'GET', '/included').function, 'lambda/f');
  assert.equal(visit(manifest, 'GET', '/named').settings.api, 'http');
});

test('two APIs that have a route in common: the first is served, and that is told', async (t) => {
  const fn = (name, path) => `
  ${name}:
    Type: AWS::Serverless::Function
    Properties: { Handler: f.handler, Runtime: nodejs24.x, Events: { A: { Type: HttpApi, Properties: { Path: '${path}', Method: get } }, B: { Type: HttpApi, Properties: { Path: /${name}, Method: get } } } }
`;
  const manifest = await build(t, projectOf(t, {
    'one/template.yaml': `Resources:${fn('Items', '/items/{id}')}`, 'one/f.js': handler('1'),
    'two/template.yaml': `Resources:${fn('Others', '/items/{other}')}`, 'two/f.js': handler('2'),
  }));
  assert.deepEqual(told(manifest), [
    'warning: two/template.yaml: GET /items/{other} (Others): "Items" answers there already, as all APIs have one address here; this function has its own, http://others.localhost; "stacks" in mayfly.json says which stacks are served',
  ]);
  assert.equal(visit(manifest, 'GET', '/items/7').function, 'lambda/Items');
});

test('the CDK: each of several allowed origins is answered', async (t) => {
  const template = '#set($origin = $input.params().header.get("Origin"))\n#if($origin == "")\n  #set($origin = $input.params().header.get("origin"))\n#end\n' +
    '#if($origin == "https://b.example")\n  #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)\n#end';
  const manifest = await build(t, projectOf(t, {
    'cdk.out/S.template.json': JSON.stringify({ Resources: {
      Rest: { Type: 'AWS::ApiGateway::RestApi', Properties: {} },
      Options: { Type: 'AWS::ApiGateway::Method', Properties: {
        HttpMethod: 'OPTIONS', RestApiId: { Ref: 'Rest' }, ResourceId: { 'Fn::GetAtt': ['Rest', 'RootResourceId'] },
        Integration: { Type: 'MOCK', IntegrationResponses: [{
          StatusCode: '204', ResponseParameters: { 'method.response.header.Access-Control-Allow-Origin': "'https://a.example'" }, ResponseTemplates: { 'application/json': template },
        }] },
      } },
      F: { Type: 'AWS::Lambda::Function', Properties: { Handler: 'index.handler', Runtime: 'nodejs24.x', Code: { ZipFile: handler('f') } } },
    } }),
  }));
  const answer = (origin) => visit(manifest, 'OPTIONS', '/', { headers: { origin } }).headers['access-control-allow-origin'];
  assert.deepEqual(['https://a.example', 'https://b.example', 'https://bxexample'].map(answer), [
    'https://a.example', 'https://b.example', 'https://a.example',
  ]);
  assert.equal(functionNamed(manifest, 'lambda/F').endpoints.length, 2);
});
