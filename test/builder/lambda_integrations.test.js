import assert from 'node:assert/strict';
import test from 'node:test';
import { build, integrationAt, projectOf, visit } from './harness.js';

const handler = (text) => `exports.handler = async () => ${JSON.stringify(text)};\n`;

const templateOf = (resources) => ({
  'f.js': 'exports.handler = async () => 1;\n',
  'template.yaml': `Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: f.handler\n      Runtime: nodejs24.x\n${resources}`,
});

test('SAM: APIs and executions that do not run here are told once, and nothing of what is served', async (t) => {
  const told = async (resources) => (await build(t, projectOf(t, templateOf(resources)))).diagnostics.map(({ severity, text }) => `${severity}: ${text}`);
  const definition = `
  Api:
    Type: AWS::Serverless::Api
    Properties: { StageName: prod, DefinitionBody: { openapi: 3.0.1, paths: { /orders: { get: {} } } } }
`;
  const proxies = 'what it leads to does not run here, or is not known before it is deployed';
  assert.deepEqual(await told(definition), [`warning: template.yaml: GET /orders (no integration): ${proxies}`]);
  const event = '      Events: { Get: { Type: Api, Properties: { RestApiId: !Ref Api, Path: /orders, Method: get } } }';
  assert.deepEqual(await told(event + definition), []);
  assert.deepEqual(await told(`
  Rest: { Type: AWS::ApiGateway::RestApi }
  Get: { Type: AWS::ApiGateway::Method, Properties: { RestApiId: !Ref Rest, HttpMethod: GET, Integration: { Type: MOCK } } }
  Put: { Type: AWS::ApiGateway::Method, Properties: { RestApiId: !Ref Rest, HttpMethod: PUT, Integration: { Type: AWS } } }
  Empty:
  Bare: { Type: AWS::ApiGateway::Method, Properties: { RestApiId: !Ref Rest, HttpMethod: GET, Integration: } }
  None: { Type: AWS::ApiGateway::Method, Properties: !Ref Nothing }
  Odd: { Type: AWS::Lambda::Alias, Properties: !Ref Nothing }
  OfOdd: { Type: AWS::ApiGateway::Method, Properties: { RestApiId: !Ref Rest, HttpMethod: GET, Integration: { Uri: !Ref Odd } } }
  Chat: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  Connect: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref Chat, RouteKey: $connect } }
`), [
    'warning: template.yaml: Resources/Empty and 1 more: nothing stands there, which AWS refuses ("null values are not allowed in templates")',
    `warning: template.yaml: Get (MOCK) and 4 more routes: ${proxies}`,
    'warning: template.yaml: Chat: WebSocket APIs do not run here: invoke their functions with the events that they would get',
  ]);
  assert.deepEqual(await told(`
  Quick: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: HTTP } }
  To: { Type: AWS::ApiGatewayV2::Integration, Properties: { ApiId: !Ref Quick, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn } }
  Mine:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Quick, RouteKey: GET /mine, AuthorizationType: JWT, Target: !Sub 'integrations/\${To}' }
`), ['warning: template.yaml: Mine (JWT): authorizers do not run here: everybody may call it']);
  assert.deepEqual(await told('      DurableConfig: { ExecutionTimeout: 60 }\n'), [
    'warning: template.yaml: function "F": durable executions do not run here, it is invoked as any other; ' +
      'AWS\' test runner (@aws/durable-execution-sdk-js-testing) runs them',
  ]);
});

test('the only function of a project does not answer for an API that leads past it', async (t) => {
  const files = (type) => ({
    'template.yaml': `
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties: { Handler: orders.handler, Runtime: nodejs24.x, Events: { Queue: { Type: SQS, Properties: { Queue: !GetAtt Queue.Arn } } } }
  Queue: { Type: AWS::SQS::Queue }
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefinitionBody:
        openapi: 3.0.1
        paths: { /submit: { post: { x-amazon-apigateway-integration: { ${type}, payloadFormatVersion: "1.0" } } } }
`,
    'orders.js': handler('orders'),
  });
  const past = await build(t, projectOf(t, files('type: aws_proxy, integrationSubtype: SQS-SendMessage')));
  assert.deepEqual([visit(past, 'POST', '/submit').function, visit(past, 'GET', '/').function], [undefined, undefined]);
  assert.equal(visit(past, 'GET', '/', { host: 'orders.localhost' }).function, 'lambda/Orders');
  const unknown = await build(t, projectOf(t, files('type: aws_proxy, uri: "${stageVariables.uri}"')));
  assert.equal(visit(unknown, 'POST', '/submit').function, 'lambda/Orders');
});

