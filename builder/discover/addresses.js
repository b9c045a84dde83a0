/* The addresses that AWS gives functions and APIs, as templates refer to them, and those that they have here instead. */

const FUNCTION = /https:\/\/([^/]+?)\.lambda-url\.[^/]*\.on\.aws/g;
const API = /https:\/\/([^/]+?)\.execute-api\.[^/]*\.amazonaws\.com(?:\.cn)?(?:\/([^/?#]*))?/g;

/** @returns {string} with the name of the function where AWS has an id of its own */
export function functionAddress(region, name) {
  return `https://${name}.lambda-url.${region}.on.aws/`;
}

/** @returns {string} with the name of the API, which is also what stands for its id */
export function apiAddress(region, name) {
  return `https://${name}.execute-api.${region}.amazonaws.com`;
}

/** @param {string} [region] of the one that names it */
export function bucketHost(name, region) {
  return `${name}.s3.${region ? `${region}.` : ''}amazonaws.com`;
}

const MADE = /(endpoint|address|domain_?name|dns_?name|ur[li]|host|hostname|port|password|secret|token|api_?key)$/i;

/** Whether an attribute holds what AWS makes up, as the address of a database: nothing of a file stands for it. */
export function isMadeByAws(attribute) {
  return MADE.test(attribute);
}

/**
 * @param {number} port of the site
 * @param {string[]} functions the names of those that are served
 * @param {{ name: string, kind: string, stages?: string[] }[]} apis theirs, which are served without their stages
 * @returns {(value: unknown) => unknown} a variable with such addresses of theirs made local; others are somebody else's
 */
export function localAddresses(port, functions, apis) {
  const site = `localhost:${port || 3000}`;
  const toFunction = (whole, name) => (functions.includes(name) ? `http://${name.toLowerCase()}.${site}` : whole);
  const toApi = (whole, name, stage) => {
    const api = apis.find((one) => one.name === name && one.kind !== 'websocket');
    const isStage = stage === undefined || api?.kind === 'rest' || api?.stages?.includes(stage);
    return api ? `http://${site}${isStage ? '' : `/${stage}`}` : whole;
  };
  return (value) => (typeof value === 'string' ? value.replace(FUNCTION, toFunction).replace(API, toApi) : value);
}
