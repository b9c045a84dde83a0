import assert from 'node:assert/strict';
import { chmodSync, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { build, evaluate, fixture, functionNamed, projectOf, visit } from './harness.js';

const handler = (text) => `exports.handler = async () => ${JSON.stringify(text)};\n`;

test('Terraform whose zip is not built: the source is found by name and export, and told', async (t) => {
  const manifest = await build(t, fixture(t, 'mixed'));
  const fn = functionNamed(manifest, 'lambda/image-processor');

  assert.equal(fn.endpoints[0].file, 'lambda/image-processor.ts');
  assert.deepEqual([fn.memory_mb, fn.timeout_ms, fn.concurrency], [1024, 60_000, 1]);
  assert.equal(fn.env.BUCKET_NAME, 'shop-images');
  assert.equal(fn.settings.handler, 'index.handler');
  assert.match(manifest.logs[0].text, /code is taken from lambda\/image-processor\.ts .*lambda\.zip does not exist/);
});

test('Terraform: variables, locals, references, archives', async (t) => {
  const project = projectOf(t, {
    'infra/variables.tf': 'variable "stage" {\n  default = "dev"\n}\nvariable "settings" {\n  default = { memory = 512 }\n}\nlocals {\n  prefix = "shop-${var.stage}"\n}\n',
    'infra/main.tf': `
data "archive_file" "code" {
  type        = "zip"
  source_dir  = "\${path.module}/../services/thumb"
  output_path = "thumb.zip"
}
resource "aws_lambda_function" "thumb" {
  function_name    = "\${local.prefix}-thumb"
  filename         = data.archive_file.code.output_path
  handler          = "src/main.handler"
  runtime          = "nodejs22.x"
  memory_size      = var.settings.memory
  timeout          = var.stage == "prod" ? 30 : 5
  ephemeral_storage {
    size = 1024
  }
  environment {
    variables = {
      QUEUE   = aws_sqs_queue.jobs.url
      BUCKET  = aws_s3_bucket.b.arn
      STAGE   = upper(var.stage)
      DOLLARS = "$\${x}"
      SELF    = "https://\${aws_s3_bucket.b.bucket}.example"
    }
  }
}
resource "aws_lambda_function_url" "thumb" {
  function_name      = aws_lambda_function.thumb.function_name
  authorization_type = "NONE"
  invoke_mode        = "RESPONSE_STREAM"
}
resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}
resource "aws_s3_bucket" "b" {
  bucket = "\${local.prefix}-b"
}
`,
    'services/thumb/src/main.js': "const path = require('node:path');\nconst fs = require('node:fs');\nexports.handler = async () => fs.readFileSync(path.join(__dirname, '../note.txt'), 'utf8');\n",
    'services/thumb/note.txt': 'note',
  });
  const manifest = await build(t, project);
  const fn = functionNamed(manifest, 'lambda/shop-dev-thumb');

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(fn.env, {
    QUEUE: 'https://sqs.us-east-1.amazonaws.com/000000000000/jobs', BUCKET: 'arn:aws:s3:::shop-dev-b', STAGE: 'DEV',
    DOLLARS: '${x}', SELF: 'https://shop-dev-b.example',
  });
  assert.deepEqual([fn.memory_mb, fn.timeout_ms, fn.tmp_mb], [512, 5000, 1024]);
  assert.equal(fn.endpoints[0].settings.invoke_mode, 'RESPONSE_STREAM');
  assert.ok(existsSync(path.join(fn.artifact, 'note.txt')), 'the code folder is the root');
});

test('a function answers by host, by invoke path, and alone at /', async (t) => {
  const alone = { 'mayfly.json': '{ "functions": { "hello": { "handler": "index.handler" } } }', 'index.js': handler('hi') };
  const manifest = await build(t, projectOf(t, alone));
  const invoke = '/2015-03-31/functions/hello/invocations';

  assert.equal(visit(manifest, 'GET', '/any/path').endpoint, 'lambda hello');
  assert.equal(visit(manifest, 'GET', '/x', { host: 'hello.localhost' }).endpoint, 'lambda hello');
  assert.equal(visit(manifest, 'GET', '/x', { host: 'hello.lambda.localhost' }).endpoint, 'lambda hello');
  assert.deepEqual(visit(manifest, 'POST', invoke).settings, { invoke: true });
  const arn = encodeURIComponent('arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST');
  assert.deepEqual(visit(manifest, 'POST', `/2015-03-31/functions/${arn}/invocations`).settings, { invoke: true });
  assert.equal(evaluate(functionNamed(manifest, 'lambda/hello'), "load('index').handler()"), 'hi');

  const two = await build(t, projectOf(t, {
    'mayfly.json': '{ "functions": { "a": { "handler": "a.handler" }, "b": { "handler": "b.handler" } } }',
    'a.js': handler('a'), 'b.js': handler('b'),
  }));
  assert.equal(visit(two, 'GET', '/').status, 404);
  assert.equal(visit(two, 'GET', '/', { host: 'b.localhost' }).function, 'lambda/b');
});

test('SAM: globals, intrinsic functions, API events, esbuild entry points', async (t) => {
  const project = projectOf(t, {
    'template.yaml': `
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev }
Globals:
  Function:
    Timeout: 7
    Runtime: nodejs22.x
    Environment: { Variables: { LEVEL: info } }
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: esbuild
      BuildProperties: { EntryPoints: [app.ts] }
    Properties:
      CodeUri: orders/
      Handler: app.handler
      MemorySize: 256
      Environment:
        Variables:
          TABLE: !Ref Table
          NAME: !Sub "orders-\${Stage}-\${AWS::Region}"
          ARN: !GetAtt Table.Arn
          JOINED: !Join ["-", [a, !Ref Stage]]
      Events:
        One: { Type: HttpApi, Properties: { Path: "/orders/{id}", Method: get } }
        Any: { Type: Api, Properties: { Path: "/files/{proxy+}", Method: any } }
        List: { Type: Api, Properties: { Path: /orders, Method: GET } }
  Python:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: ., Handler: a.b, Runtime: python3.12 }
  Table:
    Type: AWS::DynamoDB::Table
    Properties: { TableName: orders }
`,
    'orders/app.ts': 'export const handler = async () => 1;\n',
  });
  const manifest = await build(t, project);
  const fn = functionNamed(manifest, 'lambda/Orders');
  const one = visit(manifest, 'GET', '/orders/7');

  assert.deepEqual(fn.env, {
    LEVEL: 'info', TABLE: 'orders', NAME: 'orders-dev-us-east-1',
    ARN: 'arn:aws:dynamodb:us-east-1:000000000000:table/orders', JOINED: 'a-dev',
  });
  assert.deepEqual([fn.timeout_ms, fn.memory_mb], [7000, 256]);
  assert.deepEqual(one.params, { id: '7' });
  assert.deepEqual([one.settings.payload, one.settings.route_key], ['2.0', 'GET /orders/{id}']);
  assert.deepEqual(visit(manifest, 'PUT', '/files/a/b').params, { 'proxy*': 'a/b' });
  assert.deepEqual(visit(manifest, 'GET', '/orders').settings.payload, '1.0');
  assert.equal(visit(manifest, 'POST', '/orders').status, 404, 'a function with an API does not take all paths');
  assert.match(manifest.diagnostics[0].text, /"Python" needs python3\.12/);
});

test('provided runtimes: the folder of the bootstrap is the artifact', async (t) => {
  const project = projectOf(t, {
    'mayfly.json': '{ "functions": { "shell": { "runtime": "provided.al2023", "handler": "x", "code": "shell", "timeout": 9 } } }',
    'shell/bootstrap': '#!/bin/sh\n', 'shell/lib/a.sh': 'a\n', 'other.txt': '',
  });
  chmodSync(path.join(project, 'shell/bootstrap'), 0o755);
  const fn = functionNamed(await build(t, project), 'lambda/shell');

  assert.equal(fn.dialect, 'bootstrap');
  assert.equal(fn.entry, 'bootstrap');
  assert.equal(fn.timeout_ms, 9000);
  assert.equal(statSync(path.join(fn.artifact, 'bootstrap')).mode & 0o111, 0o111);
  assert.ok(existsSync(path.join(fn.artifact, 'lib/a.sh')));
  assert.ok(!existsSync(path.join(fn.artifact, 'other.txt')));
});

test('mistakes in declarations are told one by one, with their lines', async (t) => {
  const project = projectOf(t, {
    'main.tf': 'resource "aws_lambda_function" "a" {\n  handler = =\n}\n',
    'other/ok.tf': 'resource "aws_lambda_function" "b" {\n  function_name = "b"\n  handler = "nothing.handler"\n  filename = "b.zip"\n}\n',
    'sam/template.yaml': 'Resources:\n  A:\n    Type: [\n',
    'api/fine.ts': 'export const GET = () => new Response();\n',
  });
  const manifest = await build(t, project);
  const where = manifest.diagnostics.map(({ file, line }) => [file, line]);

  assert.deepEqual(where[0], ['main.tf', 2]);
  assert.deepEqual(where.map(([file]) => file), ['main.tf', 'sam/template.yaml', 'other/ok.tf']);
  assert.match(manifest.diagnostics[2].text, /no file in the project has the handler "nothing\.handler" of "b"; b\.zip does not exist/);
  assert.equal(visit(manifest, 'GET', '/api/fine').function, 'api');
});

test('an archive that is there is not said to be missing', async (t) => {
  const main = (name) => `resource "aws_lambda_function" "${name}" {\n  function_name = "${name}"\n  handler = "nothing.handler"\n  filename = "${name}.zip"\n}\n`;
  const project = projectOf(t, { 'main.tf': main('here') + main('gone'), 'here.zip': 'PK' });
  const { diagnostics } = await build(t, project);

  assert.deepEqual(diagnostics.map(({ text }) => text.split('; ')[1]).sort(), ['gone.zip does not exist', 'here.zip is not unpacked']);
});

test('a folder that is there is not said to be missing', async (t) => {
  const { diagnostics } = await build(t, projectOf(t, {
    'template.yaml': `
Resources:
  A: { Type: AWS::Serverless::Function, Properties: { Handler: nothing.handler, Runtime: nodejs24.x, CodeUri: src/ } }
  B: { Type: AWS::Serverless::Function, Properties: { Handler: nothing.handler, Runtime: nodejs24.x } }
  C: { Type: AWS::Serverless::Function, Properties: { Handler: nothing.handler, Runtime: nodejs24.x, CodeUri: gone/ } }
`,
    'main.tf': 'resource "aws_lambda_function" "d" {\n  function_name = "d"\n  handler = "nothing.handler"\n  filename = "src"\n}\n',
    'src/some.js': 'exports.handler = async () => 1;\n',
  }));
  const no = (name) => `no file in the project has the handler "nothing.handler" of "${name}"`;
  assert.deepEqual(diagnostics.map(({ text }) => text.replace(/^\S+: /, '')).toSorted(), [no('A'), no('B'), `${no('C')}; gone/ does not exist`, no('d')]);
});

test('Terraform: a module of the project that is not there is told', async (t) => {
  const { diagnostics, functions } = await build(t, projectOf(t, {
    'infra/main.tf': 'module "there" {\n  source = "./there"\n}\nmodule "gone" {\n  source = "../modules/gone"\n}\nmodule "above" {\n  source = "../../above"\n}\nmodule "vpc" {\n  source = "terraform-aws-modules/vpc/aws"\n}\n',
    'infra/there/main.tf': 'resource "aws_lambda_function" "f" {\n  function_name = "f"\n  handler = "f.handler"\n  filename = "f.zip"\n}\n',
    'infra/f.js': 'exports.handler = async () => 1;\n',
  }));
  assert.deepEqual(diagnostics.map(({ text }) => text), [
    'infra/main.tf: module "above": ../above is outside of the project: serve a folder that has both',
    'infra/main.tf: module "gone": there are no files of Terraform in modules/gone',
  ]);
  assert.deepEqual(functions.map(({ name }) => name), ['lambda/f']);
});

test("a handler's path that is there is where its code is, whatever the functions are called", async (t) => {
  const manifest = await build(t, projectOf(t, {
    'mayfly.json': JSON.stringify({ functions: {
      one: { handler: 'services/app/index.main' }, two: { handler: 'services/app/index.main' }, three: { handler: 'services/app/index.other' },
    } }),
    'services/app/index.js': 'exports.main = async () => "main"; exports.other = async () => "other";\n',
    'lambda/one.js': handler('called as one is, and not what was asked for'),
  }));
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(['one', 'two', 'three'].map((name) => functionNamed(manifest, `lambda/${name}`).endpoints[0].file), Array(3).fill('services/app/index.js'));
});

test('mayfly.json: who may call a function URL, and from where', async (t) => {
  const project = projectOf(t, {
    'hello.js': handler('hello'),
    'mayfly.json': JSON.stringify({ functions: { hello: {
      handler: 'hello.handler', runtime: 'nodejs24.x',
      url: { authType: 'AWS_IAM', invokeMode: 'RESPONSE_STREAM', cors: { allowOrigins: ['*'], maxAge: 60, allowCredentials: true } },
    } } }),
  });
  const [url] = functionNamed(await build(t, project), 'lambda/hello').endpoints;
  assert.deepEqual(url.settings, {
    url: true, auth_type: 'AWS_IAM', invoke_mode: 'RESPONSE_STREAM',
    cors: { allow_origins: ['*'], max_age: 60, allow_credentials: true },
  });
});

test('a function whose code is not there is told of, and answers so itself', async (t) => {
  const project = projectOf(t, {
    'mayfly.json': JSON.stringify({ functions: { lost: { handler: 'lost.handler', runtime: 'nodejs24.x' } } }),
  });
  const manifest = await build(t, project);
  assert.match(manifest.diagnostics[0].text, /no file in the project has the handler "lost\.handler"/);
  const fn = functionNamed(manifest, 'lambda/lost');
  assert.deepEqual(fn.endpoints.map(({ module }) => module), ['', '']);
  assert.equal(visit(manifest, 'POST', '/2021-11-15/functions/lost/response-streaming-invocations').function, 'lambda/lost');
});

test('a handler that its file does not export is told, with what it exports, and answers as on Lambda', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'template.yaml': `
Resources:
  Typo: { Type: AWS::Serverless::Function, Properties: { CodeUri: ., Handler: app.hadler, Runtime: nodejs24.x } }
  Fine: { Type: AWS::Serverless::Function, Properties: { CodeUri: ., Handler: app.handler, Runtime: nodejs24.x } }
  Computed: { Type: AWS::Serverless::Function, Properties: { CodeUri: ., Handler: computed.made, Runtime: nodejs24.x } }
  Defined: { Type: AWS::Serverless::Function, Properties: { CodeUri: ., Handler: defined.made, Runtime: nodejs24.x } }
`,
    'app.ts': 'export const handler = async () => 1;\nexport const other = 2;\n',
    'computed.js': "module.exports = require('./app');\n",
    'defined.js': "Object.defineProperty(exports, 'made', { value: async () => 1 });\n",
  }));
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), [
    'template.yaml: handler "app.hadler" of "Typo": app.ts exports handler and 1 more, not that',
  ]);
  assert.equal(functionNamed(manifest, 'lambda/Typo').settings.handler, 'app.hadler');
});

