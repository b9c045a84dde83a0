import assert from 'node:assert/strict';
import test from 'node:test';
import { build, evaluate, functionNamed, projectOf, visit, writeFiles } from './harness.js';

const handler = (text) => `exports.handler = async () => ${JSON.stringify(text)};\n`;
const att = (id, attribute = 'Arn') => ({ 'Fn::GetAtt': [id, attribute] });
const lambda = (variables = {}, asset = 'asset.abc') => ({
  Type: 'AWS::Lambda::Function',
  Properties: { Handler: 'index.handler', Runtime: 'nodejs24.x', Code: {}, Environment: { Variables: { STACK: { Ref: 'AWS::StackName' }, ...variables } } },
  Metadata: { 'aws:asset:path': asset },
});
const exported = (Name, Value) => ({ Value, Export: { Name } });
const stack = (templateFile, stackName) => ({ type: 'aws:cloudformation:stack', properties: { templateFile, stackName } });

/** Files of a cloud assembly, as `cdk synth` writes them. */
function assembly(folder, artifacts, templates) {
  const files = { [`${folder}/cdk.out`]: '{"version":"55.0.0"}', [`${folder}/manifest.json`]: JSON.stringify({ version: '55.0.0', artifacts }) };
  for (const [name, template] of Object.entries(templates)) {
    files[`${folder}/${name}`] = JSON.stringify(template);
  }
  return files;
}

const code = { 'cdk.out/asset.abc/index.js': handler('synthesized') };
const names = (manifest) => manifest.functions.map(({ name }) => name).sort();
const envOf = (manifest, name) => functionNamed(manifest, name).env;

