/* APIs of CloudFormation and SAM that are not served here: only the Api and HttpApi events of functions are read. Told once
 * for a template, however many routes they have. */
import { andMore } from '../diagnostics.js';
import { API_EVENTS, isFunction } from './sam.js';

const APIS = ['AWS::Serverless::Api', 'AWS::Serverless::HttpApi', 'AWS::ApiGateway::RestApi', 'AWS::ApiGatewayV2::Api'];
const DEFINITIONS = ['DefinitionBody', 'DefinitionUri', 'Body', 'BodyS3Location'];
/** Routes as resources of their own, and what names their API. */
const ROUTES = { 'AWS::ApiGateway::Method': 'RestApiId', 'AWS::ApiGatewayV2::Route': 'ApiId' };

/** @param {object} template as samTemplates() of sam.js */
export function tellApis({ diagnostics }, template) {
  const { file, titleOf } = template;
  const all = Object.entries(template.resources).map(([id, resource]) => ({ id, type: resource?.Type, properties: resource?.Properties ?? {} }));
  const sockets = all.filter(isWebSocket).map(({ id }) => id);
  if (sockets.length > 0) {
    const text = 'WebSocket APIs do not run here: invoke their functions with the events that they would get';
    diagnostics.warn(`${file}: ${andMore(sockets.map(titleOf))}: ${text}`, { file });
  }
  const apis = new Set([...defined(template, all), ...withRoutes(all)]).difference(new Set(sockets));
  if (apis.size > 0) {
    const text = 'routes of an API that are no Api or HttpApi events of a function are not served here; a function also answers at NAME.localhost';
    diagnostics.warn(`${file}: ${andMore([...apis].map(titleOf))}: ${text}`, { file });
  }
}

function isWebSocket({ type, properties }) {
  return type === 'AWS::Serverless::WebSocketApi' || (type === 'AWS::ApiGatewayV2::Api' && properties.ProtocolType === 'WEBSOCKET');
}

/** APIs whose definition has paths that no function has as an event; of definitions that cannot be read, those without events. */
function defined(template, all) {
  const events = eventsOf(template, all);
  return all.filter(({ id, type, properties }) => {
    const key = APIS.includes(type) && DEFINITIONS.find((name) => properties[name] !== undefined);
    const own = events.filter(({ api }) => api === undefined || api === id).map(({ path }) => path);
    const paths = key ? Object.keys(template.resolve(properties[key])?.paths ?? {}) : [];
    return key && (paths.length > 0 ? paths.some((path) => !own.includes(path)) : own.length === 0);
  }).map(({ id }) => id);
}

function eventsOf({ resolve }, all) {
  return all.filter(({ type }) => isFunction({ Type: type })).flatMap(({ properties }) => Object.values(properties.Events ?? {}))
    .filter((event) => API_EVENTS[event?.Type])
    .map(({ Properties: said }) => ({ path: resolve(said?.Path), api: (said?.ApiId ?? said?.RestApiId)?.Ref }));
}

function withRoutes(all) {
  return all.filter(({ type, properties }) => ROUTES[type] && properties.HttpMethod !== 'OPTIONS')
    .map(({ id, type, properties }) => properties[ROUTES[type]]?.Ref ?? id);
}