test('code that is not built yet is taken from its source', async (t) => {
  const project = projectOf(t, {
    'main.tf': `
data "archive_file" "code" {
  type        = "zip"
  source_dir  = "services/mail/dist"
  output_path = "mail.zip"
}
resource "aws_lambda_function" "mail" {
  function_name = "mail"
  filename      = data.archive_file.code.output_path
  handler       = "send.handler"
  runtime       = "nodejs24.x"
}
`,
    'template.yaml': 'Resources:\n  Pdf:\n    Type: AWS::Serverless::Function\n    Properties: { Handler: dist/pdf.handler, Runtime: nodejs24.x, CodeUri: . }\n',
    'services/mail/src/send.ts': 'export const handler = async (): Promise<string> => "sent";\n',
    'src/pdf.ts': 'export const handler = async (): Promise<string> => "pdf";\n',
    'src/send.ts': 'export const handler = async () => "the wrong one";\n',
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const files = manifest.functions.map((fn) => [fn.name, fn.endpoints[0].file]).sort();
  assert.deepEqual(files, [['lambda/Pdf', 'src/pdf.ts'], ['lambda/mail', 'services/mail/src/send.ts']]);
});

test('the tags of functions are known, those of SAM\'s globals too', async (t) => {
  const tagsIn = async (files, name) => functionNamed(await build(t, projectOf(t, { 'f.js': 'exports.handler = async () => 1;\n', ...files })), `lambda/${name}`).settings.tags;
  const properties = 'Properties: { FunctionName: f, Runtime: nodejs24.x, Handler: f.handler';
  const sam = `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Tags: { team: tea, stage: dev } } }
Resources: { F: { Type: AWS::Serverless::Function, ${properties}, Tags: { stage: !Sub "\${AWS::Region}", count: 1 } } } }
`;
  assert.deepEqual(await tagsIn({ 'template.yaml': sam }, 'f'), { team: 'tea', stage: 'us-east-1', count: '1' });
  const plain = `Resources: { F: { Type: AWS::Lambda::Function, ${properties}, Code: ., Tags: [{ Key: team, Value: tea }] } } }`;
  assert.deepEqual(await tagsIn({ 'template.yaml': plain }, 'f'), { team: 'tea' });
  const serverless = 'service: s\nprovider: { name: aws, runtime: nodejs24.x, tags: { team: tea } }\nfunctions: { f: { name: f, handler: f.handler, tags: { stage: dev } } }\n';
  assert.deepEqual(await tagsIn({ 'serverless.yml': serverless }, 'f'), { team: 'tea', stage: 'dev' });
  const bare = 'service: s\nprovider: { name: aws, runtime: nodejs24.x }\nfunctions: { f: { name: f, handler: f.handler } }\n';
  assert.equal(await tagsIn({ 'serverless.yml': bare }, 'f'), undefined);
});

test('Terraform: functions have the default tags of their provider, in modules too', async (t) => {
  const lambda = (name, more) => `
resource "aws_lambda_function" "${name}" {
  function_name = "${name}"
  handler       = "f.handler"
  runtime       = "nodejs24.x"
  filename      = "f.zip"
${more}
}
`;
  const manifest = await build(t, projectOf(t, {
    'f.js': 'exports.handler = async () => 1;\n', 'inner/f.js': 'exports.handler = async () => 1;\n', 'inner/main.tf': lambda('inner', ''),
    'passed/f.js': 'exports.handler = async () => 1;\n',
    'passed/main.tf': lambda('passed', '') + lambda('named', '  provider = aws.second'),
    'main.tf': `
variable "team" {
  default = "tea"
}
provider "aws" {
  region = "us-east-1"
  default_tags {
    tags = { team = var.team, stage = "dev" }
  }
}
provider "aws" {
  alias = "bare"
}
provider "aws" {
  alias = "data"
  default_tags {
    tags = { team = "data" }
  }
}
module "inner" {
  source = "./inner"
}
module "passed" {
  source    = "./passed"
  providers = {
    aws        = aws.data
    aws.second = aws
  }
}
${lambda('plain', '')}${lambda('own', '  tags = { stage = "prod", n = 1 }')}${lambda('other', '  provider = aws.bare')}`,
  }));
  const tags = ['plain', 'own', 'other', 'inner', 'passed', 'named'].map((name) => functionNamed(manifest, `lambda/${name}`).settings.tags);
  const all = { team: 'tea', stage: 'dev' };
  assert.deepEqual(tags, [all, { team: 'tea', stage: 'prod', n: '1' }, undefined, all, { team: 'data' }, all]);
});

test('what the files do not say of variables is told, and which layers are not here', async (t) => {
  const project = projectOf(t, {
    '.env': 'TOKEN=of .env\n',
    'sam/template.yaml': `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Bucket: { Type: String }
  Key: { Type: AWS::SSM::Parameter::Value<String>, Default: /app/key }
Conditions: { IsTest: !Equals [a, b] }
Resources:
  Resize:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs24.x
      CodeUri: .
      Layers: [!Sub "arn:aws:lambda:\${AWS::Region}:175033217214:layer:graphicsmagick:2", !Ref Own]
      Environment:
        Variables:
          BUCKET: !Ref Bucket
          URL: !Sub "https://\${Bucket}.example"
          KEY: !Ref Key
          PASSWORD: "{{resolve:secretsmanager:db:SecretString:password}}"
          TOKEN: !ImportValue Token
          NOTHING: !If [IsTest, !Ref Bucket, !Ref AWS::NoValue]
          TABLE: !Ref Table
  Own: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: layer } }
  Table: { Type: AWS::DynamoDB::Table }
`,
    'sam/index.js': 'exports.handler = async () => 1;\n', 'sam/layer/nodejs/package.json': '{}',
    'tf/main.tf': `
variable "bucket" { type = string }
resource "aws_lambda_function" "tf" {
  function_name = "tf"
  handler       = "index.handler"
  runtime       = "nodejs24.x"
  filename      = "index.js"
  layers        = ["arn:aws:lambda:us-east-1:094274105915:layer:AWSLambdaPowertoolsTypeScriptV2:3"]
  environment {
    variables = { BUCKET = var.bucket, NONE = null }
  }
}
`,
    'tf/index.js': 'exports.handler = async () => 1;\n',
  });
  const manifest = await build(t, project);
  const variable = 'the files do not say what is in the variable';
  const layer = 'what others have published is not here: install what the functions need of it';
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text).toSorted(), [
    `sam/template.yaml: layer graphicsmagick:2: ${layer}`, `sam/template.yaml: ${variable}s BUCKET, URL, KEY, PASSWORD: .env may`,
    `tf/main.tf: layer AWSLambdaPowertoolsTypeScriptV2:3: ${layer}`, `tf/main.tf: ${variable} BUCKET: .env may`,
  ]);
  const { env } = functionNamed(manifest, 'lambda/Resize');
  assert.deepEqual([env.BUCKET, env.URL, env.KEY, env.PASSWORD, env.TOKEN, env.NOTHING, env.TABLE],
    [undefined, undefined, undefined, undefined, 'of .env', undefined, 'Table']);
});

