/* Routes of API Gateway that lead to a service of AWS without a function between, or past a function's proxy: one model of what
 * CloudFormation, Terraform and OpenAPI say of them, and the function of ours that serves them (runtime/js/dialects/integration.js). */
import { ENTRY, MODULE, integrationFiles } from '../bundle/integration_libraries.js';
import { regionOf } from './arn.js';

/** What the AWS port serves, and what of it HTTP APIs have, each with the parameters that it needs. */
const SERVICES = ['events', 'lambda', 's3', 'scheduler', 'sqs'];
const SUBTYPES = {
  'EventBridge-PutEvents': ['Detail', 'DetailType', 'Source'], 'SQS-SendMessage': ['QueueUrl', 'MessageBody'],
  'SQS-ReceiveMessage': ['QueueUrl'], 'SQS-DeleteMessage': ['QueueUrl', 'ReceiptHandle'], 'SQS-PurgeQueue': ['QueueUrl'],
};

/** Of a REST API whose files name none: what SAM calls it. */
export const DEFAULT_STAGE = 'Prod';
const NAME = 'integrations';
const MEMORY_MB = 256;
const BODY_MAX_BYTES = 10 * 1024 * 1024;
const TIMEOUT_MS = { http: 30_000, rest: 29_000 };

const isText = (value) => typeof value === 'string';
const isScalar = (value) => ['string', 'number', 'boolean'].includes(typeof value);
/** Without what is not known. */
const texts = (object) => Object.fromEntries(Object.entries(object ?? {}).filter(([, value]) => isScalar(value)).map(([name, value]) => [name, String(value)]));

/**
 * @typedef {object} Integration
 * @property {string} [subtype] of an HTTP API
 * @property {boolean} isPrivate whether what it leads to is in a network of the cloud
 * @property {string} [method]
 * @property {Record<string, string>} parameters
 * @property {Record<string, string>} templates
 * @property {string} passthrough
 * @property {{ pattern?: string, status: number, parameters: Record<string, string>, templates: Record<string, string> }[]} responses
 */

/** @returns {Integration} of an integration as CloudFormation's resources have it */
export function integrationOfResource(said = {}) {
  return {
    subtype: said.IntegrationSubtype, isPrivate: said.ConnectionType === 'VPC_LINK', method: said.IntegrationHttpMethod ?? said.IntegrationMethod,
    parameters: texts(said.RequestParameters), templates: texts(said.RequestTemplates), passthrough: passthroughOf(said.PassthroughBehavior),
    responses: [said.IntegrationResponses ?? []].flat().map((one) => ({
      pattern: isText(one?.SelectionPattern) && one.SelectionPattern ? one.SelectionPattern : undefined,
      status: Number(one?.StatusCode) || 200, parameters: texts(one?.ResponseParameters), templates: texts(one?.ResponseTemplates),
    })),
  };
}

/** @returns {Integration} of `x-amazon-apigateway-integration`, whose responses have their patterns for names */
export function integrationOfDefinition(said) {
  return {
    subtype: said.integrationSubtype, isPrivate: said.connectionType === 'VPC_LINK', method: said.httpMethod,
    parameters: texts(said.requestParameters), templates: texts(said.requestTemplates), passthrough: passthroughOf(said.passthroughBehavior),
    responses: Object.entries(said.responses ?? {}).map(([pattern, one]) => ({
      pattern: pattern === 'default' ? undefined : pattern,
      status: Number(one?.statusCode) || 200, parameters: texts(one?.responseParameters), templates: texts(one?.responseTemplates),
    })),
  };
}

const passthroughOf = (said) => String(said ?? 'WHEN_NO_MATCH').toUpperCase();

/**
 * What the runtime is told of a route's integration; null: it cannot be served.
 * @param {import('./api_routes.js').ApiRoute} route
 * @param {(uri: string) => string|undefined} functionOf the function of this project that a URI leads to
 */
export function servedIntegration({ api, type, uri, method, path, integration }, functionOf, region) {
  if (!isText(path) || !isText(method) || !integration) {
    return null;
  }
  const { subtype, isPrivate, ...rest } = integration;
  if (type === 'HTTP_PROXY') {
    /* The host is whole, and no variable's. */
    return !isPrivate && /^https?:\/\/[^/?${}]+([/?]|$)/.test(uri) && !uri.includes('${') ? { proxy: uri, parameters: api === 'rest' ? rest.parameters : {} } : null;
  }
  if (api === 'http') {
    const { parameters } = rest;
    return SUBTYPES[subtype]?.every((name) => name in parameters) ? { subtype, region, parameters } : null;
  }
  if (type === 'MOCK') {
    return rest;
  }
  const target = type === 'AWS' ? targetOf(uri, functionOf, region) : null;
  return target && { ...rest, ...target };
}

/** `arn:aws:apigateway:REGION:SERVICE:path/PATH` or `...:action/OPERATION`; in Terraform's values, a function's name. */
function targetOf(uri, functionOf, region) {
  const name = functionOf(uri);
  if (name) {
    return { service: 'lambda', region, path: `2015-03-31/functions/${name}/invocations` };
  }
  const [, own, service, kind, rest] = /^arn:[^:]+:apigateway:([^:]*):([^:]+):(path|action)\/(.*)$/s.exec(isText(uri) ? uri : '') ?? [];
  const isServed = SERVICES.includes(service) && service !== 'lambda' && !rest.includes('${'); /* of stage variables */
  return isServed ? { service, region: own || region, ...(kind === 'path' ? { path: rest } : { action: rest }) } : null;
}

/** A template that does not parse fails with every request. */
export async function tellTemplates(diagnostics, routes) {
  const { parse } = await import('velocityjs');
  for (const { id, file, served: { templates = {}, responses = [] } } of routes) {
    for (const [type, template] of [templates, ...responses.map((response) => response.templates)].flatMap(Object.entries)) {
      try {
        parse(template);
      } catch (error) {
        diagnostics.error(`${file}: ${id}: its mapping template for ${type}: ${error.message}`, { file });
      }
    }
  }
}

/**
 * The function that serves them, with an endpoint for each.
 * @param {import('./api_routes.js').ApiRoute[]} routes each with what is `served` of it
 */
export async function integrationDraft(routes, { env }) {
  return {
    name: NAME, dialect: 'integration', build: 'files', files: await integrationFiles(), entry: ENTRY,
    memory_mb: MEMORY_MB, timeout_ms: TIMEOUT_MS.http, body_max_bytes: BODY_MAX_BYTES,
    env: { AWS_REGION: regionOf(env) }, settings: {},
    endpoints: routes.map(({ api, path, method, file, cors, binaryTypes, served, stage = DEFAULT_STAGE }) => ({
      name: path, file, module: MODULE, methods: method === 'ANY' ? null : [method], timeout_ms: TIMEOUT_MS[api],
      settings: {
        api, payload: '1.0', resource: path, integration: served,
        ...(api === 'http' ? { stage: '$default', route_key: path === '$default' ? path : `${method} ${path}` } : { stage }),
        ...(cors ? { cors, preflight_only: !['ANY', 'OPTIONS'].includes(method) } : {}), ...(binaryTypes ? { binary_types: binaryTypes } : {}),
      },
    })),
  };
}
