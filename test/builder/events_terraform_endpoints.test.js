/* EventBridge's API destinations and their connections, as Terraform declares them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, projectOf } from './harness.js';

const texts = (manifest) => manifest.diagnostics.map(({ text }) => text);
const FUNCTION = {
  'f.js': 'exports.handler = async () => 1;\n',
  'f.tf': 'resource "aws_lambda_function" "f" {\n  function_name = "f"\n  handler = "f.handler"\n  runtime = "nodejs24.x"\n}\n',
};

const OUTSIDE = `
variable "token" {
  type      = string
  sensitive = true
}
variable "tags" {
  type = list(string)
}
resource "aws_cloudwatch_event_connection" "crm" {
  name               = "crm"
  description        = "to the CRM"
  authorization_type = "API_KEY"
  auth_parameters {
    api_key {
      key   = "x-key"
      value = "Token \${var.token}"
    }
    invocation_http_parameters {
      header {
        key             = "x-tags"
        value           = join("+", var.tags)
        is_value_secret = false
      }
      body {
        key   = "n"
        value = 1
      }
    }
  }
}
resource "aws_cloudwatch_event_connection" "login" {
  name               = "login"
  authorization_type = "OAUTH_CLIENT_CREDENTIALS"
  auth_parameters {
    oauth {
      authorization_endpoint = "https://login.example/token"
      http_method            = "POST"
      client_parameters {
        client_id     = "me"
        client_secret = data.aws_secretsmanager_secret_version.login.secret_string
      }
      oauth_http_parameters {
        body {
          key             = "audience"
          value           = "api"
          is_value_secret = true
        }
      }
    }
  }
}
data "aws_secretsmanager_secret_version" "login" {
  secret_id = "login"
}
resource "aws_cloudwatch_event_api_destination" "orders" {
  name                             = "orders"
  invocation_endpoint              = "https://crm.example/*/orders"
  http_method                      = "PUT"
  invocation_rate_limit_per_second = 5
  connection_arn                   = aws_cloudwatch_event_connection.crm.arn
}
resource "aws_cloudwatch_event_api_destination" "audit" {
  name                = "audit"
  invocation_endpoint = "https://audit.example"
  http_method         = "POST"
  connection_arn      = aws_cloudwatch_event_connection.login.arn
}
resource "aws_cloudwatch_event_rule" "placed" {
  name          = "placed"
  event_pattern = jsonencode({ source = ["shop"] })
}
resource "aws_cloudwatch_event_target" "placed" {
  rule      = aws_cloudwatch_event_rule.placed.name
  target_id = "crm"
  arn       = aws_cloudwatch_event_api_destination.orders.arn
  role_arn  = "arn:aws:iam::1:role/x"
  http_target {
    header_parameters       = { "x-from" = "shop" }
    path_parameter_values   = ["$.detail.tenant"]
    query_string_parameters = { n = 1 }
  }
}
resource "aws_cloudwatch_event_rule" "hourly" {
  name                = "hourly"
  schedule_expression = "rate(1 hour)"
}
resource "aws_cloudwatch_event_target" "hourly" {
  rule = aws_cloudwatch_event_rule.hourly.name
  arn  = aws_cloudwatch_event_api_destination.audit.arn
}
`;

test('Terraform: API destinations, whose secrets come of variables, the environment and mayfly.json', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...FUNCTION, 'main.tf': OUTSIDE, '.env': 'TF_VAR_token=s3cret\nTF_VAR_tags=["a","b"]\nLOGIN=hidden\n',
    'mayfly.json': '{"events":{"connections":{"login":{"secret":"$LOGIN"}},"endpoints":{"audit":{"url":"http://127.0.0.1:9/a"}}}}',
  }));
  assert.deepEqual(diagnostics, []);
  assert.match(events.connections[0].uuid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.deepEqual(events.connections.map(({ uuid: _uuid, ...rest }) => rest), [
    { name: 'crm', type: 'API_KEY', description: 'to the CRM', auth: {
      ApiKeyAuthParameters: { ApiKeyName: 'x-key', ApiKeyValue: 'Token s3cret' },
      InvocationHttpParameters: { HeaderParameters: [{ Key: 'x-tags', Value: 'a+b', IsValueSecret: false }], QueryStringParameters: [],
        BodyParameters: [{ Key: 'n', Value: '1', IsValueSecret: false }] },
    } },
    { name: 'login', type: 'OAUTH_CLIENT_CREDENTIALS', description: '', auth: { OAuthParameters: {
      AuthorizationEndpoint: 'https://login.example/token', HttpMethod: 'POST', ClientParameters: { ClientID: 'me', ClientSecret: 'hidden' },
      OAuthHttpParameters: { HeaderParameters: [], QueryStringParameters: [], BodyParameters: [{ Key: 'audience', Value: 'api', IsValueSecret: true }] },
    } } },
  ]);
  assert.deepEqual(events.endpoints.map(({ uuid: _uuid, ...rest }) => rest), [
    { name: 'audit', description: '', connection: 'login', method: 'POST', url: 'http://127.0.0.1:9/a', rate: 300 },
    { name: 'orders', description: '', connection: 'crm', method: 'PUT', url: 'https://crm.example/*/orders', rate: 5 },
  ]);
  const [{ targets: [{ id, endpoint, http_parameters: http }] }] = events.rules.filter(({ name }) => name === 'placed');
  assert.deepEqual({ id, endpoint, http }, { id: 'crm', endpoint: 'orders', http: {
    HeaderParameters: { 'x-from': 'shop' }, PathParameterValues: ['$.detail.tenant'], QueryStringParameters: { n: '1' },
  } });
  assert.deepEqual(events.rules.map(({ name, schedule, targets: [to] }) => [name, schedule, to.endpoint]), [
    ['hourly', 'rate(1 hour)', 'audit'], ['placed', undefined, 'orders'],
  ]);
});

test('Terraform: a connection whose secret is not known is not authorized, and that is told without any', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, { ...FUNCTION, 'main.tf': OUTSIDE }));
  assert.deepEqual(events.connections.map(({ name, auth }) => [name, auth]), [['crm', undefined], ['login', undefined]]);
  assert.deepEqual(events.endpoints.map(({ name }) => name), ['audit', 'orders']);
  assert.match(texts({ diagnostics })[0], /^main\.tf: aws_cloudwatch_event_connection\.crm: ApiKeyAuthParameters\.ApiKeyValue, InvocationHttpParameters\.x-tags of the connection "crm" are not known here.*"secret": "\$NAME"/);
  assert.match(texts({ diagnostics })[1], /ClientParameters\.ClientSecret of the connection "login" is not known here/);
});

test('Terraform: API destinations that lead nowhere are told with their place', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...FUNCTION,
    'main.tf': `
