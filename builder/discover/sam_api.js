/* APIs of API Gateway in CloudFormation's resources, as api_routes.js has them. Api and HttpApi events of SAM's functions are
 * read with the functions: sam.js. */
import { andMore } from '../diagnostics.js';
import { integrationOfResource } from './api_integrations.js';
import { urlSettings } from './lambda_url.js';
import { isFunction } from './sam.js';
import { isOpen } from './sam_template.js';

const APIS = {
  'AWS::ApiGateway::RestApi': 'rest', 'AWS::Serverless::Api': 'rest', 'AWS::ApiGatewayV2::Api': 'http', 'AWS::Serverless::HttpApi': 'http',
  'AWS::Serverless::WebSocketApi': 'websocket',
};
const DEFINITIONS = ['DefinitionBody', 'Body'];
/** Those are in a file of their own, which may be the project's. */
const ELSEWHERE = ['DefinitionUri', 'BodyS3Location'];

/**
 * @param {object} template as samTemplates() of sam.js
 * @returns {import('./api_routes.js').ApiScope}
 */
export function templateApis(template) {
  const { file } = template;
  const all = (types, of) => Object.entries(template.resources).filter(([, resource]) => types.includes(resource?.Type))
    .map(([id, resource]) => of({ file, title: template.titleOf(id), name: template.nameOf(id) }, template.resolve(resource.Properties ?? {}) ?? {}, resource.Type));
  const stages = all(['AWS::ApiGatewayV2::Stage', 'AWS::ApiGateway::Stage', 'AWS::ApiGateway::Deployment'],
    (_common, { ApiId: its, RestApiId: rest, StageName: name }) => ({ api: its ?? rest, name }));
  return {
    apis: all(Object.keys(APIS), (common, said, type) => ({ ...api(template, common, said, type), stages: stagesOf(stages, common, said) })),
    resources: all(['AWS::ApiGateway::Resource'], ({ name }, { ParentId: parent, PathPart: part }) => ({ name, parent, part })),
    methods: all(['AWS::ApiGateway::Method'], method),
    routes: all(['AWS::ApiGatewayV2::Route'], ({ title }, { ApiId: its, RouteKey: key, Target: target, AuthorizationType: authorization }) => ({
      title, file, api: its, key, target, authorization,
    })),
    integrations: all(['AWS::ApiGatewayV2::Integration'], ({ name }, said) => ({
      name, type: said.IntegrationType, uri: said.IntegrationUri, payload: said.PayloadFormatVersion, integration: integrationOfResource(said),
    })),
  };
}

function api(template, common, said, type) {
  const isSocket = said.ProtocolType === 'WEBSOCKET';
  const cors = APIS[type] === 'http' && typeof said.CorsConfiguration === 'object' ? urlSettings({ Cors: said.CorsConfiguration }).cors : undefined;
  return {
    ...common, kind: isSocket ? 'websocket' : APIS[type], cors, target: said.Target, routeKey: said.RouteKey,
    binaryTypes: Array.isArray(said.BinaryMediaTypes) ? said.BinaryMediaTypes.map((one) => String(one).replaceAll('~1', '/')) : undefined,
    definition: definitionOf(template, said),
  };
}

function stagesOf(stages, { name }, { StageName: own }) {
  return [...stages.filter(({ api: its }) => its === name).map((stage) => stage.name), own].filter((stage) => typeof stage === 'string' && !isOpen(stage));
}

function definitionOf(template, said) {
  const inline = DEFINITIONS.map((key) => said[key]).find((definition) => typeof definition === 'object');
  return inline ?? template.included(said.DefinitionUri);
}

function method({ title, file }, { RestApiId: its, ResourceId: resource, HttpMethod: verb, Integration: said, AuthorizationType: kind, ApiKeyRequired: isKeyed }) {
  const authorization = isKeyed === true && (kind ?? 'NONE') === 'NONE' ? 'API key' : kind;
  return { title, file, api: its, resource, method: verb, type: said?.Type, uri: said?.Uri, integration: integrationOfResource(said), authorization };
}

/** Definitions that are not read, of APIs whose paths no function has as events. */
export function tellDefinitions({ diagnostics }, template) {
  const { file, titleOf } = template;
  const events = Object.values(template.resources).filter(isFunction).flatMap((resource) => Object.values(resource.Properties?.Events ?? {}))
    .map((event) => (event?.Properties?.ApiId ?? event?.Properties?.RestApiId)?.Ref);
  const unread = Object.entries(template.resources).filter(([id, resource]) => APIS[resource?.Type] && !events.includes(id))
    .filter(([, { Properties: said }]) => isElsewhere(template, said ?? {})).map(([id]) => titleOf(id));
  if (unread.length > 0) {
    const text = 'a definition that is no file of this project is not read, its routes are not served; write it into the template (DefinitionBody)';
    diagnostics.warn(`${file}: ${andMore(unread)}: ${text}`, { file });
  }
}

function isElsewhere(template, said) {
  const inline = DEFINITIONS.find((key) => said[key] !== undefined);
  const isRead = template.included(template.resolve(said.DefinitionUri)) !== undefined;
  return (!isRead && ELSEWHERE.some((key) => said[key] !== undefined)) || (inline !== undefined && !template.resolve(said[inline])?.paths);
}
