/* APIs of API Gateway in Terraform's resources, as api_routes.js has them: HTTP APIs (aws_apigatewayv2_*) and REST APIs
 * (aws_api_gateway_*). Resources name one another by ids, which are their names here. */
import { integrationOfResource } from './api_integrations.js';
import { withoutUndefined } from './lambda_url.js';
import { yaml } from './yaml.js';

/**
 * @param {import('./terraform_modules.js').TerraformModule[]} modules
 * @returns {import('./api_routes.js').ApiScope[]}
 */
export function terraformApis(modules) {
  return modules.map(({ values }) => {
    const all = (type, of) => values.all(type).map((resource) => of(resource, (name) => resource.get(name)));
    return {
      apis: [...all('aws_apigatewayv2_api', httpApi).map((api) => ({ ...api, stages: stagesOf(values, api) })), ...all('aws_api_gateway_rest_api', restApi).map((api) => ({ ...api, stages: restStagesOf(values, api) }))],
      resources: all('aws_api_gateway_resource', ({ name }, get) => ({ name, parent: get('parent_id'), part: get('path_part') })),
      methods: all('aws_api_gateway_integration', (resource, get) => method(values, resource, get)),
      routes: all('aws_apigatewayv2_route', ({ address, file }, get) => ({
        title: address, file, api: get('api_id'), key: get('route_key'), target: get('target'), authorization: get('authorization_type'),
      })),
      integrations: all('aws_apigatewayv2_integration', (resource, get) => ({
        name: resource.name, type: get('integration_type'), uri: uriOf(values, resource, 'integration_uri'), payload: get('payload_format_version'),
        integration: integrationOfResource({ IntegrationSubtype: get('integration_subtype'), ConnectionType: get('connection_type'), RequestParameters: get('request_parameters') }),
      })),
    };
  });
}

function httpApi(api, get) {
  const [cors] = api.blocks('cors_configuration');
  return {
    name: api.name, title: api.address, file: api.file, kind: get('protocol_type') === 'WEBSOCKET' ? 'websocket' : 'http',
    cors: cors && withoutUndefined(cors), target: get('target'), routeKey: get('route_key'), definition: definitionIn(get('body')),
  };
}

function stagesOf(values, { name }) {
  return values.all('aws_apigatewayv2_stage').filter((stage) => stage.get('api_id') === name).map((stage) => stage.name);
}

function restStagesOf(values, { name }) {
  const stages = ['aws_api_gateway_stage', 'aws_api_gateway_deployment'].flatMap((type) => values.all(type));
  return stages.filter((stage) => stage.get('rest_api_id') === name).map((stage) => stage.get('stage_name')).filter((stage) => typeof stage === 'string');
}

function restApi(api, get) {
  return {
    name: api.name, title: api.address, file: api.file, kind: 'rest',
    binaryTypes: get('binary_media_types'), definition: definitionIn(get('body')),
  };
}

/** One that is not known, as with the region of a variable that nobody has given, leads where it refers to all the same. */
function uriOf(values, resource, attribute) {
  const ids = [...String(resource.block[attribute]).matchAll(/\baws_lambda_function\.([\w-]+)/g)].map(([, id]) => id);
  return resource.get(attribute) ?? values.all('aws_lambda_function').find(({ id }) => ids.includes(id))?.name;
}

/** A REST API's method, its integration and the responses of that are resources of their own. */
function method(values, resource, get) {
  const { address, file } = resource;
  const place = ['rest_api_id', 'resource_id', 'http_method'].map((name) => [name, get(name)]);
  const beside = (type) => values.all(type).filter((other) => place.every(([name, value]) => other.get(name) === value));
  const authorized = beside('aws_api_gateway_method')[0];
  const authorization = authorized?.get('authorization');
  return {
    title: address, file, api: get('rest_api_id'), resource: get('resource_id'), method: get('http_method'), type: get('type'), uri: uriOf(values, resource, 'uri'),
    authorization: authorization === 'NONE' && authorized.get('api_key_required') === true ? 'API key' : authorization,
    integration: integrationOfResource({
      IntegrationHttpMethod: get('integration_http_method'), RequestParameters: get('request_parameters'), RequestTemplates: get('request_templates'),
      PassthroughBehavior: get('passthrough_behavior'), ConnectionType: get('connection_type'),
      IntegrationResponses: beside('aws_api_gateway_integration_response').map((other) => ({
        StatusCode: other.get('status_code'), SelectionPattern: other.get('selection_pattern'),
        ResponseParameters: other.get('response_parameters'), ResponseTemplates: other.get('response_templates'),
      })),
    }),
  };
}

/** JSON or YAML; one that does not parse is Terraform's to tell. */
function definitionIn(body) {
  try {
    return typeof body === 'string' ? yaml().parse(body) : undefined;
  } catch {
    return undefined;
  }
}
