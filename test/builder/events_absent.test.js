/* What brings events at AWS and does not run here is told, so that nobody waits for it: once, with all that it is said of. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';
const texts = ({ diagnostics }) => diagnostics.map(({ severity, text }) => `${severity}: ${text}`).toSorted();
const invoke = 'do not come by themselves here: invoke the function with one';

test('CloudFormation: services that permissions let invoke functions are told, but for those that are here', async (t) => {
  const permission = (id, fn, principal) =>
    `  ${id}: { Type: AWS::Lambda::Permission, Properties: { Action: "lambda:InvokeFunction", FunctionName: ${fn}, Principal: ${principal} } }\n`;
  const built = await build(t, projectOf(t, {
    'app.js': handler,
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: nodejs24.x, Handler: app.handler } }
Resources:
  Topic: { Type: AWS::SNS::Topic, Properties: { Subscription: [{ Protocol: lambda, Endpoint: !GetAtt A.Arn }] } }
  A: { Type: AWS::Serverless::Function }
  B: { Type: AWS::Serverless::Function }
  Graph: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: g, AuthenticationType: API_KEY } }
${permission('P1', '!Ref A', 'sns.amazonaws.com')}${permission('P2', '!GetAtt B.Arn', 'sns.amazonaws.com')}${
  permission('P3', '!Ref A', '!Sub "logs.${AWS::Region}.amazonaws.com"')}${permission('P4', '!Ref A', 'apigateway.amazonaws.com')}${
  permission('P5', '!Ref A', '"*"')}${permission('P6', '!Ref A', '"123456789012"')}`,
  }));
  assert.deepEqual(texts(built), [
    `warning: template.yaml: A and 1 more: events of this kind (sns) ${invoke}`,
    `warning: template.yaml: A: events of this kind (logs) ${invoke}`,
    'warning: template.yaml: Graph: APIs of AppSync do not run here: invoke their functions with the events that they would get',
  ]);
});

test('Terraform: of subscriptions and the permissions that go with them one line is told', async (t) => {
  const built = await build(t, projectOf(t, {
    'app.js': handler,
    'main.tf': `
resource "aws_lambda_function" "app" {
  function_name = "app"
  handler       = "app.handler"
  runtime       = "nodejs24.x"
}
resource "aws_sns_topic_subscription" "a" {
  protocol = "lambda"
}
resource "aws_sns_topic_subscription" "b" {
  protocol = "lambda"
}
resource "aws_lambda_permission" "sns" {
  function_name = aws_lambda_function.app.function_name
  principal     = "sns.amazonaws.com"
}
resource "aws_lambda_permission" "iot" {
  function_name = aws_lambda_function.app.arn
  principal     = "iot.amazonaws.com"
}
resource "aws_lambda_permission" "s3" {
  function_name = aws_lambda_function.app.arn
  principal     = "s3.amazonaws.com"
}
`,
  }));
  assert.deepEqual(texts(built), [
    `warning: main.tf: aws_lambda_function.app: events of this kind (iot) ${invoke}`,
    'warning: main.tf: aws_sns_topic_subscription.a and 1 more: topics (SNS) are not available here: use a queue or a function',
  ]);
});

test('functions in other languages are told, and not once more by what leads to them', async (t) => {
  const built = await build(t, projectOf(t, {
    'app.js': handler, 'app.py': '',
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Runtime: python3.13, Handler: app.handler } }
Resources:
  Photos: { Type: AWS::S3::Bucket }
  Jobs: { Type: AWS::SQS::Queue }
  A:
    Type: AWS::Serverless::Function
    Properties:
      Environment: { Variables: { KEY: "{{resolve:secretsmanager:key}}" } }
      DurableConfig: { ExecutionTimeout: 60 }
      EventInvokeConfig: { MaximumRetryAttempts: 0 }
      Events:
        Put: { Type: S3, Properties: { Bucket: !Ref Photos, Events: "s3:ObjectCreated:*" } }
        Job: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn } }
        Tick: { Type: Schedule, Properties: { Schedule: rate(1 hour) } }
        Tock: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(1 hour) } }
        Get: { Type: HttpApi, Properties: { Path: /a, Method: get, Auth: { Authorizer: Own } } }
  B: { Type: AWS::Serverless::Function }
  C: { Type: AWS::Serverless::Function, Properties: { Runtime: nodejs24.x } }
  D: { Type: AWS::Serverless::Function, Properties: { PackageType: Image } }
  E:
    Type: AWS::Serverless::Function
    Properties: { Runtime: provided.al2023, CodeUri: e/, Events: { Job: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn } } } }
`,
  }));
  assert.deepEqual(built.functions.map(({ name }) => name), ['lambda/C']);
  assert.deepEqual(texts(built), [
    'error: template.yaml: function "E" has no executable "bootstrap" in e',
    'warning: template.yaml: function "D" is a container image, which does not run here',
    'warning: template.yaml: functions "A", "B" need python3.13, which does not run here',
  ]);
});

test('a program of Pulumi is told, as it is not run', async (t) => {
  const built = await build(t, projectOf(t, { 'Pulumi.yaml': 'name: x\nruntime: nodejs\n', 'index.js': 'const aws = require("@pulumi/aws");\n', 'lambda/index.mjs': handler }));
  assert.deepEqual(texts(built), [
    'warning: what it deploys is not run: a mayfly.json names functions, as { "functions": { "api": { "handler": "src/api.handler" } } }',
  ]);
});

test('of a program of the CDK that is not synthesized it is told to do so, and not how to name its handlers otherwise', async (t) => {
  const built = await build(t, projectOf(t, { 'cdk.json': '{ "app": "npx ts-node bin/app.ts" }', 'src/index.js': handler }));
  assert.deepEqual(texts(built), [
    'warning: cdk.json: functions of the CDK are read from what it synthesizes: run `npx cdk synth --quiet` there, and again after changes',
  ]);
});