test('what only AWS makes up, as the address of a database, is not known, and .env may say it', async (t) => {
  const manifest = await build(t, projectOf(t, {
    '.env': 'HOST=localhost\n',
    'sam/index.js': 'exports.handler = async () => 1;\n', 'tf/index.js': 'exports.handler = async () => 1;\n',
    'sam/template.yaml': `
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs24.x
      CodeUri: .
      Environment:
        Variables:
          HOST: !GetAtt Database.Endpoint.Address
          CDN: !Sub "https://\${Cdn.DomainName}"
          MADE: !GetAtt Made.Id
          BUCKET: !GetAtt Bucket.RegionalDomainName
          STREAM: !GetAtt Table.StreamArn
          QUEUE: !GetAtt Queue.QueueName
  Database: { Type: AWS::RDS::DBInstance }
  Cdn: { Type: AWS::CloudFront::Distribution }
  Made: { Type: Custom::Made, Properties: { ServiceToken: x } }
  Bucket: { Type: AWS::S3::Bucket, Properties: { BucketName: photos } }
  Table: { Type: AWS::DynamoDB::Table }
  Queue: { Type: AWS::SQS::Queue }
`,
    'tf/main.tf': `
resource "aws_db_instance" "db" {}
resource "aws_s3_bucket" "photos" {
  bucket = "prints"
}
resource "aws_dynamodb_table" "t" {
  name = "t"
}
resource "aws_lambda_function" "tf" {
  function_name = "tf"
  handler       = "index.handler"
  runtime       = "nodejs24.x"
  filename      = "index.js"
  environment {
    variables = { HOST = aws_db_instance.db.address, PASS = "x:\${aws_db_instance.db.password}", ID = aws_db_instance.db.id, BUCKET = aws_s3_bucket.photos.bucket_domain_name }
  }
}
resource "aws_lambda_event_source_mapping" "stream" {
  event_source_arn = aws_dynamodb_table.t.stream_arn
  function_name    = aws_lambda_function.tf.arn
}
resource "aws_cloudwatch_event_rule" "r" {
  name                = "r"
  schedule_expression = "rate(1 hour)"
}
resource "aws_cloudwatch_event_target" "r" {
  rule = aws_cloudwatch_event_rule.r.name
  arn  = aws_lambda_function.tf.qualified_arn
}
`,
  }));
  const variables = 'the files do not say what is in the variable';
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text).toSorted(), [
    `sam/template.yaml: ${variables}s CDN, MADE: .env may`,
    'tf/main.tf: aws_lambda_event_source_mapping.stream: dynamodb is not available here: only SQS queues are',
    `tf/main.tf: ${variables} PASS: .env may`,
  ]);
  const sam = functionNamed(manifest, 'lambda/Fn').env;
  assert.deepEqual([sam.HOST, sam.BUCKET, sam.STREAM, sam.QUEUE],
    ['localhost', 'photos.s3.us-east-1.amazonaws.com', 'arn:aws:dynamodb:us-east-1:000000000000:table/Table', 'Queue']);
  const tf = functionNamed(manifest, 'lambda/tf').env;
  assert.deepEqual([tf.HOST, tf.ID, tf.BUCKET], ['localhost', 'db', 'prints.s3.amazonaws.com']);
  assert.deepEqual(manifest.events.rules[0].targets.map((target) => target.function), ['lambda/tf']);
});

