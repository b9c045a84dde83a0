/* What a REST API's stage is called, which functions get with each request: as the files say. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';

async function stagesIn(t, files) {
  const { functions } = await build(t, projectOf(t, { 'app.js': handler, ...files }));
  return Object.fromEntries(functions.flatMap(({ endpoints }) => endpoints).filter(({ settings }) => settings.api).map(({ name, settings }) => [name, settings.stage]));
}

test('SAM and CloudFormation: of the API that is declared, or its stage or deployment; Prod where nobody says', async (t) => {
  const uri = '!Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"';
  const method = (id, api) =>
    `  ${id}: { Type: AWS::ApiGateway::Method, Properties: { RestApiId: !Ref ${api}, ResourceId: !GetAtt ${api}.RootResourceId, HttpMethod: ${id}, Integration: { Type: AWS_PROXY, Uri: ${uri} } } }\n`;
  assert.deepEqual(await stagesIn(t, {
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Parameters: { Stage: { Type: String, Default: v1 } }
Resources:
  Own: { Type: AWS::Serverless::Api, Properties: { StageName: !Ref Stage } }
  Defined:
    Type: AWS::Serverless::Api
    Properties: { StageName: v2, DefinitionBody: { paths: { /defined: { get: { x-amazon-apigateway-integration: { type: aws_proxy, uri: ${uri} } } } } } }
  Plain: { Type: AWS::ApiGateway::RestApi, Properties: { Name: plain } }
${method('PUT', 'Plain')}  Deployed: { Type: AWS::ApiGateway::Deployment, Properties: { RestApiId: !Ref Plain } }
  Staged: { Type: AWS::ApiGateway::Stage, Properties: { RestApiId: !Ref Plain, DeploymentId: !Ref Deployed, StageName: v3 } }
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: nodejs24.x
      Events:
        Own: { Type: Api, Properties: { Path: /own, Method: get, RestApiId: !Ref Own } }
        Implicit: { Type: Api, Properties: { Path: /implicit, Method: get } }
        Http: { Type: HttpApi, Properties: { Path: /http, Method: get } }
`,
  }), { '/own': 'v1', '/defined': 'v2', '/': 'v3', '/implicit': 'Prod', '/http': '$default' });
});

test('the Serverless Framework and Terraform: the stage of the service, that of the API', async (t) => {
  assert.deepEqual(await stagesIn(t, {
    'serverless.yml': `
service: s
provider: { name: aws, runtime: nodejs24.x, stage: test }
functions: { a: { handler: app.handler, events: [{ http: GET /rest }, { httpApi: GET /http }] } }
`,
  }), { '/rest': 'test', '/http': '$default' });
  assert.deepEqual(await stagesIn(t, {
    'main.tf': `
resource "aws_lambda_function" "app" {
  function_name = "app"
  handler       = "app.handler"
  runtime       = "nodejs24.x"
}
resource "aws_api_gateway_rest_api" "api" {
  name = "api"
}
resource "aws_api_gateway_integration" "get" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  resource_id = aws_api_gateway_rest_api.api.root_resource_id
  http_method = "GET"
  type        = "AWS_PROXY"
  uri         = aws_lambda_function.app.invoke_arn
}
resource "aws_api_gateway_stage" "live" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  stage_name  = "live"
}
`,
  }), { '/': 'live' });
});
