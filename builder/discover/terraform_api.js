/* What API Gateway sends to functions, from Terraform's resources: HTTP APIs (aws_apigatewayv2_*) and REST APIs with
 * proxy integrations (aws_api_gateway_*). Resources name one another by ids, which are their names here. */

import { withoutUndefined } from './lambda_url.js';

const HTTP = { api: 'http' };
const REST = { api: 'rest', payload: '1.0' };
const DEFAULT_PAYLOAD = '1.0'; /* of aws_apigatewayv2_integration, though the console's is 2.0 */

/**
 * @param {import('./terraform_modules.js').TerraformModule[]} modules
 * @returns {(resource: import('./terraform_values.js').Resource) => object[]} the events of a function
 */
export function terraformApiEvents(modules) {
  const events = modules.flatMap(({ values }) => [...httpEvents(values, modules), ...restEvents(values, modules)]);
  return ({ name, arn }) => events.filter(({ uri }) => leadsTo(uri, name, arn)).map(({ uri: _uri, ...event }) => event);
}

/** Its name (what `invoke_arn` is worked out to), its ARN, or an address that holds it. */
function leadsTo(uri, name, arn) {
  return uri === name || uri === arn || uri.includes(`${arn}/`) || uri.startsWith(`${arn}:`);
}

/** Of the module itself, or else of any other: ids are handed out and in. */
function findNamed(values, modules, type, name) {
  const lists = [values, ...modules.map((module) => module.values)];
  for (const list of lists) {
    const found = list.all(type).find((resource) => resource.name === name);
    if (found) {
      return found;
    }
  }
  return undefined;
}

const isText = (value) => typeof value === 'string';

/* HTTP APIs */

function httpEvents(values, modules) {
  const routes = values.all('aws_apigatewayv2_route').flatMap((route) => httpRoute(values, modules, route));
  const quick = values.all('aws_apigatewayv2_api').filter((api) => isText(api.get('target')));
  return [
    ...routes,
    ...quick.map((api) => ({ ...HTTP, ...parseKey(api.get('route_key') ?? '$default'), payload: '2.0', cors: corsOf(api), id: api.id, uri: api.get('target') })),
  ];
}

function httpRoute(values, modules, route) {
  const [, integrationName] = /^integrations\/(.+)$/.exec(route.get('target') ?? '') ?? [];
  const integration = integrationName && findNamed(values, modules, 'aws_apigatewayv2_integration', integrationName);
  const uri = integration?.get('integration_uri');
  const key = isText(route.get('route_key')) ? parseKey(route.get('route_key')) : null;
  if (!key || !isText(uri)) {
    return [];
  }
  const payload = integration.get('payload_format_version') ?? DEFAULT_PAYLOAD;
  const api = findNamed(values, modules, 'aws_apigatewayv2_api', route.get('api_id'));
  return [{ ...HTTP, ...key, payload: String(payload), cors: api && corsOf(api), id: route.address, uri }];
}

/** "GET /users/{id}", "ANY /x" or "$default". */
function parseKey(key) {
  const match = /^(\S+)\s+(\/\S*)$/.exec(key);
  return match ? { method: match[1].toUpperCase(), path: match[2] } : key === '$default' ? { method: 'ANY', path: key } : null;
}

function corsOf(api) {
  const [cors] = api.blocks('cors_configuration');
  return cors && withoutUndefined(cors);
}

/* REST APIs */

function restEvents(values, modules) {
  return values.all('aws_api_gateway_integration').flatMap((integration) => {
    const { uri, path, method } = restIntegration(values, modules, integration);
    if (integration.get('type') !== 'AWS_PROXY' || !isText(uri) || path === undefined || !isText(method)) {
      return [];
    }
    const api = findNamed(values, modules, 'aws_api_gateway_rest_api', integration.get('rest_api_id'));
    const binaryTypes = api?.get('binary_media_types');
    return [{ ...REST, path, method: method.toUpperCase(), id: integration.address, uri, ...(binaryTypes ? { binaryTypes } : {}) }];
  });
}

/** An integration may name its method's resource and verb through the method. */
function restIntegration(values, modules, integration) {
  return {
    uri: integration.get('uri'),
    method: integration.get('http_method'),
    path: pathOf(values, modules, integration.get('resource_id'), 0),
  };
}

const PARTS_MAX = 30;

/** From the resource up to the root, whose id is the API's name. */
function pathOf(values, modules, id, depth) {
  if (!isText(id) || depth > PARTS_MAX) {
    return undefined;
  }
  const resource = findNamed(values, modules, 'aws_api_gateway_resource', id);
  if (!resource) {
    return findNamed(values, modules, 'aws_api_gateway_rest_api', id) ? '/' : undefined;
  }
  const parent = pathOf(values, modules, resource.get('parent_id'), depth + 1);
  return parent === undefined ? undefined : `${parent === '/' ? '' : parent}/${resource.get('path_part')}`;
}