resource "aws_cloudwatch_event_connection" "odd" {
  name               = "odd"
  authorization_type = "NONE"
}
resource "aws_cloudwatch_event_api_destination" "a" {
  name                = "a"
  invocation_endpoint = "https://a.example"
  http_method         = "POST"
  connection_arn      = aws_cloudwatch_event_connection.odd.arn
}
resource "aws_cloudwatch_event_api_destination" "b" {
  name                = "b"
  invocation_endpoint = "https://b.example"
  http_method         = "SEND"
  connection_arn      = aws_cloudwatch_event_connection.odd.arn
}
resource "aws_cloudwatch_event_rule" "r" {
  name          = "r"
  event_pattern = jsonencode({ source = ["shop"] })
}
resource "aws_cloudwatch_event_target" "t" {
  rule = aws_cloudwatch_event_rule.r.name
  arn  = aws_cloudwatch_event_api_destination.a.arn
}
resource "aws_cloudwatch_event_target" "u" {
  rule = aws_cloudwatch_event_rule.r.name
  arn  = "arn:aws:events:us-east-1:000000000000:api-destination/elsewhere/0"
}
`,
    'mayfly.json': '{"events":{"connections":{"gone":{"secret":"x"}},"endpoints":{"a":{"url":"a"}}}}',
  }));
  assert.deepEqual([events.connections, events.endpoints, events.rules[0].targets], [[], [], []]);
  assert.deepEqual(texts({ diagnostics }).map((text) => text.replace(/^mayfly\.json: |^main\.tf: aws_cloudwatch_event_/, '')), [
    'connection.odd: its authorization type "NONE" is none of API_KEY, BASIC, OAUTH_CLIENT_CREDENTIALS',
    'api_destination.b: its method "SEND" is none of HEAD, POST, PATCH, DELETE, PUT, GET, OPTIONS',
    'events.connections.gone: there is no such connection; no file declares one',
    'events.endpoints.a: must be { "url": "http://..." }',
    'api_destination.a: there is no connection "odd" in this project',
    'rule.r: there is no API destination "elsewhere" in this project',
  ]);
});
