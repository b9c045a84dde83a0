/* `integration: lambda` of a http event: a REST API's route that is no proxy, with the framework's own templates, where the service
 * has none. https://www.serverless.com/framework/docs/providers/aws/events/apigateway#lambda-integration */
import { integrationOfResource } from './api_integrations.js';

/** A map of texts as JSON. What escapeJavaScript does to ' is nothing that JSON knows. */
const MACROS = `
#macro(text $value)"$util.escapeJavaScript($value).replaceAll("\\\\'", "'")"#end
#macro(map $values){#foreach($name in $values.keySet())#text($name): #text($values.get($name))#if($foreach.hasNext),#end#end}#end
`;

/** The event that the framework documents, but for its body. */
const EVENT = `"method": "$context.httpMethod", "principalId": "$context.authorizer.principalId", "stage": "$context.stage", "cognitoPoolClaims": {"sub": "$context.authorizer.claims.sub"},
"enhancedAuthContext": {}, "headers": #map($input.params().header), "query": #map($input.params().querystring), "path": #map($input.params().path),
"identity": #map($context.identity), "stageVariables": #map($stageVariables), "requestPath": "$context.resourcePath"`;

const REQUEST_TEMPLATES = {
  'application/json': `${MACROS}{"body": $input.json("$"), ${EVENT}}`,
  'application/x-www-form-urlencoded': `${MACROS}{"body": {#foreach($pair in $input.body.split("&"))#set($parts = $pair.split("=", 2))
#text($util.urlDecode($parts[0])): #if($parts.size() > 1)#text($util.urlDecode($parts[1]))#else""#end#if($foreach.hasNext),#end#end}, ${EVENT}}`,
};

/** Those that an error chooses with its message: "[404] Not found". */
const STATUS_CODES = [400, 401, 403, 404, 422, 500, 502, 504];

const isProxy = (integration) => /^(lambda|aws)[-_]proxy$/i.test(integration);

/** Whether a route is served so: others that are no proxies are told. */
export const isMapped = ({ integration } = {}) => /^(lambda|aws)$/i.test(integration ?? '');

export const isOther = ({ integration } = {}) => Boolean(integration) && !isProxy(integration) && !isMapped({ integration });

/** @returns {import('./api_integrations.js').Integration} */
export function mappedIntegration({ request = {}, response = {}, async: isAsync }) {
  const templates = typeof request.template === 'object' ? { ...REQUEST_TEMPLATES, ...request.template } : REQUEST_TEMPLATES;
  return integrationOfResource({
    IntegrationHttpMethod: 'POST', RequestTemplates: templates, PassthroughBehavior: request.passThrough ?? 'NEVER',
    RequestParameters: isAsync === true ? { 'integration.request.header.X-Amz-Invocation-Type': "'Event'" } : {},
    IntegrationResponses: responsesOf(response),
  });
}

/** Codes without a pattern are for all that no error chooses. */
function responsesOf({ statusCodes, headers, template }) {
  const usual = STATUS_CODES.map((code) => [code, { pattern: `[\\s\\S]*\\[${code}\\][\\s\\S]*` }]);
  const said = Object.entries(statusCodes ?? {});
  const hasDefault = said.some(([, one]) => !one?.pattern);
  const all = [...(hasDefault ? [] : [[200, {}]]), ...(statusCodes ? said : usual)];
  return all.map(([code, one]) => ({
    StatusCode: code, SelectionPattern: one?.pattern,
    ResponseParameters: parametersOf({ ...headers, ...one?.headers }), ResponseTemplates: templatesOf(one?.template ?? (one?.pattern ? undefined : template)),
  }));
}

const parametersOf = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [`method.response.header.${name}`, value]));
const templatesOf = (template) => (typeof template === 'string' ? { 'application/json': template } : template ?? {});
