import assert from 'node:assert/strict';
import test from 'node:test';
import { build, evaluate, functionNamed, integrationAt, projectOf, visit } from './harness.js';

const handler = (text) => `exports.handler = async () => ${JSON.stringify(text)};\n`;

test('Terraform: an HTTP API leads to its functions, the longer and the more certain path first', async (t) => {
  const project = projectOf(t, {
    'main.tf': `
resource "aws_lambda_function" "users" {
  function_name = "users"
  handler       = "users.handler"
  runtime       = "nodejs24.x"
  filename      = "users.zip"
}
resource "aws_lambda_function" "rest" {
  function_name = "rest"
  handler       = "rest.handler"
  runtime       = "nodejs24.x"
  filename      = "rest.zip"
}
resource "aws_apigatewayv2_api" "http" {
  name          = "shop"
  protocol_type = "HTTP"
  cors_configuration {
    allow_origins = ["https://shop.example"]
    allow_methods = ["GET"]
  }
}
resource "aws_apigatewayv2_integration" "users" {
  api_id                 = aws_apigatewayv2_api.http.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.users.invoke_arn
  payload_format_version = "2.0"
}
resource "aws_apigatewayv2_integration" "rest" {
  api_id           = aws_apigatewayv2_api.http.id
  integration_type = "AWS_PROXY"
  integration_uri  = aws_lambda_function.rest.arn
}
resource "aws_apigatewayv2_route" "any" {
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "ANY /users/{proxy+}"
  target    = "integrations/\${aws_apigatewayv2_integration.rest.id}"
}
resource "aws_apigatewayv2_route" "users" {
  for_each  = toset(["GET /users", "GET /users/{id}", "DELETE /users/{id}"])
  api_id    = aws_apigatewayv2_api.http.id
  route_key = each.value
  target    = "integrations/\${aws_apigatewayv2_integration.users.id}"
}
`,
    'users.js': handler('users'), 'rest.js': handler('rest'),
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(visit(manifest, 'GET', '/users').function, 'lambda/users');
  assert.equal(visit(manifest, 'GET', '/users/7').function, 'lambda/users');
  assert.equal(visit(manifest, 'OPTIONS', '/users/7').function, 'lambda/users');
  assert.equal(visit(manifest, 'PUT', '/users/7').function, 'lambda/rest');
  assert.equal(visit(manifest, 'GET', '/users/7/orders').function, 'lambda/rest');
  const [, , ...events] = functionNamed(manifest, 'lambda/users').endpoints;
  assert.deepEqual(events.map(({ settings }) => settings.route_key).sort(), ['DELETE /users/{id}', 'GET /users', 'GET /users/{id}']);
  const { cors, payload, preflight_only: only } = events[0].settings;
  assert.deepEqual([cors.allow_origins, payload, only], [['https://shop.example'], '2.0', true]);
  assert.equal(functionNamed(manifest, 'lambda/rest').endpoints[2].settings.payload, '1.0');
});

test('Terraform: a REST API of resources, methods and proxy integrations', async (t) => {
  const project = projectOf(t, {
    'main.tf': `
resource "aws_lambda_function" "api" {
  function_name = "api"
  handler       = "api.handler"
  runtime       = "nodejs24.x"
  filename      = "api.zip"
}
resource "aws_api_gateway_rest_api" "api" {
  name               = "api"
  binary_media_types = ["image/png"]
}
resource "aws_api_gateway_resource" "users" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  parent_id   = aws_api_gateway_rest_api.api.root_resource_id
  path_part   = "users"
}
resource "aws_api_gateway_resource" "user" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  parent_id   = aws_api_gateway_resource.users.id
  path_part   = "{id}"
}
resource "aws_api_gateway_method" "user" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  resource_id   = aws_api_gateway_resource.user.id
  http_method   = "GET"
  authorization = "NONE"
}
resource "aws_api_gateway_integration" "user" {
  rest_api_id             = aws_api_gateway_rest_api.api.id
  resource_id             = aws_api_gateway_method.user.resource_id
  http_method             = aws_api_gateway_method.user.http_method
  integration_http_method = "POST"
  type                    = "AWS_PROXY"
  uri                     = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\${aws_lambda_function.api.arn}/invocations"
}
resource "aws_api_gateway_integration" "root" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  resource_id = aws_api_gateway_rest_api.api.root_resource_id
  http_method = "ANY"
  type        = "AWS_PROXY"
  uri         = aws_lambda_function.api.invoke_arn
}
resource "aws_api_gateway_integration" "mock" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  resource_id = aws_api_gateway_resource.users.id
  http_method = "OPTIONS"
  type        = "MOCK"
}
`,
    'api.js': handler('api'),
  });
  const manifest = await build(t, project);
  const events = functionNamed(manifest, 'lambda/api').endpoints.slice(2);
  assert.deepEqual(events.map(({ settings: { api, payload, resource, binary_types: types } }) => [api, payload, resource, types]), [
    ['rest', '1.0', '/', ['image/png']], ['rest', '1.0', '/users/{id}', ['image/png']],
  ]);
  assert.equal(visit(manifest, 'GET', '/users/7').function, 'lambda/api');
  assert.equal(visit(manifest, 'PATCH', '/').function, 'lambda/api');
  assert.equal(visit(manifest, 'POST', '/users/7').function, undefined);
});

test('the CDK: REST and HTTP APIs of resources, as they are synthesized', async (t) => {
  const uri = (to) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':apigateway:', { Ref: 'AWS::Region' }, ':lambda:path/2015-03-31/functions/', to, '/invocations']] });
  const arn = { 'Fn::GetAtt': ['Fn', 'Arn'] };
  const root = { 'Fn::GetAtt': ['Rest', 'RootResourceId'] };
  const resource = (ParentId, PathPart) => ({ Type: 'AWS::ApiGateway::Resource', Properties: { ParentId, PathPart, RestApiId: { Ref: 'Rest' } } });
  const method = (ResourceId, HttpMethod, Integration) => ({ Type: 'AWS::ApiGateway::Method', Properties: { HttpMethod, Integration, ResourceId, RestApiId: { Ref: 'Rest' } } });
  const proxy = (to) => ({ IntegrationHttpMethod: 'POST', Type: 'AWS_PROXY', Uri: uri(to) });
  const cors = { Type: 'MOCK', IntegrationResponses: [{ StatusCode: '204', ResponseParameters: {
    'method.response.header.Access-Control-Allow-Origin': "'*'", 'method.response.header.Access-Control-Allow-Methods': "'GET,PUT'",
  } }] };
  const route = (RouteKey) => ({ Type: 'AWS::ApiGatewayV2::Route', Properties: { ApiId: { Ref: 'Http' }, RouteKey, Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] } } });
  const project = projectOf(t, {
    'cdk.out/Stack.template.json': JSON.stringify({ Resources: {
      Fn: { Type: 'AWS::Lambda::Function', Properties: { Handler: 'index.handler', Runtime: 'nodejs24.x', Code: {} }, Metadata: { 'aws:asset:path': 'asset.abc' } },
      Version: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Fn' } } },
      Live: { Type: 'AWS::Lambda::Alias', Properties: { FunctionName: { Ref: 'Fn' }, FunctionVersion: { 'Fn::GetAtt': ['Version', 'Version'] }, Name: 'live' } },
      Rest: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'items', BinaryMediaTypes: ['image/png'] } },
      Items: resource(root, 'items'), Item: resource({ Ref: 'Items' }, '{id}'), Files: resource(root, '{proxy+}'),
      Root: method(root, 'GET', proxy(arn)), Get: method({ Ref: 'Item' }, 'GET', proxy({ Ref: 'Version' })), Put: method({ Ref: 'Item' }, 'PUT', proxy({ Ref: 'Live' })),
      Options: method({ Ref: 'Item' }, 'OPTIONS', cors), Any: method({ Ref: 'Files' }, 'ANY', proxy(arn)),
      Http: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'http', ProtocolType: 'HTTP', CorsConfiguration: { AllowOrigins: ['https://a.example'], MaxAge: 5 } } },
      Integration: { Type: 'AWS::ApiGatewayV2::Integration', Properties: { ApiId: { Ref: 'Http' }, IntegrationType: 'AWS_PROXY', IntegrationUri: arn, PayloadFormatVersion: '2.0' } },
      Book: route('GET /books/{isbn}'),
      Spec: { Type: 'AWS::ApiGateway::RestApi', Properties: { Body: { paths: { '/pets': { post: { 'x-amazon-apigateway-integration': { type: 'aws_proxy', uri: uri(arn) } } } } } } },
      Quick: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP', RouteKey: 'POST /quick', Target: arn } },
    } }),
    'cdk.out/asset.abc/index.js': handler('synthesized'),
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const to = (verb, url) => {
    const { function: fn, params, settings } = visit(manifest, verb, url);
    return [fn, settings?.api, settings?.payload, params];
  };
  assert.deepEqual(to('GET', '/'), ['lambda/Fn', 'rest', '1.0', {}]);
  assert.deepEqual(to('PUT', '/items/7'), ['lambda/Fn', 'rest', '1.0', { id: '7' }]);
  assert.deepEqual(to('GET', '/items/7'), ['lambda/Fn', 'rest', '1.0', { id: '7' }]);
  assert.deepEqual(to('GET', '/books/7'), ['lambda/Fn', 'http', '2.0', { isbn: '7' }]);
  assert.deepEqual(to('POST', '/pets'), ['lambda/Fn', 'rest', '1.0', {}]);
  assert.deepEqual(to('POST', '/quick'), ['lambda/Fn', 'http', '2.0', {}]);
  assert.equal(to('DELETE', '/other/path')[0], 'lambda/Fn');
  const { status, headers } = visit(manifest, 'OPTIONS', '/items/7');
  assert.deepEqual([status, headers], [204, { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET,PUT' }]);
  const events = functionNamed(manifest, 'lambda/Fn').endpoints.map(({ settings }) => settings);
  assert.deepEqual(events.find(({ resource }) => resource === '/items/{id}').binary_types, ['image/png']);
  assert.deepEqual(events.find(({ route_key: key }) => key === 'GET /books/{isbn}').cors, { allow_origins: ['https://a.example'], max_age: 5 });
});

test('Terraform: an OpenAPI body is served, and what is no proxy of a function is told', async (t) => {
  const project = projectOf(t, {
    'main.tf': `
resource "aws_lambda_function" "f" {
  function_name = "f"
  handler       = "f.handler"
  runtime       = "nodejs24.x"
  filename      = "f.zip"
}
resource "aws_apigatewayv2_api" "chat" {
  name          = "chat"
  protocol_type = "WEBSOCKET"
}
resource "aws_api_gateway_rest_api" "spec" {
  name = "spec"
  body = jsonencode({ paths = {
    "/pets" = { get = { "x-amazon-apigateway-integration" = { type = "aws_proxy", uri = aws_lambda_function.f.invoke_arn } } }
    "/http" = { get = { "x-amazon-apigateway-integration" = { type = "http", uri = "https://a.example" } } }
    "/stage" = { get = { "x-amazon-apigateway-integration" = { type = "aws", uri = "arn:aws:apigateway:us-east-1:s3:path/$\${stageVariables.bucket}" } } }
    "/link" = { get = { "x-amazon-apigateway-integration" = { type = "http_proxy", uri = "http://lb.internal/", connectionType = "VPC_LINK" } } }
    "/put" = { post = { "x-amazon-apigateway-integration" = { type = "aws_proxy", integrationSubtype = "EventBridge-PutEvents" } } }
  } })
}
`,
    'f.js': handler('f'),
  });
  const manifest = await build(t, project);
  assert.equal(visit(manifest, 'GET', '/pets').function, 'lambda/f');
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), [
    'main.tf: GET /http (HTTP) and 3 more routes: what it leads to does not run here, or is not known before it is deployed',
    'main.tf: aws_apigatewayv2_api.chat: WebSocket APIs do not run here: invoke their functions with the events that they would get',
  ]);
});