test('ARNs of roles and state machines are as the APIs want them, which functions pass on', async (t) => {
  const project = projectOf(t, {
    'sam/template.yaml': `
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs24.x
      CodeUri: .
      Environment:
        Variables: { ROLE: !GetAtt Role.Arn, NAMED: !GetAtt Named.Arn, NAME: !Ref Named, STEPS: !Ref Steps, TOPIC: !Ref Topic }
  Role: { Type: AWS::IAM::Role }
  Named: { Type: AWS::IAM::Role, Properties: { RoleName: ticks, Path: /jobs/ } }
  Steps: { Type: AWS::Serverless::StateMachine, Properties: { Name: steps } }
  Topic: { Type: AWS::SNS::Topic }
`,
    'sam/index.js': handler('sam'),
    'tf/main.tf': `
resource "aws_iam_role" "ticks" { name = "ticks" }
resource "aws_iam_role" "paths" {
  name = "ticks"
  path = "/jobs/"
}
resource "aws_sfn_state_machine" "steps" { name = "steps" }
resource "aws_lambda_function" "tf" {
  function_name = "tf"
  handler       = "index.handler"
  runtime       = "nodejs24.x"
  filename      = "index.js"
  environment {
    variables = { ROLE = aws_iam_role.ticks.arn, NAMED = aws_iam_role.paths.arn, STEPS = aws_sfn_state_machine.steps.arn }
  }
}
`,
    'tf/index.js': handler('tf'),
  });
  const manifest = await build(t, project);
  const iam = 'arn:aws:iam::000000000000:role';
  const steps = 'arn:aws:states:us-east-1:000000000000:stateMachine:steps';
  const { env: sam } = functionNamed(manifest, 'lambda/Fn');
  assert.deepEqual([sam.ROLE, sam.NAMED, sam.NAME, sam.STEPS], [`${iam}/Role`, `${iam}/jobs/ticks`, 'ticks', steps]);
  assert.equal(sam.TOPIC, 'arn:aws:sns:us-east-1:000000000000:Topic');
  const { env: terraform } = functionNamed(manifest, 'lambda/tf');
  assert.deepEqual([terraform.ROLE, terraform.NAMED, terraform.STEPS], [`${iam}/ticks`, `${iam}/jobs/ticks`, steps]);
});
