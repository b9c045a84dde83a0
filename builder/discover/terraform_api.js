/* APIs of API Gateway in Terraform's resources, as api_routes.js has them: HTTP APIs (aws_apigatewayv2_*) and REST APIs
 * (aws_api_gateway_*). Resources name one another by ids, which are their names here. */
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
      apis: [...all('aws_apigatewayv2_api', httpApi).map((api) => ({ ...api, stages: stagesOf(values, api) })), ...all('aws_api_gateway_rest_api', restApi)],
      resources: all('aws_api_gateway_resource', ({ name }, get) => ({ name, parent: get('parent_id'), part: get('path_part') })),
      methods: all('aws_api_gateway_integration', method).filter(({ type }) => type !== 'MOCK').map((one) => ({ ...one, authorization: authorizationOf(values, one) })),
      routes: all('aws_apigatewayv2_route', ({ address, file }, get) => ({
        title: address, file, api: get('api_id'), key: get('route_key'), target: get('target'), authorization: get('authorization_type'),
      })),
      integrations: all('aws_apigatewayv2_integration', ({ name }, get) => ({
        name, type: get('integration_subtype') ?? get('integration_type'), uri: get('integration_uri'), payload: get('payload_format_version'),
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

function restApi(api, get) {
  return {
    name: api.name, title: api.address, file: api.file, kind: 'rest',
    binaryTypes: get('binary_media_types'), definition: definitionIn(get('body')),
  };
}

/** The responses of a MOCK are resources of their own, which nothing here reads. */
function method({ address, file }, get) {
  return {
    title: address, file, api: get('rest_api_id'), resource: get('resource_id'), method: get('http_method'), type: get('type'), uri: get('uri'),
  };
}

/** A REST API's method and its integration are two resources. */
function authorizationOf(values, { api, resource, method: verb }) {
  const found = values.all('aws_api_gateway_method').find((one) =>
    one.get('rest_api_id') === api && one.get('resource_id') === resource && one.get('http_method') === verb);
  return found?.get('authorization') === 'NONE' && found.get('api_key_required') === true ? 'API key' : found?.get('authorization');
}

/** JSON or YAML; one that does not parse is Terraform's to tell. */
function definitionIn(body) {
  try {
    return typeof body === 'string' ? yaml().parse(body) : undefined;
  } catch {
    return undefined;
  }
}
