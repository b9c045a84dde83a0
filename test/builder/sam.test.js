/* SAM templates, as CloudFormation reads them: YAML, names, parameters, functions of templates, loops. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { build, functionNamed, projectOf, temporaryFolder, writeFiles } from './harness.js';

const handler = (text) => `exports.handler = async () => ${JSON.stringify(text)};\n`;

test('SAM: functions of templates that say a text otherwise are worked out', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'template.yaml': `
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters: { Sizes: { Type: CommaDelimitedList, Default: "s,m,l" } }
Mappings: { Memory: { eu: { mb: 512 } } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f.handler
      Runtime: nodejs24.x
      MemorySize: !FindInMap [Memory, !Ref AWS::Region, mb, DefaultValue: 256]
      Environment:
        Variables:
          BASE64: !Base64 tea
          LENGTH: !Length [!Ref AWS::Region, b]
          LIST: { "Fn::Length": !Ref Sizes }
          JSON: { "Fn::ToJsonString": { sizes: !Ref Sizes, of: !Sub "\${AWS::Region}" } }
`,
    'f.js': 'exports.handler = async () => 1;\n',
  }));
  const { env, memory_mb: memory } = functionNamed(manifest, 'lambda/F');
  assert.deepEqual([env.BASE64, env.LENGTH, env.LIST, env.JSON, memory], ['dGVh', '2', '3', '{"sizes":["s","m","l"],"of":"us-east-1"}', 256]);
  assert.deepEqual(manifest.diagnostics, []);
});

test('SAM: what a loop of AWS::LanguageExtensions makes is there', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'template.yaml': `
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters: { Sizes: { Type: CommaDelimitedList, Default: "small,large" } }
Resources:
  Fn::ForEach::Teas:
    - Tea
    - [Green, Black]
    - \${Tea}Brew: { Type: AWS::Serverless::Function, Properties: { Handler: f.handler, Runtime: nodejs24.x, Environment: { Variables: { TEA: !Ref Tea, TEXT: !Sub "\${Tea} in \${AWS::Region}" } } } }
      Fn::ForEach::Sizes:
        - Size
        - !Ref Sizes
        - \${Tea}\${Size}Jobs: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub "\${Tea}-\${Size}" } }
  Plain: { Type: AWS::Serverless::Function, Properties: { Handler: f.handler, Runtime: nodejs24.x } }
`,
    'f.js': 'exports.handler = async () => 1;\n',
  }));
  assert.deepEqual(manifest.functions.map(({ name }) => name).toSorted(), ['lambda/BlackBrew', 'lambda/GreenBrew', 'lambda/Plain']);
  const { env } = functionNamed(manifest, 'lambda/GreenBrew');
  assert.deepEqual([env.TEA, env.TEXT], ['Green', 'Green in us-east-1']);
  assert.deepEqual(manifest.events.queues.map(({ name }) => name).toSorted(), ['Black-large', 'Black-small', 'Green-large', 'Green-small']);
  assert.deepEqual(manifest.diagnostics, []);
});

test('SAM: parameters and the name of the stack are those of samconfig.toml', async (t) => {
  const template = `
Parameters: { Stage: { Type: String }, Table: { Type: String, Default: orders }, Greeting: { Type: String, Default: hi } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "\${AWS::StackName}-\${Stage}"
      Handler: f.handler
      Runtime: nodejs24.x
      Environment: { Variables: { TABLE: !Ref Table, GREETING: !Ref Greeting } }
`;
  const seen = async (overrides, local = '') => {
    const manifest = await build(t, projectOf(t, {
      'template.yaml': template, 'f.js': "exports.handler = async () => 1;\n",
      'samconfig.toml': `[default.global.parameters]\nstack_name = "shop"\n[default.deploy.parameters]\nparameter_overrides = ${overrides}\n${local}`,
    }));
    assert.deepEqual(manifest.diagnostics, []);
    const [{ name, env }] = manifest.functions;
    return [name, env.TABLE, env.GREETING];
  };
  assert.deepEqual(await seen("'Stage=dev Greeting=\"good day\"'"), ['lambda/shop-dev', 'orders', 'good day']);
  assert.deepEqual(await seen('["Stage=dev", "Table=a=b"]'), ['lambda/shop-dev', 'a=b', 'hi']);
  assert.deepEqual(await seen('"ParameterKey=Stage,ParameterValue=dev"'), ['lambda/shop-dev', 'orders', 'hi']);
  const local = '[default.local_start_api.parameters]\nparameter_overrides = "Stage=here"\n';
  assert.deepEqual(await seen('"Stage=prod Table=live"', local), ['lambda/shop-here', 'live', 'hi']);
});

test('SAM: names that nobody gave fit what Lambda takes, however long a folder or logical id is', async (t) => {
  const long = (letter) => `${letter}${'Construct'.repeat(8)}`;
  const folder = path.join(temporaryFolder(t), `my shop (v1.2), ${'the best of all the shops '.repeat(4)}`);
  writeFiles(folder, {
    'f.js': handler('f'),
    'template.yaml': `
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: !Sub "\${AWS::StackName}-image-thumbnail-maker", Handler: f.handler, Runtime: nodejs24.x }
  ${long('A')}:
    Type: AWS::Serverless::Function
    Properties: { Handler: f.handler, Runtime: nodejs24.x, Environment: { Variables: { OTHER: !Ref ${long('A')}B } } }
  ${long('A')}B:
    Type: AWS::Serverless::Function
    Properties: { Handler: f.handler, Runtime: nodejs24.x }
`,
  });
  const { diagnostics, functions } = await build(t, folder);
  assert.deepEqual(diagnostics, []);
  const names = functions.map(({ name }) => name.slice('lambda/'.length));
  assert.equal(names[0], 'my-shop-v1-2-the-best-of-all-the-image-thumbnail-maker');
  assert.match(names[1], /^AConstruct.{40}-[0-9a-f]{12}$/);
  assert.equal(new Set(names).size, 3);
  assert.equal(functions[1].env.OTHER, names[2]);
});

test('SAM: YAML is read as CloudFormation reads it: 1.1, with anchors that are merged', async (t) => {
  const { diagnostics, functions } = await build(t, projectOf(t, {
    'f.js': handler('f'),
    'template.yaml': `
AWSTemplateFormatVersion: 2010-09-09
Common: &common
  Handler: f.handler
  Runtime: nodejs24.x
  Timeout: 7
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      <<: *common
      Timeout: 9
      Environment: {
        Variables: { SINCE: 2020-01-01, VERBOSE: yes }
      }
  G:
    Type: AWS::Serverless::Function
    Properties: { <<: *common }
`,
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(functions.map(({ name, timeout_ms: timeout }) => [name, timeout]), [['lambda/F', 9000], ['lambda/G', 7000]]);
  assert.deepEqual([functions[0].env.SINCE, functions[0].env.VERBOSE], ['2020-01-01', 'true']);
});

test('SAM: a function whose name is not known before it is deployed has that of its resource, and says so', async (t) => {
  const { diagnostics, functions } = await build(t, projectOf(t, {
    'f.js': handler('f'),
    'template.yaml': `
Parameters: { App: { Type: String } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "\${App}-function"
      Handler: f.handler
      Runtime: nodejs24.x
      Environment: { Variables: { SELF: !Ref Other } }
  Other:
    Type: AWS::SQS::Queue
    Properties: { QueueName: !Sub "\${App}-queue" }
`,
  }));
  assert.deepEqual(functions.map(({ name }) => name), ['lambda/F']);
  assert.match(functions[0].env.SELF, /\/Other$/);
  assert.deepEqual(diagnostics.map(({ severity, text }) => `${severity}: ${text}`), [
    'warning: template.yaml: function "F" is to be called "${App}-function": give the parameter a value in samconfig.toml (parameter_overrides)',
  ]);
});

test('SAM: a key that comes twice counts as it does for CloudFormation', async (t) => {
  const project = projectOf(t, {
    'template.yaml': `
Resources:
  Tea:
    Type: AWS::Serverless::Function
    Properties: { Handler: tea.handler, Runtime: nodejs24.x, Timeout: 5, Timeout: 7 }
`,
    'tea.js': 'exports.handler = async () => 1;',
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(functionNamed(manifest, 'lambda/Tea').timeout_ms, 7000);
});

test('SAM: brackets may be closed left of their key, and one that is not closed is told where it is opened', async (t) => {
  const template = (end) => ({
    'template.yaml': `
Resources:
  Tea:
    Type: AWS::Serverless::Function
    Properties:
      Handler: tea.handler
      Timeout: !Select [ 1,
  [ 5, 7 ]
${end}
      Runtime: nodejs24.x
`,
    'tea.js': handler('tea'),
  });
  const manifest = await build(t, projectOf(t, template(']')));
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(functionNamed(manifest, 'lambda/Tea').timeout_ms, 7000);
  const [{ severity, line }] = (await build(t, projectOf(t, template('')))).diagnostics;
  assert.deepEqual([severity, line], ['error', 8]);
});

test('SAM: a template of another name is that which samconfig.toml says, or it is told how to name it', async (t) => {
  const files = {
    'src/app.js': handler('app'),
    'infra/app.yaml': `
Parameters: { Name: { Type: String } }
Resources:
  Fn: { Type: AWS::Serverless::Function, Properties: { FunctionName: !Ref Name, CodeUri: ../src, Handler: app.handler, Runtime: nodejs24.x } }
`,
  };
  const config = '[default.deploy.parameters]\ntemplate_file = "infra/app.yaml"\nparameter_overrides = "Name=named"\n';
  const named = await build(t, projectOf(t, { ...files, 'samconfig.toml': config }));
  assert.deepEqual([named.functions.map(({ name }) => name), named.diagnostics], [['lambda/named'], []]);

  const unnamed = await build(t, projectOf(t, files));
  assert.deepEqual([unnamed.functions, unnamed.diagnostics.map(({ file, text }) => `${file}: ${text}`)], [[], [
    'infra/app.yaml: it is a template of CloudFormation by what is in it: call it template.yaml, or name it in a samconfig.toml: ' +
      '[default.deploy.parameters] template_file = "infra/app.yaml"',
  ]]);
});

test('SAM: a layer that holds a folder nodejs is /opt itself, whatever builds it', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'app.js': "exports.handler = async () => require('/opt/nodejs/config.js').text;\n", 'layer/nodejs/config.js': 'exports.text = "layer";\n',
    'template.yaml': `
Resources:
  Fn: { Type: AWS::Serverless::Function, Properties: { Handler: app.handler, Runtime: nodejs24.x, Layers: [!Ref Layer] } }
  Layer: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: layer }, Metadata: { BuildMethod: nodejs22.x } }
`,
  }));
  assert.deepEqual(manifest.diagnostics, []);
});

test('SAM: a rule whose pattern needs a parameter that has no value is told, and left out', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    'app.js': handler('app'),
    'template.yaml': `
Parameters: { Bucket: { Type: String } }
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: nodejs24.x
      Events:
        Ref: { Type: EventBridgeRule, Properties: { Pattern: { source: [aws.s3], detail: { bucket: { name: [!Ref Bucket] } } } } }
        Sub: { Type: EventBridgeRule, Properties: { Pattern: { source: [aws.s3], detail: { bucket: { name: [!Sub "\${Bucket}"] } } } } }
        All: { Type: EventBridgeRule, Properties: { Pattern: { source: [{ prefix: "" }], detail: { a: [0, "", false] } } } }
`,
  }));
  const text = 'its event pattern is no JSON object, or not known before it is created';
  assert.deepEqual(diagnostics.map((one) => one.text), [`template.yaml: Fn.Ref: ${text}`, `template.yaml: Fn.Sub: ${text}`]);
  assert.deepEqual(events.rules.map(({ name }) => name), ['FnAll']);
});