test('Terraform: integrations with SQS, EventBridge and functions are read with their templates and responses', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'main.tf': `
resource "aws_sqs_queue" "jobs" { name = "jobs" }
resource "aws_lambda_function" "f" {
  function_name = "f"
  handler       = "f.handler"
  runtime       = "nodejs24.x"
  filename      = "f.zip"
}
resource "aws_api_gateway_rest_api" "rest" { name = "rest" }
resource "aws_api_gateway_integration" "send" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_rest_api.rest.root_resource_id
  http_method             = "POST"
  integration_http_method = "POST"
  type                    = "AWS"
  passthrough_behavior    = "NEVER"
  uri                     = "arn:aws:apigateway:eu-west-1:sqs:path/000000000000/\${aws_sqs_queue.jobs.name}"
  request_parameters      = { "integration.request.header.Content-Type" = "'application/x-www-form-urlencoded'" }
  request_templates       = { "application/json" = "Action=SendMessage&MessageBody=$input.body" }
}
resource "aws_api_gateway_integration_response" "sent" {
  rest_api_id        = aws_api_gateway_rest_api.rest.id
  resource_id        = aws_api_gateway_rest_api.rest.root_resource_id
  http_method        = "POST"
  status_code        = "200"
  selection_pattern  = "^2[0-9][0-9]"
  response_templates = { "application/json" = "{}" }
}
resource "aws_api_gateway_resource" "async" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "async"
}
resource "aws_api_gateway_integration" "async" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_resource.async.id
  http_method             = "POST"
  integration_http_method = "POST"
  type                    = "AWS"
  uri                     = aws_lambda_function.f.invoke_arn
  request_templates       = { "application/json" = "#if(" }
}
resource "aws_apigatewayv2_api" "http" {
  name          = "http"
  protocol_type = "HTTP"
}
resource "aws_apigatewayv2_integration" "put" {
  api_id              = aws_apigatewayv2_api.http.id
  integration_type    = "AWS_PROXY"
  integration_subtype = "EventBridge-PutEvents"
  request_parameters  = { Source = "shop", DetailType = "Placed", Detail = "$request.body" }
}
resource "aws_apigatewayv2_route" "put" {
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "POST /events"
  target    = "integrations/\${aws_apigatewayv2_integration.put.id}"
}
resource "aws_apigatewayv2_integration" "flow" {
  api_id              = aws_apigatewayv2_api.http.id
  integration_type    = "AWS_PROXY"
  integration_subtype = "StepFunctions-StartExecution"
}
resource "aws_apigatewayv2_route" "flow" {
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "POST /flow"
  target    = "integrations/\${aws_apigatewayv2_integration.flow.id}"
}
`,
    'f.js': handler('f'),
  }));
  const { templates, passthrough, parameters, ...send } = integrationAt(manifest, 'POST', '/');
  assert.deepEqual(send, {
    method: 'POST', service: 'sqs', region: 'eu-west-1', path: '000000000000/jobs',
    responses: [{ pattern: '^2[0-9][0-9]', status: 200, parameters: {}, templates: { 'application/json': '{}' } }],
  });
  assert.deepEqual([templates, passthrough], [{ 'application/json': 'Action=SendMessage&MessageBody=$input.body' }, 'NEVER']);
  assert.deepEqual(parameters, { 'integration.request.header.Content-Type': "'application/x-www-form-urlencoded'" });
  const { service, path } = integrationAt(manifest, 'POST', '/async');
  assert.deepEqual([service, path], ['lambda', '2015-03-31/functions/f/invocations']);
  assert.deepEqual(integrationAt(manifest, 'POST', '/events'), {
    subtype: 'EventBridge-PutEvents', region: 'us-east-1', parameters: { Source: 'shop', DetailType: 'Placed', Detail: '$request.body' },
  });
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text.replace(/line 1:.*/s, 'line 1')), [
    'main.tf: aws_api_gateway_integration.async: its mapping template for application/json: Parse error on line 1',
    'main.tf: aws_apigatewayv2_route.flow (StepFunctions-StartExecution): what it leads to does not run here, or is not known before it is deployed',
  ]);
});
