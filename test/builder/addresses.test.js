import assert from 'node:assert/strict';
import test from 'node:test';
import { build, functionNamed, projectOf } from './harness.js';

const code = { 'src/api.js': 'exports.handler = async () => 1;\n', 'src/front.js': 'exports.handler = async () => 2;\n' };
const port = 4321;

async function environmentOf(t, files, name) {
  const manifest = await build(t, projectOf(t, { ...code, ...files }), { port });
  assert.deepEqual(manifest.diagnostics, []);
  return functionNamed(manifest, name).env;
}

test('SAM: URLs of functions and APIs in variables are those that they have here', async (t) => {
  const env = await environmentOf(t, { 'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs24.x, CodeUri: src } }
Resources:
  Http: { Type: AWS::Serverless::HttpApi, Properties: { StageName: v1 } }
  Front:
    Type: AWS::Serverless::Function
    Properties: { Handler: front.handler, FunctionUrlConfig: { AuthType: NONE } }
  Other: { Type: AWS::Lambda::Url, Properties: { AuthType: NONE, TargetFunctionArn: !GetAtt Api.Arn } }
  Api:
    Type: AWS::Serverless::Function
    Properties:
      Handler: api.handler
      Events:
        Rest: { Type: Api, Properties: { Path: /a, Method: get } }
        Http: { Type: HttpApi, Properties: { Path: /b, Method: get, ApiId: !Ref Http } }
      Environment:
        Variables:
          FRONT: !GetAtt FrontUrl.FunctionUrl
          OWN: !GetAtt Other.FunctionUrl
          REST: !Sub "https://\${ServerlessRestApi}.execute-api.\${AWS::Region}.amazonaws.com/Prod/a"
          STAGE: !Sub "https://\${Http}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/v1/b?c=https://\${Http}.execute-api.\${AWS::Region}.amazonaws.com/v1"
          HTTP: !GetAtt Http.ApiEndpoint
          ELSEWHERE: https://abcdef.execute-api.us-east-1.amazonaws.com/prod/x https://xyz.lambda-url.us-east-1.on.aws/
` }, 'lambda/Api');
  assert.equal(env.FRONT, 'http://front.localhost:4321/');
  assert.equal(env.OWN, 'http://api.localhost:4321/');
  assert.equal(env.REST, 'http://localhost:4321/a');
  assert.equal(env.STAGE, 'http://localhost:4321/b?c=http://localhost:4321');
  assert.equal(env.HTTP, 'http://localhost:4321');
  assert.equal(env.ELSEWHERE, 'https://abcdef.execute-api.us-east-1.amazonaws.com/prod/x https://xyz.lambda-url.us-east-1.on.aws/');
});

test('the CDK: so are those that it joins, of other stacks too', async (t) => {
  const rest = ['', ['https://', { Ref: 'Rest' }, '.execute-api.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }, '/', { Ref: 'RestStageprod' }, '/']];
  const fn = (name, Variables) => ({ Type: 'AWS::Lambda::Function', Properties: {
    FunctionName: name, Handler: 'index.handler', Runtime: 'nodejs24.x', Code: { ZipFile: 'exports.handler = async () => 1;' }, Environment: { Variables },
  } });
  const env = await environmentOf(t, {
    'cdk.out/manifest.json': JSON.stringify({ version: '1', artifacts: {
      A: { type: 'aws:cloudformation:stack', properties: { templateFile: 'A.template.json', stackName: 'A' } },
      B: { type: 'aws:cloudformation:stack', properties: { templateFile: 'B.template.json', stackName: 'B' } },
    } }),
    'cdk.out/A.template.json': JSON.stringify({
      Resources: {
        Rest: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'My Service' } }, RestStageprod: { Type: 'AWS::ApiGateway::Stage', Properties: { StageName: 'prod', RestApiId: { Ref: 'Rest' } } },
        Front: fn('front', {}), FrontFunctionUrl1A: { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'NONE', TargetFunctionArn: { 'Fn::GetAtt': ['Front', 'Arn'] } } },
      },
      Outputs: { Url: { Value: { 'Fn::GetAtt': ['FrontFunctionUrl1A', 'FunctionUrl'] }, Export: { Name: 'A:Url' } }, Api: { Value: { 'Fn::Join': rest }, Export: { Name: 'A:Api' } } },
    }),
    'cdk.out/B.template.json': JSON.stringify({ Resources: { Api: fn('api', { FRONT: { 'Fn::ImportValue': 'A:Url' }, REST: { 'Fn::ImportValue': 'A:Api' } }) } }),
  }, 'lambda/api');
  assert.deepEqual([env.FRONT, env.REST], ['http://front.localhost:4321/', 'http://localhost:4321/']);
});

test('Terraform and serverless.yml: so are theirs', async (t) => {
  const ofTerraform = await environmentOf(t, { 'main.tf': `
resource "aws_lambda_function" "front" {
  function_name = "front"
  handler = "front.handler"
  runtime = "nodejs24.x"
  filename = "src"
}
resource "aws_lambda_function_url" "front" {
  function_name = aws_lambda_function.front.arn
  authorization_type = "NONE"
}
resource "aws_apigatewayv2_api" "http" {
  name = "http api"
  protocol_type = "HTTP"
}
resource "aws_apigatewayv2_stage" "default" {
  api_id = aws_apigatewayv2_api.http.id
  name = "$default"
}
resource "aws_apigatewayv2_stage" "v1" {
  api_id = aws_apigatewayv2_api.http.id
  name = "v1"
}
resource "aws_lambda_function" "api" {
  function_name = "api"
  handler = "api.handler"
  runtime = "nodejs24.x"
  filename = "src"
  environment {
    variables = {
      FRONT = "\${aws_lambda_function_url.front.function_url}a"
      HTTP  = aws_apigatewayv2_api.http.api_endpoint
      FIRST = aws_apigatewayv2_stage.default.invoke_url
      STAGE = "\${aws_apigatewayv2_stage.v1.invoke_url}/b"
    }
  }
}
` }, 'lambda/api');
  const { FRONT, HTTP, FIRST, STAGE } = ofTerraform;
  assert.deepEqual([FRONT, HTTP, FIRST, STAGE], ['http://front.localhost:4321/a', 'http://localhost:4321', 'http://localhost:4321/', 'http://localhost:4321/b']);
  const ofServerless = await environmentOf(t, { 'serverless.yml': `
service: shop
provider:
  name: aws
  environment: { FRONT: !GetAtt FrontLambdaFunctionUrl.FunctionUrl, HTTP: !GetAtt HttpApi.ApiEndpoint, REST: !Sub "https://\${ApiGatewayRestApi}.execute-api.\${AWS::Region}.amazonaws.com/dev" }
functions:
  api: { handler: src/api.handler, events: [ { http: GET /a }, { httpApi: GET /b } ] }
  front: { handler: src/front.handler, url: true }
` }, 'lambda/shop-dev-api');
  assert.deepEqual([ofServerless.FRONT, ofServerless.HTTP, ofServerless.REST], ['http://shop-dev-front.localhost:4321/', 'http://localhost:4321', 'http://localhost:4321']);
});