test('the CDK: stacks have their own names, and use what others export; one that the manifest does not name is not read', async (t) => {
  const name = 'Queues:ExportsOutputFnGetAttJobsArn';
  const project = projectOf(t, {
    ...assembly('cdk.out', { Queues: stack('Queues.template.json'), Shop: stack('Shop.template.json', 'my-shop') }, {
      'Queues.template.json': {
        Resources: { Jobs: { Type: 'AWS::SQS::Queue' } },
        Outputs: { Arn: exported(name, att('Jobs')), Url: exported({ 'Fn::Sub': '${AWS::StackName}:Url' }, { Ref: 'Jobs' }) },
      },
      'Shop.template.json': { Resources: {
        Fn: lambda({ URL: { 'Fn::ImportValue': 'Queues:Url' } }),
        Mapping: { Type: 'AWS::Lambda::EventSourceMapping', Properties: { EventSourceArn: { 'Fn::ImportValue': name }, FunctionName: { Ref: 'Fn' } } },
      } },
      'Old.template.json': { Resources: { Fn: lambda(), Gone: lambda() } },
    }),
    ...code,
    'cdk.out/asset.abc/template.yaml': 'Resources: { Packed: { Type: AWS::Serverless::Function, Properties: { Handler: index.handler } } }',
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(names(manifest), ['lambda/Fn']);
  const { STACK, URL } = envOf(manifest, 'lambda/Fn');
  assert.equal(STACK, 'my-shop');
  assert.match(URL, /\/Jobs$/);
  assert.deepEqual(manifest.events.consumers.map((one) => [one.queue, one.function]), [['Jobs', 'lambda/Fn']]);
});

test('the CDK: what two stages name alike gets the names of its stacks', async (t) => {
  const template = { Resources: {
    Fn: lambda({ JOBS: { Ref: 'Jobs' } }),
    Jobs: { Type: 'AWS::SQS::Queue' },
    Mapping: { Type: 'AWS::Lambda::EventSourceMapping', Properties: { EventSourceArn: att('Jobs'), FunctionName: { Ref: 'Fn' } } },
    Rule: { Type: 'AWS::Events::Rule', Properties: { EventPattern: { source: ['shop'] }, Targets: [{ Id: 'T', Arn: att('Fn') }] } },
  } };
  const inner = lambda({}, '../asset.abc');
  const stage = (name) => ({
    ...assembly(`cdk.out/assembly-${name}`, { [`${name}Svc`]: stack(`${name}Svc.template.json`, `${name}-Svc`) }, {
      [`${name}Svc.template.json`]: { Resources: { ...template.Resources, Fn: { ...template.Resources.Fn, Metadata: inner.Metadata } } },
    }),
  });
  const artifacts = Object.fromEntries(['Dev', 'Prod'].map((name) => [`assembly-${name}`, { type: 'cdk:cloud-assembly', properties: { directoryName: `assembly-${name}` } }]));
  const project = projectOf(t, {
    ...assembly('cdk.out', { ...artifacts, Only: stack('Only.template.json') }, { 'Only.template.json': { Resources: { Alone: lambda() } } }),
    ...stage('Dev'), ...stage('Prod'), ...stage('Stale'), ...code,
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(names(manifest), ['lambda/Alone', 'lambda/Dev-Svc-Fn', 'lambda/Prod-Svc-Fn']);
  assert.match(envOf(manifest, 'lambda/Prod-Svc-Fn').JOBS, /\/Prod-Svc-Jobs$/);
  assert.deepEqual(manifest.events.consumers.map((one) => [one.queue, one.function]), [
    ['Dev-Svc-Jobs', 'lambda/Dev-Svc-Fn'], ['Prod-Svc-Jobs', 'lambda/Prod-Svc-Fn'],
  ]);
  assert.deepEqual(manifest.events.rules.map(({ name, targets: [target] }) => [name, target.function]), [
    ['Dev-Svc-Rule', 'lambda/Dev-Svc-Fn'], ['Prod-Svc-Rule', 'lambda/Prod-Svc-Fn'],
  ]);
});

test('the CDK: nested stacks get parameters, and give outputs', async (t) => {
  const nested = (id, outputs = {}) => ({
    Type: 'AWS::CloudFormation::Stack',
    Properties: {
      TemplateURL: { 'Fn::Join': ['', ['https://s3.', { Ref: 'AWS::Region' }, '/abc.json']] },
      Parameters: { QueueArn: att('Jobs'), Api: { Ref: 'Rest' }, Root: att('Rest', 'RootResourceId'), ...outputs },
    },
    Metadata: { 'aws:asset:path': `Root${id}.nested.template.json` },
  });
  const inside = (part) => ({
    Parameters: { QueueArn: { Type: 'String' }, Api: { Type: 'String' }, Root: { Type: 'String' } },
    Resources: {
      In: lambda(),
      Mapping: { Type: 'AWS::Lambda::EventSourceMapping', Properties: { EventSourceArn: { Ref: 'QueueArn' }, FunctionName: { Ref: 'In' } } },
      Resource: { Type: 'AWS::ApiGateway::Resource', Properties: { ParentId: { Ref: 'Root' }, PathPart: part, RestApiId: { Ref: 'Api' } } },
      Method: { Type: 'AWS::ApiGateway::Method', Properties: {
        HttpMethod: 'GET', ResourceId: { Ref: 'Resource' }, RestApiId: { Ref: 'Api' }, Integration: { Type: 'AWS_PROXY', Uri: { 'Fn::Join': ['', ['arn:lambda:path/', att('In'), '/invocations']] } },
      } },
    },
    Outputs: { FnArn: { Value: att('In') } },
  });
  const project = projectOf(t, {
    ...assembly('cdk.out', { Root: stack('Root.template.json') }, {
      'Root.template.json': { Resources: {
        Jobs: { Type: 'AWS::SQS::Queue' }, Rest: { Type: 'AWS::ApiGateway::RestApi', Properties: {} },
        Pets: nested('Pets'), Cats: nested('Cats'), Caller: lambda({ ARN: att('Pets', 'Outputs.FnArn') }),
      } },
      'RootPets.nested.template.json': inside('pets'), 'RootCats.nested.template.json': inside('cats'),
    }),
    ...code,
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(names(manifest), ['lambda/Caller', 'lambda/Root-Cats-In', 'lambda/Root-Pets-In']);
  assert.match(envOf(manifest, 'lambda/Caller').ARN, /:function:Root-Pets-In$/);
  assert.equal(envOf(manifest, 'lambda/Root-Cats-In').STACK, 'Root-Cats');
  assert.equal(visit(manifest, 'GET', '/pets').function, 'lambda/Root-Pets-In');
  assert.equal(visit(manifest, 'GET', '/cats').function, 'lambda/Root-Cats-In');
  assert.deepEqual(manifest.events.consumers.map((one) => [one.queue, one.function]), [['Jobs', 'lambda/Root-Pets-In'], ['Jobs', 'lambda/Root-Cats-In']]);
});

test('SAM: nested templates of the project, whatever their files are called', async (t) => {
  const project = projectOf(t, {
    'template.yaml': `
Resources:
  Orders: { Type: AWS::Serverless::Application, Properties: { Location: services/orders.yaml, Parameters: { Table: !Sub '\${AWS::StackName}-table' } } }
  Mail: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: ./services/mail/template.yaml } }
  Off: { Type: AWS::CloudFormation::Stack, Condition: Never, Properties: { TemplateURL: ./services/off.yaml } }
  Other: { Type: AWS::Serverless::Application, Properties: { Location: { ApplicationId: 'arn:aws:serverlessrepo:us-east-1:1:applications/x', SemanticVersion: 1.0.0 } } }
  F: { Type: AWS::Serverless::Function, Properties: { Handler: f.handler, Runtime: nodejs24.x, Environment: { Variables: { MAIL: !GetAtt Mail.Outputs.Name } } } }
Conditions: { Never: !Equals [a, b] }
`,
    'samconfig.toml': '[default.deploy.parameters]\nstack_name = "shop"\n',
    'services/orders.yaml': `
Parameters: { Table: { Type: String }, List: { Type: CommaDelimitedList, Default: 'a,b' } }
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Handler: g.handler, Runtime: nodejs24.x, Environment: { Variables: { TABLE: !Ref Table, SECOND: !Select [1, !Ref List] } } } }
`,
    'services/mail/template.yaml': `
Resources: { Send: { Type: AWS::Serverless::Function, Properties: { Handler: send.handler, Runtime: nodejs24.x } } }
Outputs: { Name: { Value: !Ref Send } }
`,
    'services/off.yaml': 'Resources: { Never: { Type: AWS::Serverless::Function, Properties: { Handler: f.handler } } }\n',
    'f.js': handler('f'), 'services/g.js': handler('g'), 'services/mail/send.js': handler('send'),
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), [
    'template.yaml: Other: an application that is not in this project does not run here',
  ]);
  assert.deepEqual(names(manifest), ['lambda/Send', 'lambda/shop-F', 'lambda/shop-Orders-F']);
  assert.equal(envOf(manifest, 'lambda/shop-F').MAIL, 'Send');
  const { TABLE, SECOND } = envOf(manifest, 'lambda/shop-Orders-F');
  assert.deepEqual([TABLE, SECOND], ['shop-table', 'b']);
});

test('SAM: templates of several folders may name their functions alike', async (t) => {
  const template = 'Resources: { Hello: { Type: AWS::Serverless::Function, Properties: { Handler: a.handler, Runtime: nodejs24.x } } }\n';
  const project = projectOf(t, { 'one/template.yaml': template, 'one/a.js': handler('1'), 'two/template.yaml': template, 'two/a.js': handler('2') });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(names(manifest), ['lambda/one-Hello', 'lambda/two-Hello']);
});

test('the CDK: what its constructs have custom resources do: notifications of buckets; what serves only those is no function here', async (t) => {
  const custom = (type, properties) => ({ Type: `Custom::${type}`, Properties: { ServiceToken: att('Helper'), ...properties } });
  const project = projectOf(t, {
    ...assembly('cdk.out', { S: stack('S.template.json') }, { 'S.template.json': { Resources: {
      Notifications: custom('S3BucketNotifications', { BucketName: { Ref: 'Photos' }, NotificationConfiguration: {
        EventBridgeConfiguration: {},
        LambdaFunctionConfigurations: [{
          Events: ['s3:ObjectCreated:*'], LambdaFunctionArn: att('Thumb'), Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'uploads/' }] } },
        }],
        QueueConfigurations: [{ Events: ['s3:ObjectRemoved:*'], QueueArn: att('Jobs') }],
      } }),
      Outside: custom('S3BucketNotifications', { BucketName: 'outside', NotificationConfiguration: {
        LambdaFunctionConfigurations: [{ Events: ['s3:ObjectCreated:*'], LambdaFunctionArn: att('Thumb') }],
        TopicConfigurations: [{ Events: ['s3:ObjectRemoved:*'], TopicArn: 'arn:aws:sns:us-east-1:123456789012:topic' }],
      } }),
      Photos: { Type: 'AWS::S3::Bucket' }, Jobs: { Type: 'AWS::SQS::Queue' }, Thumb: lambda(),
      Helper: { Type: 'AWS::Lambda::Function', Properties: { Handler: 'index.handler', Runtime: 'python3.13', Code: { ZipFile: 'x' } } },
    } } }),
    ...code,
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), [
    'cdk.out/S.template.json: Outside: the bucket "outside" is not declared in this project: it is made',
    'cdk.out/S.template.json: Outside: topics (SNS) are not available here: use a queue or a function',
  ]);
  assert.deepEqual(names(manifest), ['lambda/Thumb']);
  assert.deepEqual(manifest.events.buckets.map(({ name, eventbridge, notifications }) => [name, eventbridge, notifications.map(({ prefix, function: fn, queue }) => [prefix, fn ?? queue])]), [
    ['photos', true, [['uploads/', 'lambda/Thumb'], ['', 'Jobs']]], ['outside', false, [['', 'lambda/Thumb']]],
  ]);
});

test('CloudFormation: stacks that refer to each other in a circle end the reading of nothing', async (t) => {
  const inner = 'Parameters: { P: { Type: String } }\nResources: { Q: { Type: AWS::SQS::Queue } }\nOutputs: { O: { Value: !Ref P } }\n';
  const project = projectOf(t, {
    'template.yaml': `
Resources:
  A: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: a.yaml, Parameters: { P: !GetAtt B.Outputs.O } } }
  B: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: b.yaml, Parameters: { P: !GetAtt A.Outputs.O } } }
  Me: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: template.yaml } }
  F: { Type: AWS::Serverless::Function, Properties: { FunctionName: !Sub '\${AWS::StackName}-f', Handler: f.handler, Environment: { Variables: { O: !GetAtt A.Outputs.O, X: !ImportValue X } } } }
Outputs: { X: { Value: !ImportValue X, Export: { Name: X } } }
`,
    'a.yaml': inner, 'b.yaml': inner, 'f.js': handler('f'),
  });
  const manifest = await build(t, project);
  assert.ok(names(manifest).includes('lambda/project-f'));
});

test('the CDK: a project that is not synthesized is told what to do', async (t) => {
  const project = projectOf(t, { 'infra/cdk.json': '{ "app": "npx tsx app.ts" }', 'infra/fn/index.js': handler('f') });
  assert.deepEqual((await build(t, project)).diagnostics.map(({ text }) => text), [
    'infra/cdk.json: functions of the CDK are read from what it synthesizes: run `npx cdk synth --quiet` there, and again after changes',
  ]);
});

test('the CDK: layers of other stacks, from their assets', async (t) => {
  const name = 'Base:ExportsOutputRefLayer';
  const layer = { Type: 'AWS::Lambda::LayerVersion', Properties: { Content: { S3Bucket: 'b', S3Key: 'k' } }, Metadata: { 'aws:asset:path': 'asset.layer' } };
  const fn = lambda();
  fn.Properties.Layers = [{ 'Fn::ImportValue': name }, 'arn:aws:lambda:us-east-1:1:layer:other:3'];
  const project = projectOf(t, {
    ...assembly('cdk.out', { Base: stack('Base.template.json'), Shop: stack('Shop.template.json') }, {
      'Base.template.json': { Resources: { Layer: layer }, Outputs: { Layer: exported(name, { Ref: 'Layer' }) } },
      'Shop.template.json': { Resources: { Fn: fn } },
    }),
    'cdk.out/asset.layer/nodejs/node_modules/in-layer/index.js': 'exports.text = "layer";\n',
    'cdk.out/asset.abc/index.js': "exports.handler = async () => require('in-layer').text;\n",
  });
  const manifest = await build(t, project);
  assert.match(manifest.diagnostics.map(({ text }) => text).join(), /^cdk.out\/Shop.template.json: layer other:3: [^,]*$/);
  assert.equal(evaluate(functionNamed(manifest, 'lambda/Fn'), "load('cdk.out/asset.abc/index').handler()"), 'layer');
});

test('the CDK: assets without metadata, and those that are not copied', async (t) => {
  const hash = 'ab'.repeat(32);
  const listed = { ...lambda(), Metadata: undefined };
  listed.Properties.Code = { S3Bucket: 'b', S3Key: `${hash}.zip` };
  const project = projectOf(t, {
    ...assembly('cdk.out', { Prod: { type: 'cdk:cloud-assembly', properties: { directoryName: 'assembly-Prod' } }, Dev: stack('Dev.template.json') }, {
      'assembly-Prod/manifest.json': { artifacts: { ProdShop: stack('ProdShop.template.json') } },
      'assembly-Prod/ProdShop.template.json': { Resources: { Listed: listed } },
      'assembly-Prod/ProdShop.assets.json': { files: { [hash]: { source: { path: '../asset.abc', packaging: 'zip' } } } },
    }),
    ...code, 'functions/own/index.js': handler('in its own folder'),
  });
  writeFiles(project, { 'cdk.out/Dev.template.json': JSON.stringify({ Resources: { Own: lambda({}, `${project}/functions/own`) } }) });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(evaluate(functionNamed(manifest, 'lambda/Listed'), "load('cdk.out/asset.abc/index').handler()"), 'synthesized');
  assert.equal(evaluate(functionNamed(manifest, 'lambda/Own'), "load('functions/own/index').handler()"), 'in its own folder');
});

test('CloudFormation: a source of events that does not come here is told by its service', async (t) => {
  const project = projectOf(t, {
    'template.yaml': `
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Handler: f.handler, Runtime: nodejs24.x } }
  Table: { Type: AWS::DynamoDB::Table }
  Mapping: { Type: AWS::Lambda::EventSourceMapping, Properties: { EventSourceArn: !GetAtt Table.StreamArn, FunctionName: !Ref F } }
`,
    'f.js': handler('f'),
  });
  assert.deepEqual((await build(t, project)).diagnostics.map(({ text }) => text), [
    'template.yaml: Mapping: dynamodb is not available here: only SQS queues are',
  ]);
});

test('the CDK: a manifest of nothing that is known ends the reading of nothing', async (t) => {
  const artifacts = { a: null, b: 5, c: { type: 'aws:cloudformation:stack', properties: null }, d: { type: 'cdk:cloud-assembly' }, Shop: stack('Shop.template.json') };
  const files = assembly('cdk.out', artifacts, { 'Shop.template.json': { Resources: { Fn: lambda() } } });
  const manifest = await build(t, projectOf(t, { ...files, ...code }));
  assert.deepEqual(names(manifest), ['lambda/Fn']);
});

test('CloudFormation: what is still empty in a template is told, and ends the reading of nothing', async (t) => {
  const template = `Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Targets:
        -
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs24.x
      CodeUri: src
      Events:
        Get:
          Type: Api
          Properties:
`;
  const manifest = await build(t, projectOf(t, { 'template.yaml': template, 'src/index.js': handler('x') }));
  assert.deepEqual(names(manifest), ['lambda/Fn']);
  assert.match(manifest.diagnostics[0].text, /template\.yaml: Resources\/Queue\/Properties and 2 more: nothing stands there/);
});

test('CloudFormation: an entry of a list that is AWS::NoValue is none', async (t) => {
  const target = { Arn: att('Fn'), Id: 'fn' };
  const template = {
    Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
    Resources: {
      Fn: { Type: 'AWS::Serverless::Function', Properties: { Handler: 'index.handler', Runtime: 'nodejs24.x', CodeUri: 'src' } },
      Rule: { Type: 'AWS::Events::Rule', Properties: { EventPattern: { source: ['x'] }, Targets: [{ 'Fn::If': ['Never', target, { Ref: 'AWS::NoValue' }] }, target] } },
    },
  };
  const manifest = await build(t, projectOf(t, { 'template.json': JSON.stringify(template), 'src/index.js': handler('x') }));
  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(manifest.events.rules[0].targets.map(({ id }) => id), ['fn']);
});

test('mayfly.json says which stacks are served', async (t) => {
  const template = { Resources: { Fn: lambda() } };
  const files = {
    ...assembly('cdk.out', { Dev: stack('Dev.template.json', 'Dev-Api'), Prod: stack('Prod.template.json', 'Prod-Api') }, {
      'Dev.template.json': template, 'Prod.template.json': template,
    }),
    ...code, 'admin/template.yaml': 'Resources: { Admin: { Type: AWS::Serverless::Function, Properties: { Handler: index.handler, Runtime: nodejs24.x } } }\n',
    'admin/index.js': handler('admin'),
  };
  const built = (stacks) => build(t, projectOf(t, { ...files, 'mayfly.json': JSON.stringify({ stacks }) }));
  assert.deepEqual(names(await built(undefined)), ['lambda/Admin', 'lambda/Dev-Api-Fn', 'lambda/Prod-Api-Fn']);
  const some = await built(['Prod-*', 'admin']);
  assert.deepEqual([names(some), some.diagnostics], [['lambda/Admin', 'lambda/Fn'], []]);
  const [{ text }] = (await built(['prod', 'Dev-*'])).diagnostics;
  assert.equal(text, 'mayfly.json: stacks: there is no stack "prod"; there is admin and 2 more');
});

test('the URL of a queue is what it is referred to by, and its attribute', async (t) => {
  const manifest = await build(t, projectOf(t, {
    ...assembly('cdk.out', { Shop: stack('Shop.template.json') }, { 'Shop.template.json': { Resources: {
      Jobs: { Type: 'AWS::SQS::Queue' }, Fn: lambda({ REF: { Ref: 'Jobs' }, ATTRIBUTE: att('Jobs', 'QueueUrl'), NAME: att('Jobs', 'QueueName') }),
    } } }),
    ...code,
  }));
  const { REF, ATTRIBUTE, NAME } = envOf(manifest, 'lambda/Fn');
  assert.match(REF, /^https:\/\/.*\/Jobs$/);
  assert.deepEqual([ATTRIBUTE, NAME], [REF, 'Jobs']);
});