test('Terraform: local modules are worked out for each call, with paths, outputs and instances', async (t) => {
  const project = projectOf(t, {
    'infra/main.tf': `
variable "stage" { default = "dev" }
module "worker" {
  for_each = { mail = 10, pdf = 20 }
  source   = "./modules/fn"
  name     = "\${var.stage}-\${each.key}"
  timeout  = each.value
  source_dir = "\${path.module}/../src/\${each.key}"
}
module "front" {
  source = "./modules/fn"
  name   = "front"
  source_dir = "\${path.root}/../src/front"
  variables  = { MAIL = module.worker["mail"].arn, NAMES = join(",", [for w in module.worker : w.name]) }
}
resource "aws_lambda_function_url" "front" {
  function_name      = module.front.name
  authorization_type = "NONE"
}
`,
    'infra/terraform.tfvars': 'stage = "test"\n',
    'infra/modules/fn/main.tf': `
variable "name" {}
variable "source_dir" {}
variable "timeout" { default = 7 }
variable "variables" { default = {} }
data "archive_file" "zip" {
  type        = "zip"
  source_dir  = var.source_dir
  output_path = "\${path.module}/\${var.name}.zip"
}
resource "aws_lambda_function" "this" {
  function_name    = var.name
  filename         = data.archive_file.zip.output_path
  source_code_hash = data.archive_file.zip.output_base64sha256
  handler          = "index.handler"
  runtime          = "nodejs24.x"
  timeout          = var.timeout
  environment {
    variables = merge({ OWN = path.module }, var.variables)
  }
}
output "arn" { value = aws_lambda_function.this.arn }
output "name" { value = aws_lambda_function.this.function_name }
`,
    'src/mail/index.js': handler('mail'), 'src/pdf/index.ts': 'export const handler = async (): Promise<string> => "pdf";\n',
    'src/front/index.js': handler('front'),
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(manifest.functions.map((fn) => [fn.name, fn.timeout_ms, fn.endpoints[0].file]).sort(), [
    ['lambda/front', 7000, 'src/front/index.js'], ['lambda/test-mail', 10_000, 'src/mail/index.js'],
    ['lambda/test-pdf', 20_000, 'src/pdf/index.ts'],
  ]);
  const { env } = functionNamed(manifest, 'lambda/front');
  assert.match(env.MAIL, /^arn:aws:lambda:us-east-1:\d+:function:test-mail$/);
  assert.equal(env.NAMES, 'test-mail,test-pdf');
});

test('Terraform: code that stands in its own files, templates of text, logging, aliases', async (t) => {
  const project = projectOf(t, {
    'main.tf': `
data "archive_file" "code" {
  type        = "zip"
  output_path = "inline.zip"
  source {
    filename = "index.mjs"
    content  = <<-EOF
      import { text } from './text.mjs';
      export const handler = async () => text;
    EOF
  }
  source {
    filename = "text.mjs"
    content  = templatefile("\${path.module}/text.tpl", { name = "world", of = { day = 3 } })
  }
}
resource "aws_lambda_function" "inline" {
  function_name = "inline"
  filename      = data.archive_file.code.output_path
  handler       = "index.handler"
  runtime       = "nodejs24.x"
  publish       = true
  logging_config {
    log_format            = "JSON"
    application_log_level = "WARN"
  }
}
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.inline.arn
  function_version = aws_lambda_function.inline.version
}
`,
    'text.tpl': "export const text = 'hello ${name} ${of.day}';\n",
  });
  const fn = functionNamed(await build(t, project), 'lambda/inline');
  assert.equal(evaluate(fn, "load('index').then((module) => module.handler())"), 'hello world 3');
  assert.deepEqual(fn.settings.aliases, { 1: '1', live: '1' });
  assert.deepEqual([fn.env.AWS_LAMBDA_LOG_FORMAT, fn.env.AWS_LAMBDA_LOG_LEVEL], ['JSON', 'WARN']);
});

test('SAM: globals, conditions, URLs, CORS and code in the template', async (t) => {
  const project = projectOf(t, {
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Globals:
  Function:
    Runtime: nodejs24.x
    Timeout: 9
    LoggingConfig: { LogFormat: JSON }
    Environment: { Variables: { STAGE: !Ref Stage } }
  HttpApi:
    CorsConfiguration: { AllowOrigins: ['*'], AllowMethods: [GET] }
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties: { StageName: Prod, BinaryMediaTypes: ['image~1png'], Cors: "'https://a.example'" }
  Inline:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      InlineCode: "exports.handler = async () => 'inline';"
      AutoPublishAlias: live
      MemorySize: !If [IsProd, 1024, 256]
      FunctionUrlConfig:
        AuthType: AWS_IAM
        InvokeMode: RESPONSE_STREAM
        Cors: { AllowOrigins: ['https://x.example'], MaxAge: 5 }
      Events:
        Http: { Type: HttpApi, Properties: { Path: /items, Method: get } }
        Rest: { Type: Api, Properties: { Path: /img, Method: post, RestApiId: !Ref Api } }
  OnlyProd:
    Type: AWS::Serverless::Function
    Condition: IsProd
    Properties: { Handler: nowhere.handler }
`,
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(manifest.functions.map(({ name }) => name), ['lambda/Inline']);
  const fn = functionNamed(manifest, 'lambda/Inline');
  assert.deepEqual([fn.memory_mb, fn.timeout_ms, fn.env.STAGE, fn.env.AWS_LAMBDA_LOG_LEVEL], [256, 9000, 'dev', 'INFO']);
  assert.deepEqual(fn.settings.aliases, { 1: '1', live: '1' });
  const [url, , http, rest] = fn.endpoints.map(({ settings }) => settings);
  assert.deepEqual(url, {
    url: true, auth_type: 'AWS_IAM', invoke_mode: 'RESPONSE_STREAM', cors: { allow_origins: ['https://x.example'], max_age: 5 },
  });
  assert.deepEqual(http.cors, { allow_methods: ['GET'], allow_origins: ['*'] });
  assert.deepEqual([rest.binary_types, rest.cors], [['image/png'], { allow_origins: ['https://a.example'] }]);
  assert.equal(evaluate(fn, "load('index').handler()"), 'inline');
  assert.equal(visit(manifest, 'GET', '/items').function, 'lambda/Inline');
});

test('Terraform: an integration leads to the function that its URI refers to, though the region in it is not known', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'main.tf': `
variable "region" {}
resource "aws_lambda_function" "hello" {
  function_name = "say-hello"
  handler       = "hello.handler"
  runtime       = "nodejs24.x"
}
resource "aws_api_gateway_rest_api" "api" {
  name = "api"
}
resource "aws_api_gateway_resource" "hello" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  parent_id   = aws_api_gateway_rest_api.api.root_resource_id
  path_part   = "hello"
}
resource "aws_api_gateway_integration" "hello" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  resource_id = aws_api_gateway_resource.hello.id
  http_method = "GET"
  type        = "AWS_PROXY"
  uri         = "arn:aws:apigateway:\${var.region}:lambda:path/2015-03-31/functions/\${aws_lambda_function.hello.arn}/invocations"
}
`,
    'hello.js': handler('hello'),
  }));
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(visit(manifest, 'GET', '/hello').function, 'lambda/say-hello');
});

test('Terraform: functions and APIs that modules of the registry make', async (t) => {
  const project = projectOf(t, {
    'main.tf': `
module "hello" {
  source        = "terraform-aws-modules/lambda/aws"
  version       = "~> 7.0"
  function_name = "hello"
  handler       = "hello.handler"
  runtime       = "nodejs22.x"
  timeout       = 11
  source_path   = "\${path.module}/src"
  environment_variables      = { MODE = "test" }
  create_lambda_function_url = true
  cors                       = { allow_origins = ["*"] }
}
module "one_file" {
  source        = "terraform-aws-modules/lambda/aws"
  function_name = "one-file"
  handler       = "alone.handler"
  runtime       = "nodejs24.x"
  source_path   = [{ path = "./src/alone.js", npm_requirements = false }]
}
module "api" {
  source = "terraform-aws-modules/apigateway-v2/aws"
  name   = "api"
  routes = {
    "GET /hello" = { integration = { uri = module.hello.lambda_function_arn, payload_format_version = "1.0" } }
    "POST /events" = { integration = { type = "AWS_PROXY", subtype = "EventBridge-PutEvents", request_parameters = { Source = "shop", DetailType = "x", Detail = "$request.body" } } }
  }
}
module "older_api" {
  source       = "terraform-aws-modules/apigateway-v2/aws"
  version      = "~> 4.0"
  integrations = {
    "POST /jobs" = {
      integration_type    = "AWS_PROXY"
      integration_subtype = "SQS-SendMessage"
      request_parameters  = jsonencode({ QueueUrl = "https://sqs.us-east-1.amazonaws.com/000000000000/jobs", MessageBody = "$request.body" })
    }
  }
}
`,
    'src/hello.js': handler('hello'), 'src/alone.js': handler('alone'),
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const hello = functionNamed(manifest, 'lambda/hello');
  assert.deepEqual([hello.timeout_ms, hello.env.MODE, hello.endpoints[0].file], [11_000, 'test', 'src/hello.js']);
  assert.deepEqual(hello.endpoints[0].settings.cors, { allow_origins: ['*'] });
  assert.deepEqual([hello.endpoints[2].settings.route_key, hello.endpoints[2].settings.payload], ['GET /hello', '1.0']);
  assert.equal(functionNamed(manifest, 'lambda/one-file').endpoints[0].file, 'src/alone.js');
  assert.deepEqual(integrationAt(manifest, 'POST', '/events').parameters, { Source: 'shop', DetailType: 'x', Detail: '$request.body' });
  assert.equal(integrationAt(manifest, 'POST', '/jobs').parameters.MessageBody, '$request.body');
});

test('the CDK: what it has synthesized, from its assets', async (t) => {
  const project = projectOf(t, {
    'cdk.out/Stack.template.json': JSON.stringify({ Resources: {
      Fn1: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Code: { S3Bucket: { 'Fn::Sub': 'cdk-${AWS::AccountId}' }, S3Key: 'abc.zip' }, Handler: 'index.handler', Runtime: 'nodejs24.x',
          Environment: { Variables: { QUEUE: { Ref: 'Jobs' } } },
        },
        Metadata: { 'aws:asset:path': 'asset.abc', 'aws:asset:property': 'Code' },
      },
      Url: { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM', TargetFunctionArn: { 'Fn::GetAtt': ['Fn1', 'Arn'] } } },
      Jobs: { Type: 'AWS::SQS::Queue' },
    } }),
    'cdk.out/asset.abc/index.js': handler('synthesized'),
  });
  const manifest = await build(t, project);
  const fn = functionNamed(manifest, 'lambda/Fn1');
  assert.equal(fn.endpoints[0].file, 'cdk.out/asset.abc/index.js');
  assert.match(fn.env.QUEUE, /\/Jobs$/);
  assert.equal(fn.endpoints[0].settings.invoke_mode, 'RESPONSE_STREAM');
});

const LAYER = {
  'layer/nodejs/node_modules/in-layer/package.json': '{ "name": "in-layer", "main": "main.js" }',
  'layer/nodejs/node_modules/in-layer/main.js': 'exports.text = "package";\n',
  'layer/nodejs/lib/shared.js': 'exports.text = require("in-layer").text + " shared";\n',
  'src/index.js': "const { text } = require('/opt/nodejs/lib/shared');\nexports.handler = async () => [text, require('in-layer').text];\n",
};

test('layers: their packages and files are part of the function, from Terraform and from SAM', async (t) => {
  const terraform = projectOf(t, {
    ...LAYER,
    'main.tf': `
data "archive_file" "layer" {
  type        = "zip"
  source_dir  = "layer"
  output_path = "layer.zip"
}
resource "aws_lambda_layer_version" "shared" {
  layer_name = "shared"
  filename   = data.archive_file.layer.output_path
}
resource "aws_lambda_function" "layered" {
  function_name = "layered"
  filename      = "layered.zip"
  source_dir    = "src"
  handler       = "index.handler"
  runtime       = "nodejs24.x"
  layers        = [aws_lambda_layer_version.shared.arn, "arn:aws:lambda:us-east-1:1:layer:other:3"]
}
`,
  });
  const sam = projectOf(t, {
    ...LAYER,
    'template.yaml': `
Resources:
  layered:
    Type: AWS::Serverless::Function
    Properties: { Handler: index.handler, Runtime: nodejs24.x, CodeUri: src, Layers: [!Ref Shared] }
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: { ContentUri: layer/nodejs }
    Metadata: { BuildMethod: nodejs24.x }
`,
  });
  const told = 'main.tf: layer other:3: what others have published is not here: install what the functions need of it';
  for (const [project, texts] of [[terraform, [told]], [sam, []]]) {
    const manifest = await build(t, project);
    assert.deepEqual(manifest.diagnostics.map(({ text }) => text), texts);
    assert.deepEqual(evaluate(functionNamed(manifest, 'lambda/layered'), "load('src/index').handler()"), ['package shared', 'package']);
  }
});

test('a layer that is no folder of the project is told once', async (t) => {
  const sam = projectOf(t, {
    'f.js': 'exports.handler = async () => 1;\n', 'packed.zip': 'PK',
    'template.yaml': `
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Handler: f.handler, Runtime: nodejs24.x, Layers: [!Ref Packed, !Ref Gone] } }
  G: { Type: AWS::Serverless::Function, Properties: { Handler: f.handler, Runtime: nodejs24.x, Layers: [!Ref Packed] } }
  Packed: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: packed.zip } }
  Gone: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: gone/ } }
`,
  });
  const terraform = projectOf(t, {
    'tf/f.js': 'exports.handler = async () => 1;\n', 'tf/packed.zip': 'PK',
    'tf/main.tf': `
resource "aws_lambda_layer_version" "packed" {
  layer_name = "packed"
  filename   = "packed.zip"
}
resource "aws_lambda_function" "f" {
  function_name = "f"
  filename      = "f.js"
  handler       = "f.handler"
  runtime       = "nodejs24.x"
  layers        = [aws_lambda_layer_version.packed.arn]
}
`,
  });
  const texts = async (project) => (await build(t, project)).diagnostics.map(({ text }) => text);
  const packed = 'layer packed.zip: it is not unpacked, so nothing of it is at /opt: name the folder that it is made of';
  assert.deepEqual(await texts(sam), [`template.yaml: ${packed}`, 'template.yaml: layer gone: there is no such folder, so nothing of it is at /opt']);
  assert.deepEqual(await texts(terraform), [`tf/main.tf: ${packed.replace('packed', 'tf/packed')}`]);
});
